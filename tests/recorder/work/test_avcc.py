"""Two parameter sets in one decoder configuration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import fmp4
from bridge.track import VideoConfig
from recorder.mp4.boxes import MalformedMedia
from recorder.work.avcc import Configuration, configuration, split, with_configuration
from tests.recorder.work.roll import film


def init(profile: str = "high") -> bytes:
    return fmp4.init(film(0, 1, profile=profile).config)


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_what_an_init_segment_says_is_read_and_written_again(profile: str) -> None:
    config = film(0, 1, profile=profile).config
    assert isinstance(config, VideoConfig)
    known = configuration(init(profile))
    assert known.sps == (config.sps,)
    assert known.pps == (config.pps,)
    assert bytes((known.profile, known.constraints, known.level)) == config.sps[1:4]
    assert with_configuration(init(profile), known.encoded()) == init(profile)
    assert Configuration.parse(known.encoded()) == known


def test_sets_are_numbered() -> None:
    assert configuration(init()).free_number() == 1
    # Numbers 1, as an Exp-Golomb code: 010.
    one = Configuration(66, 0, 30, (b"\x67\x42\0\x1e\x40",), (b"\x68\x48",), b"")
    assert one.free_number() == 2
    mixed = Configuration(66, 0, 30, (b"\x67\x42\0\x1e\x80",), (b"\x68\x48",), b"")
    assert mixed.free_number() == 2


def test_two_configurations_are_joined() -> None:
    first = Configuration(66, 0xC0, 30, (b"\x67\x42\xc0\x1e\x80",), (b"\x68\x80",), b"")
    second = Configuration(66, 0x40, 31, (b"\x67\x42\x40\x1f\x40",), (b"\x68\x48",), b"")
    both = first.joined(second)
    assert (both.constraints, both.level) == (0x40, 31)
    assert both.sps == first.sps + second.sps
    changed = with_configuration(init("baseline"), both.encoded())
    assert configuration(changed) == both
    assert len(changed) != len(init("baseline"))


def test_a_byte_stream_is_split() -> None:
    assert split(b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\1\x65\0\0\3\1") == [
        b"\x67ab",
        b"\x68c",
        b"\x65\0\0\3\1",
    ]


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\1\x42\0\x1e\xff",
        b"\1\x42\0\x1e\xff\xe1\0\x05\x67\x42",
        b"\1\x42\0\x1e\xff\xe0\0",
        b"\1\x42\0\x1e\xfc\xe1\0\1\x67\1\0\1\x68",
        b"\2\x42\0\x1e\xff\xe1\0\1\x67\1\0\1\x68",
    ],
)
def test_malformed_records_are_refused(record: bytes) -> None:
    with pytest.raises(MalformedMedia):
        Configuration.parse(record)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(record: bytes) -> None:
    try:
        known = Configuration.parse(b"\1\x42\0\x1e\xff\xe1" + record)
        known.free_number()
    except MalformedMedia:
        return
    assert Configuration.parse(known.encoded()) == known


@given(st.integers(0, 700), st.binary(max_size=8))
def test_a_broken_init_segment_is_refused(at: int, junk: bytes) -> None:
    data = init()
    broken = data[:at] + junk + data[at + len(junk) :]
    try:
        known = configuration(broken)
        with_configuration(broken, known.encoded())
    except MalformedMedia:
        return
