"""Init segments and parts, as FFmpeg reads them and byte by byte."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from fractions import Fraction
from io import BytesIO

import av
import pytest

from bridge import fmp4
from bridge.rendition import Part
from bridge.track import AudioConfig, Sample
from tests.bridge.media import PICTURE, aac, box, boxes, decode, picture, tone, x264
from tests.bridge.rules import samples as samples_of

BROADCAST_DAY = 9 * 3_600
"""Seconds that a broadcast is already on: times need more than 32 bits then."""
UND = 0x55C4
"""The language, five bits a letter."""


def pack(samples: list[Sample], each: int) -> list[bytes]:
    return [
        fmp4.part(
            samples[n : n + each],
            sequence=n // each + 1,
            last_duration=samples[n].duration,
            wall_ms=0,
            first=n == 0,
        )
        for n in range(0, len(samples), each)
    ]


@pytest.mark.parametrize("start", [0, BROADCAST_DAY * 90_000 * 4])
@pytest.mark.parametrize("profile", ["baseline", "high"])
def test_ffmpeg_decodes_every_picture_at_its_exact_time(start: int, profile: str) -> None:
    video = x264(profile=profile)
    parts = pack(video.samples(start), 15)
    shown = decode(fmp4.init(video.config), *parts)
    assert shown == [(start + PICTURE * n, 320) for n in range(60)]


def test_ffmpeg_decodes_every_sound_at_its_exact_time() -> None:
    sound = aac()
    heard = decode(fmp4.init(sound.config), *pack(sound.samples, 23))
    assert heard == [(1_024 * n, 1_024) for n in range(len(sound.samples))]


def test_decoding_can_begin_at_any_part_with_a_keyframe() -> None:
    video = x264()
    parts = pack(video.samples(), 15)
    assert len(decode(fmp4.init(video.config), *parts[2:])) == 30


def test_what_ffprobe_says_of_the_tracks() -> None:
    with av.open(
        BytesIO(fmp4.init(x264().config) + pack(x264().samples(), 60)[0]), "r"
    ) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 180)
        assert stream.time_base == Fraction(1, 90_000)
        keys = [packet.is_keyframe for packet in container.demux(stream) if packet.size]
        assert [n for n, key in enumerate(keys) if key] == [0, 30]
    with av.open(BytesIO(fmp4.init(aac().config) + pack(aac().samples, 90)[0]), "r") as container:
        sound = container.streams.audio[0]
        assert (sound.codec_context.name, sound.rate, sound.channels) == ("aac", 48_000, 2)


def test_an_init_segment_holds_one_track_without_an_edit_list() -> None:
    for config, handler in ((x264().config, b"vide"), (aac().config, b"soun")):
        data = fmp4.init(config)
        assert [one.kind for one in boxes(data)] == ["ftyp", "moov"]
        assert [one.kind for one in boxes(box(data, "moov"))] == ["mvhd", "trak", "mvex"]
        track = box(data, "moov", "trak")
        assert [one.kind for one in boxes(track)] == ["tkhd", "mdia"]
        assert len(box(track, "tkhd")) == 84
        assert box(track, "mdia", "hdlr")[8:12] == handler
        scale, _, language = struct.unpack_from(">IIH", box(track, "mdia", "mdhd"), 12)
        assert (scale, language) == (config.timescale, UND)


def test_malformed_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="AudioSpecificConfig"):
        fmp4.init(AudioConfig(bytes(200)))


def test_a_part_is_made_of_these_boxes() -> None:
    samples = [picture(9_000 + PICTURE * n, n == 0, size=100) for n in range(10)]
    data = fmp4.part(samples, sequence=7, last_duration=PICTURE, wall_ms=0)
    assert [one.kind for one in boxes(data)] == ["prft", "moof", "mdat"]
    assert struct.unpack(">II", box(data, "moof", "mfhd")) == (0, 7)
    flags, track = struct.unpack_from(">II", box(data, "moof", "traf", "tfhd"))
    assert (flags & 0x20000, track) == (0x20000, 1)
    assert struct.unpack(">IQ", box(data, "moof", "traf", "tfdt")) == (1 << 24, 9_000)
    assert len(data) - 1_000 < 250
    first = fmp4.part(samples, sequence=8, last_duration=PICTURE, wall_ms=0, first=True)
    assert [one.kind for one in boxes(first)] == ["styp", "prft", "moof", "mdat"]


@pytest.mark.parametrize("keyframes", [[], [0], [3], [0, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("steps", [[10, 10, 10, 10], [10, 20, 1, 10], [10, 10, 10, 7]])
def test_every_sample_is_where_and_what_it_should_be(
    keyframes: list[int], steps: list[int]
) -> None:
    samples = [
        Sample(5 + sum(steps[:n]), 99, n in keyframes, bytes([n + 1]) * (n + 1)) for n in range(4)
    ]
    data = fmp4.part(samples, sequence=1, last_duration=steps[-1], wall_ms=0)
    moof = next(one.body for one in boxes(data) if one.kind == "moof")
    trun = box(moof, "traf", "trun")
    (offset,) = struct.unpack_from(">i", trun, 8)
    at = data.index(b"moof") - 4 + offset
    assert data[at:] == b"".join(sample.data for sample in samples)
    read = samples_of(Part(0, 0, False, False, data))
    assert read == [(sample.time, sample.keyframe) for sample in samples]


def test_sound_needs_no_flags_of_its_own() -> None:
    data = fmp4.part(
        [tone(1_024 * n) for n in range(23)], sequence=1, last_duration=1_024, wall_ms=0
    )
    assert len(data) - 23 * 20 < 250


def test_the_wall_clock_of_a_part_is_that_of_its_first_sample() -> None:
    wall_ms = 1_760_000_000_250
    data = fmp4.part([picture(45_000, True)], sequence=1, last_duration=1, wall_ms=wall_ms)
    head, track, ntp, time = struct.unpack(">IIQQ", box(data, "prft"))
    assert (head >> 24, head & 0xFFFFFF, track, time) == (1, 24, 1, 45_000)
    since_1900_s = ntp / 2**32
    epoch = datetime(1900, 1, 1, tzinfo=UTC).timestamp()
    assert since_1900_s + epoch == pytest.approx(wall_ms / 1_000, abs=1e-6)
