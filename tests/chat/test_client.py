"""A slow client is a place in the ring: it costs nothing, and knows what it missed."""

from __future__ import annotations

import asyncio

from chat import frame
from chat.client import Allowance, Client
from chat.counts import Counts
from chat.entry import Position
from chat.feed import Feed
from chat.protocol import Pong
from chat.ring import Ring
from tests.chat.entries import EPOCH, entry, head
from tests.chat.hub_world import ListLine

MOST = 1_000


def a_client(ring_bytes: int = 100_000) -> tuple[Client, ListLine, Feed]:
    line = ListLine()
    frames, reactions, fetches = (Allowance(1, 1, 0) for _ in range(3))
    client = Client(line, "c1", "192.0.2.1", frames, reactions, fetches, 0)
    feed = Feed(head(0), Ring(ring_bytes, 5_000), Counts())
    client.go_live(feed, Position(EPOCH, 0))
    return client, line, feed


def publish(client: Client, feed: Feed, *numbers: int, at_ms: int = 0) -> None:
    for seq in numbers:
        feed.publish([entry(seq)], (), at_ms)
        client.pump()


def test_who_keeps_up_gets_every_slot_once() -> None:
    client, line, feed = a_client()
    publish(client, feed, 1, 2, 3)
    client.pump()
    assert [one["last"] for one in line.frames] == [1, 2, 3]


def test_who_stops_reading_goes_on_where_it_was() -> None:
    client, line, feed = a_client()
    line.ready = False
    publish(client, feed, 1, 2)
    line.ready = True
    publish(client, feed, 3)
    assert [one["last"] for one in line.frames] == [1, 2, 3]


def test_who_is_too_far_behind_is_brought_to_the_end_with_a_gap() -> None:
    client, line, feed = a_client(ring_bytes=300)
    publish(client, feed, 1)
    line.ready = False
    publish(client, feed, *range(2, 30))
    line.ready = True
    client.pump()
    publish(client, feed, 30)
    assert [one["op"] for one in line.frames] == ["batch", "gap", "batch"]
    assert (line.frames[1]["from"], line.frames[1]["to"]) == (2, 29)
    assert line.frames[2]["first"] == 30


def test_who_is_behind_for_too_long_is_brought_to_the_end_too() -> None:
    client, line, feed = a_client()
    line.ready = False
    publish(client, feed, 1, at_ms=0)
    feed.ring.expire(5_001)
    line.ready = True
    client.pump()
    assert [one["op"] for one in line.frames] == ["gap"]


def test_answers_go_before_batches_and_too_many_are_refused() -> None:
    client, line, feed = a_client()
    line.ready = False
    publish(client, feed, 1)
    assert client.tell(frame.of(Pong("a", 1)), MOST)
    pong = frame.of(Pong("x" * 30, 1))
    while client.tell(pong, MOST):
        pass
    line.ready = True
    client.pump()
    assert line.frames[0]["id"] == "a"
    assert line.frames[-1]["op"] == "batch"


def test_hearts_are_dropped_where_the_line_is_not_ready() -> None:
    client, line, _ = a_client()
    line.ready = False
    client.hearts(frame.of(Pong("a", 1)))
    line.ready = True
    client.hearts(frame.of(Pong("b", 1)))
    assert [one["id"] for one in line.hearts] == ["b"]


def test_stuck_is_who_takes_nothing_though_something_waits() -> None:
    client, line, feed = a_client()
    line.ready = False
    assert client.stuck(1_000) == 0  # nothing waits
    publish(client, feed, 1)
    assert client.stuck(2_000) == 0
    assert client.stuck(9_000) == 7_000
    line.ready = True
    client.pump()
    line.ready = False
    publish(client, feed, 2)
    assert client.stuck(10_000) == 0  # it took something meanwhile


async def test_drained_waits_for_the_line_or_the_end() -> None:
    client, line, _ = a_client()
    await client.drained()
    line.ready = False
    client.tell(frame.of(Pong("a", 1)), MOST)
    waiting = asyncio.create_task(client.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    line.ready = True
    client.pump()
    await waiting
    line.ready = False
    waiting = asyncio.create_task(client.drained())
    await asyncio.sleep(0)
    client.end()
    await waiting


def test_a_closed_client_gets_nothing_more() -> None:
    client, line, feed = a_client()
    client.close("slow")
    client.close("slow")
    publish(client, feed, 1)
    assert line.closed == "slow"
    assert line.frames == []


def test_an_allowance_says_how_long_to_wait() -> None:
    allowance = Allowance(10, 2, 0)
    assert [allowance.take(0), allowance.take(0)] == [0, 0]
    assert allowance.take(0) == 100
    assert allowance.take(50) == 50
    assert allowance.take(100) == 0
    assert allowance.take(10_000, 2) == 0
