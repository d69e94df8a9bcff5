"""The load of `make bench-chat`, in a process of its own: many WebSockets that speak and read.

    python -m tests.bench.chat_load ws://127.0.0.1:8080/chat/live < plan.json

It knows no server: a plan has the first frame of each client and the frame of a message, and
counts a mark in what comes back. So any server that sends messages on to everybody can be
measured. The last line that it prints is one JSON object.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import re
import sys
import time
import zlib
from dataclasses import asdict, dataclass
from typing import Final, cast
from urllib.parse import urlsplit

import msgspec
import uvloop

MARK: Final = b'"text":"m@'
"""Begins the text of each message; the time it was sent at follows, in ms, and another @."""
_TIME: Final = re.compile(rb'"text":"m@(\d+)@')
_ACK: Final = b'"op":"ack"'
_GAP: Final = b'"op":"gap"'
_RSV1: Final = 0x40
_SYNC: Final = b"\x00\x00\xff\xff"
_SHARED_BYTES: Final = 256
_KNOWN: Final = 256
_TIMED: Final = 40
"""Clients whose messages are timed; of the others each is counted."""
_OPEN_AT_ONCE: Final = 200


class Plan(msgspec.Struct):
    """What to do."""

    hellos: list[str]
    """The first frame of each client; empty: it sends none."""
    message: str
    """A frame with `{id}` and `{text}`."""
    rate: float
    """Messages a second, of all clients together; 0: they only read."""
    settle_s: float
    window_s: float
    speakers: int
    """So many of the clients send."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Over the window."""

    sent: int
    delivered: int
    acked: int
    gaps: int
    closed: int
    delay_ms_p50: float
    delay_ms_p99: float
    bytes: int
    seconds: float
    cpu_s: float


class Reader(asyncio.Protocol):
    """One client: the least that can be done with a byte that came."""

    def __init__(self, host: str, path: str, hello: str, tally: Tally, timed: bool) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        ).encode()
        self._hello = hello
        self._tally = tally
        self._timed = timed
        self._tail = b""
        self._transport: asyncio.Transport
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        self._tally.closed += 1
        if not self.open.done():
            self.open.set_exception(ConnectionError("closed before it was open"))

    def data_received(self, data: bytes) -> None:
        tally = self._tally
        tally.bytes += len(data)
        if not self.open.done():
            head, found, data = (self._tail + data).partition(b"\r\n\r\n")
            if not found:
                self._tail = head
                return
            self._tail = b""
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self.open.set_exception(ConnectionError(head.decode("latin-1")))
                self._transport.close()
                return
            self.open.set_result(None)
            if self._hello:
                self.send(self._hello)
        data = self._tail + data
        at = 0
        while (end := _end(data, at)) is not None:
            start, size = end
            self._message(data[start : start + size], bool(data[at] & _RSV1))
            at = start + size
        self._tail = data[at:]

    def _message(self, payload: bytes, packed: bool) -> None:
        tally = self._tally
        # What all get is the same bytes for all, and is looked into once.
        seen = tally.known.get(payload)
        if seen is None:
            seen = Seen.of(_inflated(payload) if packed else payload)
            if len(payload) >= _SHARED_BYTES:
                while len(tally.known) >= _KNOWN:
                    del tally.known[next(iter(tally.known))]
                tally.known[payload] = seen
        tally.delivered += len(seen.sent_ms)
        tally.acked += seen.acks
        tally.gaps += seen.gaps
        if self._timed and seen.sent_ms:
            now_ms = time.time() * 1000
            tally.delays += [now_ms - sent_ms for sent_ms in seen.sent_ms]

    def send(self, text: str) -> None:
        payload = text.encode()
        size = len(payload)
        head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2)
        # A mask of zeros: it changes nothing, and costs nobody anything here.
        self._transport.write(head + bytes(4) + payload)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in a message."""

    sent_ms: list[int]
    acks: int
    gaps: int

    @classmethod
    def of(cls, text: bytes) -> Seen:
        times = [int(found) for found in _TIME.findall(text)]
        return cls(times, text.count(_ACK), text.count(_GAP))


def _inflated(payload: bytes) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(payload + _SYNC)


def _end(data: bytes, at: int) -> tuple[int, int] | None:
    """Begin and size of the payload of the frame at `at`; None: it is not all here yet."""
    if len(data) < at + 2:
        return None
    size, start = data[at + 1] & 0x7F, at + 2
    if size == 126:
        size, start = int.from_bytes(data[at + 2 : at + 4]), at + 4
    elif size == 127:
        size, start = int.from_bytes(data[at + 2 : at + 10]), at + 10
    return (start, size) if len(data) >= start + size else None


class Tally:
    """What all clients saw."""

    def __init__(self) -> None:
        self.delivered = self.acked = self.gaps = self.closed = self.bytes = 0
        self.sent = 0
        self.delays: list[float] = []
        self.known: dict[bytes, Seen] = {}


async def run(url: str, plan: Plan) -> Measured:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    tally, loop = Tally(), asyncio.get_running_loop()
    readers: list[Reader] = []
    for at in range(0, len(plan.hellos), _OPEN_AT_ONCE):
        opened = await asyncio.gather(
            *(
                loop.create_connection(
                    lambda number=number: Reader(  # type: ignore[misc]
                        f"{host}:{port}", parts.path, plan.hellos[number], tally, number < _TIMED
                    ),
                    host,
                    port,
                )
                for number in range(at, min(at + _OPEN_AT_ONCE, len(plan.hellos)))
            )
        )
        readers += [reader for _, reader in opened]
        await asyncio.gather(*(reader.open for reader in readers[at:]))
    print(json.dumps({"open": len(readers)}), flush=True)
    # Whoever runs us looks at the server's memory now, and then lets us go on.
    await loop.run_in_executor(None, sys.stdin.readline)
    speaking = asyncio.create_task(speak(readers[: plan.speakers], plan, tally))
    await asyncio.sleep(plan.settle_s)
    print(json.dumps({"begun": True}), flush=True)
    before, began, cpu = snapshot(tally), time.monotonic(), time.process_time()
    tally.delays.clear()
    await asyncio.sleep(plan.window_s)
    seconds, spent = time.monotonic() - began, time.process_time() - cpu
    after = snapshot(tally)
    print(json.dumps({"ended": True}), flush=True)
    speaking.cancel()
    delays = sorted(tally.delays) or [0.0]
    grown = {name: after[name] - before[name] for name in after}
    return Measured(
        **grown,
        delay_ms_p50=round(delays[len(delays) // 2], 1),
        delay_ms_p99=round(delays[min(len(delays) - 1, int(len(delays) * 0.99))], 1),
        seconds=round(seconds, 3),
        cpu_s=round(spent, 2),
    )


def snapshot(tally: Tally) -> dict[str, int]:
    names = ("sent", "delivered", "acked", "gaps", "closed", "bytes")
    return {name: getattr(tally, name) for name in names}


async def speak(speakers: list[Reader], plan: Plan, tally: Tally) -> None:
    """Evenly over the time and over the speakers."""
    if plan.rate == 0 or not speakers:
        return
    began, number = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) * plan.rate)
        now_ms = int(time.time() * 1000)
        for _ in range(number, due):
            number += 1
            text = f"m@{now_ms}@ number {number} says something"
            frame = plan.message.replace("{id}", f"b{number}").replace("{text}", text)
            speakers[number % len(speakers)].send(frame)
        tally.sent = number
        await asyncio.sleep(0.005)


def main() -> None:
    gc.disable()  # its pauses would be counted as the server's
    plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    print(json.dumps(asdict(uvloop.run(run(sys.argv[1], plan)))), flush=True)


if __name__ == "__main__":
    main()
