"""Batches cover every number, fit into a message, and are framed once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame as Received
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from chat.frame import Frame, Item, batches, of, websocket_text
from chat.protocol import BATCH_BYTES, Pong
from tests.chat.entries import EPOCH


def read(frame: Frame) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in frame.payloads]


def item(seq: int, size: int = 20) -> Item:
    return Item(seq, json.dumps({"seq": seq, "x": "y" * size}).encode(), True)


@pytest.mark.parametrize("size", [0, 255, 256, 15_000, 70_000])
def test_what_is_deflated_once_can_be_read_by_everybody(size: int) -> None:
    told = Frame(b'{"a":"%s"}' % (b"x" * size), b"[1]", b'{"a":"%s"}' % (b"y" * size))
    deflate = ClientPerMessageDeflateFactory(server_no_context_takeover=True)
    client = ClientProtocol(parse_uri("ws://x/"), state=OPEN, max_size=100_000)
    client.extensions = [
        deflate.process_response_params([("server_no_context_takeover", None)], [])
    ]
    client.receive_data(told.deflated)
    received = [one for one in client.events_received() if isinstance(one, Received)]
    assert tuple(bytes(one.data) for one in received) == told.payloads


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_websocket_client_reads_what_was_framed(size: int) -> None:
    client = ClientProtocol(parse_uri("ws://x/"), state=OPEN, max_size=None)
    client.receive_data(websocket_text(b"x" * size))
    (event,) = client.events_received()
    assert isinstance(event, Received)
    assert (event.data, event.fin) == (b"x" * size, True)


def test_several_messages_are_one_piece_of_bytes_on_a_socket() -> None:
    frame = of(Pong("a", 1), Pong("b", 2))
    assert frame.websocket == b"".join(map(websocket_text, frame.payloads))
    assert frame.websocket is frame.websocket


def test_a_batch_covers_numbers_that_are_not_for_its_audience() -> None:
    (batch,) = read(batches(EPOCH, 5, 9, [item(6), Item(7, None, True), item(8)]))
    assert (batch["epoch"], batch["first"], batch["last"]) == ("e1", 5, 9)
    assert [one["seq"] for one in batch["items"]] == [6, 8]
    assert "of" not in batch


def test_a_sample_says_of_how_many_it_is() -> None:
    (batch,) = read(batches(EPOCH, 1, 3, [item(1), Item(2, None, True), item(3)], sampled=True))
    assert batch["of"] == 3


@given(st.lists(st.integers(0, 6_000), min_size=1, max_size=40))
def test_batches_are_small_and_leave_no_number_out(sizes: list[int]) -> None:
    items = [item(seq, size) for seq, size in enumerate(sizes, 1)]
    frame = batches(EPOCH, 1, len(items), items)
    found = read(frame)
    assert all(len(payload) <= BATCH_BYTES for payload in frame.payloads)
    assert [one["seq"] for batch in found for one in batch["items"]] == [i.seq for i in items]
    ends = [0, *(batch["last"] for batch in found)]
    assert [batch["first"] for batch in found] == [end + 1 for end in ends[:-1]]
    assert ends[-1] == len(items)


def test_an_entry_larger_than_a_message_goes_alone() -> None:
    frame = batches(EPOCH, 1, 3, [item(1), item(2, BATCH_BYTES), item(3)])
    assert [len(batch["items"]) for batch in read(frame)] == [1, 1, 1]
