"""What crosses the line between front process and media plane, byte by byte."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.engine import (
    Accepted,
    DataMessage,
    EngineEvent,
    IceCredentials,
    Layer,
    LayersChanged,
    LayerSwitched,
    MediaResumed,
    MediaStalled,
    MediaStarted,
    PeerClosed,
    PeerConnected,
    PlaneLost,
)
from sfu.layers import LayerWish
from sfu.plane.wire import (
    ACCEPTED,
    FROM_PLANE,
    LENGTH,
    LONGEST,
    TO_PLANE,
    CloseTap,
    FromPlane,
    Happened,
    Offer,
    OpenTap,
    Remove,
    Select,
    SendData,
    Start,
    Stop,
    ToPlane,
    Units,
    Unpacker,
    WireError,
    event_of,
    happened,
    moved,
    opened,
    packed,
    reply,
)
from sluice.ids import ChannelId, PeerId
from sluice.media import AccessUnit, Codec

LINA = ChannelId("lina")
TO: list[ToPlane] = [
    Start(b'{"port":8189}', PeerId(7)),
    Offer(1, "viewer", LINA, "v=0\r\n"),
    Select(2, PeerId(9), LayerWish(rid="h", max_temporal=1)),
    SendData(3, [PeerId(9), PeerId(10)], "chat", b"\x00\xff" * 700, binary=True),
    Remove(4, PeerId(9)),
    OpenTap(1, LINA, 256),
    CloseTap(1),
    Stop(),
]
EVENTS: list[EngineEvent] = [
    PeerConnected(PeerId(3)),
    PeerClosed(PeerId(3), "timeout", "consent was lost"),
    LayersChanged(LINA, (Layer("h", Codec.VP9, 900_000, 640, 360, active=True),)),
    MediaStarted(LINA, PeerId(3)),
    MediaStalled(LINA),
    MediaResumed(LINA),
    DataMessage(PeerId(3), "chat", b"{}", binary=False),
    LayerSwitched(PeerId(3), None),
    PlaneLost(3),
]
M = TypeVar("M")


def fed(
    decoder: msgspec.msgpack.Decoder[M], data: bytes, cuts: Sequence[int] = (), most: int = 1 << 16
) -> list[M]:
    """The messages in `data`, which comes in these pieces and then in pieces of at most `most`."""
    unpacker = Unpacker(decoder)
    found: list[M] = []
    pieces = iter(cuts)
    while data:
        room = unpacker.room()
        size = min(len(room), next(pieces, most), len(data))
        room[:size] = data[:size]
        data = data[size:]
        found += unpacker.came(size)
    return found


@given(st.lists(st.integers(1, 3_000), max_size=40))
def test_messages_come_out_whole_however_they_are_cut(cuts: list[int]) -> None:
    data = b"".join(bytes(packed(message)) for message in TO)
    assert fed(TO_PLANE, data, cuts) == TO


def test_access_units_arrive_as_they_were() -> None:
    large = bytes(range(256)) * 4_096
    sent = [
        AccessUnit(Codec.H264, "h", False, 1_700_000_000_000, 1 << 40, large[:size])
        for size in (0, 1, 70_000, 1_000_000)
    ]
    data = bytes(packed(Units(1, 3, sent))) * 3
    for most in (1 << 14, 1 << 20):
        for units in fed(FROM_PLANE, data, most=most):
            assert units == Units(1, 3, sent)


def test_a_buffer_that_was_large_once_is_given_back() -> None:
    unpacker = Unpacker(FROM_PLANE)
    sizes = []
    for payload in (1 << 20, 10, 10):
        data = packed(Units(1, 0, [AccessUnit(Codec.VP8, "", True, 1, 1, bytes(payload))]))
        while data:
            room = unpacker.room()
            size = min(len(room), len(data), 1 << 16)
            room[:size] = data[:size]
            del data[:size]
            sizes.append(len(room))
            list(unpacker.came(size))
    assert max(sizes) > 1 << 19
    assert len(unpacker.room()) <= 1 << 18


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_arrive_as_they_were(event: EngineEvent) -> None:
    [message] = fed(FROM_PLANE, bytes(packed(happened(event))))
    assert isinstance(message, Happened)
    assert event_of(message) == event


def test_only_peers_get_other_numbers() -> None:
    there = [moved(event, 100) for event in EVENTS]
    assert [moved(event, -100) for event in there] == EVENTS
    assert there[0] == PeerConnected(PeerId(103))
    assert there[4] == MediaStalled(LINA)


def test_an_answer_is_opened_by_who_asked() -> None:
    accepted = Accepted(PeerId(1), "v=0\r\n", IceCredentials("u", "p"))
    assert opened(ACCEPTED, reply(1, accepted).body) == accepted
    with pytest.raises(WireError, match="not what was expected"):
        opened(ACCEPTED, reply(1, [1]).body)


@pytest.mark.parametrize(
    "message",
    [Happened("Exploded", msgspec.Raw(b"\x80")), Happened("PeerConnected", msgspec.Raw(b"\x01"))],
)
def test_an_event_that_is_none_is_an_error(message: Happened) -> None:
    with pytest.raises(WireError):
        event_of(message)


@pytest.mark.parametrize(
    "data",
    [
        (LONGEST + 1).to_bytes(LENGTH, "big"),
        b"\x00\x00\x00\x01\xc1",
        b"\x00\x00\x00\x00",
        bytes(packed(Stop())),
    ],
    ids=["too long", "no msgpack", "empty", "for the other way"],
)
def test_what_is_no_message_is_an_error(data: bytes) -> None:
    with pytest.raises(WireError):
        fed(FROM_PLANE, data)


@given(st.binary(max_size=2_000))
def test_whatever_comes_ends_in_messages_or_in_an_error(data: bytes) -> None:
    found: list[FromPlane] = []
    with contextlib.suppress(WireError):
        found = fed(FROM_PLANE, data)
    assert len(found) <= len(data) // LENGTH


def test_a_message_that_nobody_would_take_is_not_sent() -> None:
    unit = AccessUnit(Codec.H264, "", True, 0, 0, bytes(LONGEST))
    with pytest.raises(WireError, match="bytes"):
        packed(Units(1, 0, [unit]))
