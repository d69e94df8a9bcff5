"""One end of the line, and what its other end may do to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from sfu.plane.line import HIGH_BYTES, Line
from sfu.plane.wire import (
    FROM_PLANE,
    TO_PLANE,
    CloseTap,
    FromPlane,
    SendData,
    Stop,
    ToPlane,
    WireError,
)


class Pair:
    """Both ends."""

    def __init__(self) -> None:
        self.heard: list[ToPlane] = []
        self.ended: list[str] = []
        self.refuses = False
        self.child: Line[ToPlane] = Line(TO_PLANE, self._hear, self.ended.append)
        self.front: Line[FromPlane] = Line(FROM_PLANE, lambda _: None, lambda _: None)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        for line, end in zip((self.child, self.front), socket.socketpair(), strict=True):
            await loop.create_connection(lambda line=line: line, sock=end)  # type: ignore[misc]

    def _hear(self, message: ToPlane) -> None:
        if self.refuses:
            raise WireError("not now")
        self.heard.append(message)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    await pair.connect()
    yield pair
    pair.child.abort()
    pair.front.abort()


async def test_all_that_was_sent_before_the_end_arrives(pair: Pair) -> None:
    sent = [CloseTap(number) for number in range(1_000)]
    for message in sent:
        pair.front.send(message)
    pair.front.close()
    async with asyncio.timeout(10):
        await pair.child.gone.wait()
    assert pair.heard == sent
    assert pair.ended == ["it hung up"]
    pair.front.send(Stop())  # nowhere


async def test_who_does_not_read_is_waited_for(pair: Pair) -> None:
    assert pair.child._transport is not None
    pair.child._transport.pause_reading()
    message = SendData(1, [], "chat", bytes(1 << 20), binary=True)
    while pair.front.waiting <= HIGH_BYTES:
        pair.front.send(message)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await pair.front.ready()
    pair.child._transport.resume_reading()
    async with asyncio.timeout(10):
        await pair.front.ready()


async def test_a_message_that_is_refused_ends_the_line(pair: Pair) -> None:
    pair.refuses = True
    pair.front.send(Stop())
    async with asyncio.timeout(10):
        await pair.front.gone.wait()
    assert pair.ended == ["not now"]


async def test_who_hangs_up_is_told_nothing_more(pair: Pair) -> None:
    pair.child.close()
    async with asyncio.timeout(10):
        await pair.child.gone.wait()
    assert pair.ended == []
