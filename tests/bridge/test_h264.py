"""H.264 bytes: NAL units, and what a parameter set says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.h264 import (
    annexb_to_avcc,
    is_idr,
    nal_units,
    parameter_sets,
    parse_sps,
    video_config,
)
from tests.bridge.media import x264

LONG, SHORT = b"\0\0\0\1", b"\0\0\1"
DELIMITER, SPS, PPS = b"\x09\xf0", b"\x67\x42\x00\x0a\x11", b"\x68\xce\x38\x80"
SEI, IDR, PICTURE = b"\x06\x05\x01\x80", b"\x65\x88\x84\x00\x21", b"\x41\x9a\x02"
KEYFRAME = LONG + DELIMITER + LONG + SPS + LONG + PPS + SHORT + SEI + SHORT + IDR


def test_nal_units_lie_between_start_codes_of_either_length() -> None:
    assert nal_units(KEYFRAME) == [DELIMITER, SPS, PPS, SEI, IDR]
    assert nal_units(SHORT + PICTURE + bytes(3)) == [PICTURE]


@pytest.mark.parametrize("data", [b"", b"\0\0", PICTURE, b"\xff" + SHORT + PICTURE])
def test_what_does_not_begin_with_a_start_code_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="start code"):
        nal_units(data)


def test_lengths_take_the_place_of_start_codes_and_parameter_sets_are_left_out() -> None:
    assert annexb_to_avcc(KEYFRAME) == b"\0\0\0\4" + SEI + b"\0\0\0\5" + IDR


def test_every_picture_survives_the_way_to_lengths() -> None:
    for access_unit in x264().access_units:
        data, kept = annexb_to_avcc(access_unit), []
        while data:
            size = int.from_bytes(data[:4], "big")
            kept.append(data[4 : 4 + size])
            data = data[4 + size :]
        assert kept == [unit for unit in nal_units(access_unit) if unit[0] & 31 not in (7, 8, 9)]


def test_parameter_sets_are_found_before_the_picture_only() -> None:
    assert parameter_sets(KEYFRAME) == (SPS, PPS)
    assert parameter_sets(SHORT + PICTURE + SHORT + SPS) == (None, None)
    assert parameter_sets(b"\0\0\1") == (None, None)


def test_an_idr_picture_is_told_from_others() -> None:
    assert is_idr(KEYFRAME)
    assert not is_idr(SHORT + PICTURE)
    assert not is_idr(SHORT + SPS + SHORT + PPS)
    assert [n for n, unit in enumerate(x264().access_units) if is_idr(unit)] == [0, 30]


@pytest.mark.parametrize(
    ("width", "height", "profile", "number"),
    [
        (320, 180, "baseline", 66),
        (1_280, 720, "main", 77),
        (1_920, 1_080, "high", 100),
        (90, 158, "high", 100),
        (2, 2, "baseline", 66),
    ],
)
def test_what_x264_says_of_its_pictures(width: int, height: int, profile: str, number: int) -> None:
    config = x264(2, width, height, profile=profile).config
    says = parse_sps(config.sps)
    assert (says.width, says.height, says.profile) == (width, height, number)
    assert says.frame_rate == 30
    assert (says.chroma_format, says.luma_bits, says.chroma_bits) == (1, 8, 8)
    assert config.codec == f"avc1.{number:02x}{says.constraints:02x}{says.level:02x}"


def sps_of(bits: str, profile: int = 66) -> bytes:
    """An SPS by its bits after the level, given in groups."""
    plain = bits.replace(" ", "") + "1"
    plain += "0" * (-len(plain) % 8)
    body = bytes((profile, 0, 30)) + int(plain, 2).to_bytes(len(plain) // 8, "big")
    safe = b"\x67"
    for byte in body:
        if safe[-2:] == b"\0\0" and byte <= 3:
            safe += b"\3"
        safe += bytes((byte,))
    return safe


def ue(value: int) -> str:
    """An Exp-Golomb code."""
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


ORDER = f"{ue(0)} {ue(0)} {ue(2)} {ue(1)} 0"
"""Number of the set, of bits for frames, kind of order, references, no gaps."""
SIZE = f"{ue(19)} {ue(9)}"
"""320 x 160."""


def test_fields_are_counted_as_half_a_picture_and_cropped_by_twice_as_much() -> None:
    crop = f"1 {ue(0)} {ue(0)} {ue(0)} {ue(2)}"
    says = parse_sps(sps_of(f"{ORDER} {ue(119)} {ue(33)} 0 1 1 {crop} 0"))
    assert (says.width, says.height, says.frame_rate) == (1_920, 1_080, 0)


def test_a_frame_rate_is_read_behind_all_that_may_stand_before_it() -> None:
    aspect = "1 11111111" + f"{1:016b}{1:016b}"
    colours = "1 101 0 1" + f"{1:024b}"
    timing = "1" + f"{1_001:032b}" + f"{60_000:032b}" + "1"
    says = parse_sps(sps_of(f"{ORDER} {SIZE} 1 1 0 1 {aspect} 1 1 {colours} 1 1 1 {timing}"))
    assert says.frame_rate == pytest.approx(29.97, abs=0.001)


def test_scaling_lists_are_passed_over() -> None:
    lists = "1" + "1" + "1" * 16 + "0" * 7
    high = f"{ue(0)} {ue(1)} {ue(0)} {ue(0)} 0 {lists}"
    says = parse_sps(sps_of(f"{high} {ORDER[2:]} {SIZE} 1 1 0 0", 100))
    assert (says.width, says.height) == (320, 160)


@pytest.mark.parametrize(
    "bits",
    [
        "0" * 200,  # a number without an end
        f"{ue(0)} {ue(0)} {ue(3)} {SIZE} 1 1 0 0",  # a kind of order that is none
        f"{ORDER} {ue(1_024)} {ue(9)} 1 1 0 0",  # too wide
        f"{ORDER} {SIZE} 1 1 1 {ue(0)} {ue(160)} {ue(0)} {ue(0)} 0",  # all is cropped
        f"{ue(0)} {ue(0)} {ue(1)} 0 1 1 {ue(255)}",  # the end is missing
    ],
)
def test_a_malformed_sps_is_refused(bits: str) -> None:
    with pytest.raises(ValueError, match=r"SPS|picture"):
        parse_sps(sps_of(bits))


@pytest.mark.parametrize("data", [b"", b"\x67", b"\x68\0\0\0\0\0", b"\x67" + bytes(5_000)])
def test_what_is_no_sps_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an SPS"):
        parse_sps(data)


def test_a_configuration_needs_both_parameter_sets() -> None:
    config = x264().config
    assert video_config(config.sps, config.pps) == config
    with pytest.raises(ValueError, match="PPS"):
        video_config(config.sps, config.sps)


@given(st.binary(max_size=120), st.sampled_from([66, 77, 100, 110, 244]))
def test_any_bytes_are_an_sps_or_a_value_error(tail: bytes, profile: int) -> None:
    try:
        says = parse_sps(bytes((0x67, profile, 0, 30)) + tail)
    except ValueError:
        return
    assert 0 < says.width <= 16_384
    assert 0 < says.height <= 16_384
    assert says.frame_rate >= 0


@given(st.lists(st.binary(min_size=1, max_size=20)))
def test_any_bytes_are_access_units_or_a_value_error(pieces: list[bytes]) -> None:
    data = SHORT.join(pieces)
    is_idr(data)
    parameter_sets(data)
    try:
        annexb_to_avcc(data)
    except ValueError:
        assert SHORT not in data or data.split(SHORT)[0].strip(b"\0")
