"""One rung: no delay, keyframes where they are wanted, and what players need to know."""

from __future__ import annotations

import pytest

from bridge.h264 import parse_sps
from bridge.ladder import Rung
from bridge.transcode.encoder import Coded, Colours, EncoderMissing, RungEncoder, chosen
from bridge.transcode.wire import Configured, Encoded
from tests.bridge.transcode.sources import decoded, picture

RUNG = Rung("180p", 320, 180, 300_000)


def encoder(colours: Colours | None = None) -> RungEncoder:
    return RungEncoder("libx264", RUNG, 30, colours or Colours())


def test_each_picture_comes_out_at_once_with_its_time() -> None:
    one = encoder()
    for number in range(20):
        coded = one.encode(picture(number), number * 3_000, keyframe=False)
        assert [sample.time for sample in coded] == [number * 3_000]


def test_keyframes_are_where_they_are_wanted_and_nowhere_else() -> None:
    one = encoder()
    wanted = {0, 7, 8, 50}
    coded = [
        sample
        for number in range(60)
        for sample in one.encode(picture(number * 50), number * 3_000, number in wanted)
    ]
    assert {number for number, sample in enumerate(coded) if sample.keyframe} == wanted
    # A keyframe is an IDR picture, in which nothing before it is referred to.
    for sample in coded:
        assert (5 in kinds(sample)) == sample.keyframe


def test_parameter_sets_are_in_the_config_and_not_in_the_samples() -> None:
    one = encoder()
    assert one.config is not None
    says = parse_sps(one.config.sps)
    assert (says.width, says.height) == (320, 180)
    assert not {7, 8, 9} & set(kinds(one.encode(picture(0), 0, keyframe=True)[0]))


def test_a_player_decodes_it_from_config_and_samples_alone() -> None:
    one = encoder()
    assert one.config is not None
    samples = [
        Encoded("x", coded.time, 3_000, coded.keyframe, coded.data)
        for number in range(10)
        for coded in one.encode(picture(number), number * 3_000, number == 0)
    ]
    frames = decoded(Configured.of("x", one.config), samples)
    assert [(frame.width, frame.height) for frame in frames] == [(320, 180)] * 10


def test_bits_stay_within_a_tenth_of_what_was_asked() -> None:
    one = encoder()
    size = sum(
        len(sample.data)
        for number in range(150)
        for sample in one.encode(picture(number * 37), number * 3_000, number % 60 == 0)
    )
    assert size * 8 / 5 <= 1.15 * RUNG.bitrate + RUNG.bitrate / 5


def test_colours_are_told_to_the_player() -> None:
    plain, full = encoder().config, encoder(Colours(range=2, space=1)).config
    assert plain is not None
    assert full is not None
    assert plain.sps != full.sps


def test_the_choice_falls_to_software_where_there_is_no_hardware() -> None:
    assert chosen("auto") in ("h264_nvenc", "libx264")
    assert chosen("libx264") == "libx264"


@pytest.mark.parametrize("name", ["", "no-such-encoder", "aac", "mpeg4"])
def test_a_wrong_name_is_an_error(name: str) -> None:
    with pytest.raises(EncoderMissing):
        chosen(name)


def kinds(sample: Coded) -> list[int]:
    found, at = [], 0
    while at < len(sample.data):
        found.append(sample.data[at + 4] & 31)
        at += 4 + int.from_bytes(sample.data[at : at + 4], "big")
    return found
