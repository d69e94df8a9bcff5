"""Clients that are slow on purpose, on one end of a pair of sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.bench.bad_plan import Plan, addresses, in_turn
from tests.bench.bad_slow import Slow, every, one

Pair = tuple[socket.socket, socket.socket]
PLAN = Plan("127.0.0.1", 80, "live", "hls", 1.0)


@pytest.fixture
def pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    there.settimeout(5)
    with closing(here), closing(there):
        yield here, there


def test_a_head_comes_a_byte_at_a_step_and_never_ends(pair: Pair) -> None:
    slow = one("head", pair[0], PLAN, "")
    begun = pair[1].recv(4_096)
    assert begun == b"GET /watch/live HTTP/1.1\r\n"
    for _ in range(10):
        slow.step()
    assert pair[1].recv(4_096) == b"X-A: a\r\nX-"
    assert slow.outcome == "head: no answer, still open"


def test_an_answer_is_read_a_byte_at_a_step(pair: Pair) -> None:
    slow = one("events", pair[0], PLAN, "")
    assert pair[1].recv(4_096).startswith(b"GET /api/channels/live/events HTTP/1.1\r\nHost: ")
    pair[1].send(b"HTTP/1.1 429 Too Many\r\n")
    for _ in range(11):
        slow.step()
    assert slow.outcome == "events: no answer, still open"
    slow.step()
    assert slow.outcome == "events: 429, still open"


def test_a_connection_that_the_server_closes_is_over(pair: Pair) -> None:
    slow = Slow("head", pair[0], b"GET", b"x")
    pair[1].close()
    for _ in range(3):
        slow.step()
    assert slow.outcome == "head: no answer, closed by the server"


def test_work_is_done_each_step_until_the_end() -> None:
    now, times = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def work() -> None:
        nonlocal now
        times.append(now)
        now += 0.25

    every(1.0, 3.5, work, now=lambda: now, sleep=sleep)
    assert times == [0.0, 1.0, 2.0, 3.0]


def test_each_attack_comes_from_addresses_of_its_own() -> None:
    slow, chat = addresses("slow", 3), addresses("chat", 3)
    assert slow == ["127.0.2.1", "127.0.2.2", "127.0.2.3"]
    assert not {*slow, "127.0.0.1"} & {*chat}
    turns = in_turn("slow", 2)
    assert [next(turns) for _ in range(3)] == ["127.0.2.1", "127.0.2.2", "127.0.2.1"]
