"""Messages between the bridge and its transcode process."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ladder import Rung
from bridge.track import AudioConfig, Sample, VideoConfig
from bridge.transcode.wire import (
    FROM_CHILD,
    LONGEST,
    TO_CHILD,
    Configured,
    Encoded,
    FromChild,
    Plan,
    Ready,
    Reset,
    Restored,
    Shed,
    Status,
    ToChild,
    Trouble,
    Unit,
    Unpacker,
    WireError,
    packed,
)
from sluice.media import Codec

DOWN: list[ToChild] = [
    Plan([Rung("720p", 1280, 720, 2_500_000)], pace="source", encoder="libx264"),
    Unit(Codec.VP8, 40_000, True, b"\0\1\2"),
    Unit(Codec.OPUS, -1, True, b""),
    Reset(),
]
UP: list[FromChild] = [
    Ready("libx264", ("no-network",)),
    Configured.of("audio", AudioConfig(b"\x11\x90")),
    Configured.of("source", VideoConfig(b"\x67\x64", b"\x68", 320, 180, 30.0)),
    Encoded("source", 3_000, 3_000, True, b"\0\0\0\1x"),
    Shed("source"),
    Restored("source"),
    Trouble("undecodable", 3, "broken"),
    Status(1 << 20, 12, 0),
]


@pytest.mark.parametrize("size", [1, 3, 7, 1_000])
def test_messages_arrive_however_the_bytes_are_cut(size: int) -> None:
    stream = b"".join(packed(message) for message in DOWN)
    unpacker = Unpacker(TO_CHILD)
    arrived: list[ToChild] = []
    for start in range(0, len(stream), size):
        arrived += unpacker.feed(stream[start : start + size])
    assert arrived == DOWN


def test_what_the_process_says_comes_back_as_it_was() -> None:
    assert list(Unpacker(FROM_CHILD).feed(b"".join(map(packed, UP)))) == UP


def test_a_config_and_a_sample_keep_their_values() -> None:
    for config in (AudioConfig(b"\x11\x90"), VideoConfig(b"g", b"h", 16, 16, 25.0)):
        assert Configured.of("x", config).config == config
    assert Encoded("x", 1, 2, False, b"z").sample == Sample(1, 2, False, b"z")


def test_a_message_too_long_is_an_error_before_it_is_held() -> None:
    with pytest.raises(WireError, match="announced"):
        list(Unpacker(TO_CHILD).feed((LONGEST + 1).to_bytes(4, "big")))
    with pytest.raises(WireError):
        packed(Unit(Codec.H264, 0, True, bytes(LONGEST)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"\xc1\xc1",
        msgspec.msgpack.encode({"type": "nonsense"}),
        msgspec.msgpack.encode({"type": "unit", "codec": "gif", "time_us": 0}),
        msgspec.msgpack.encode({"type": "encoded"}),
        msgspec.msgpack.encode(["unit"]),
        msgspec.msgpack.encode({"type": "reset"}) + b"\0",
    ],
)
def test_garbage_is_an_error(body: bytes) -> None:
    with pytest.raises(WireError):
        list(Unpacker(TO_CHILD).feed(len(body).to_bytes(4, "big") + body))


def test_messages_before_garbage_are_handed_on() -> None:
    feed = Unpacker(TO_CHILD).feed(packed(Reset()) + b"\0\0\0\1\xff")
    assert next(feed) == Reset()
    with pytest.raises(WireError):
        next(feed)


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_an_error(data: bytes) -> None:
    with contextlib.suppress(WireError):
        list(Unpacker(FROM_CHILD).feed(data))
