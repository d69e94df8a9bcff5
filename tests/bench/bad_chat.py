"""Guests of a room that send far over their limits, and guests that never read."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket
import time
from collections import Counter
from typing import Final, cast

from tests.bench.bad_http import Caller
from tests.bench.bad_plan import Found, Plan, found, in_turn
from tests.bench.bad_slow import RECEIVE_BYTES

SHOUTERS, SHOUTER_ADDRESSES = 40, 4
FRAMES_PER_S: Final = 50
"""Of each shouter."""
DEAF, DEAF_ADDRESSES = 250, 1
"""Never read; one address has fewer connections than that."""
STEP_S: Final = 0.1
AGAIN_S: Final = 1.0
JSON: Final = {"Content-Type": "application/json"}
CODE: Final = re.compile(rb'"op":"error"[^}]*?"code":"([a-z-]+)"|"op":"(bye)"')


class Line(asyncio.Protocol):
    """One WebSocket. Counts error codes and farewells in what comes."""

    def __init__(self, path: str, host: str, hello: str, outcomes: Counter[str]) -> None:
        self._outcomes = outcomes
        self._first = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        ).encode()
        self._hello = hello
        self._transport: asyncio.Transport
        self._head = b""
        self.open: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._first)

    def data_received(self, data: bytes) -> None:
        if not self.open.done():
            self._head += data
            if b"\r\n\r\n" not in self._head:
                return
            status = self._head[9:12].decode("latin-1")
            self._outcomes[f"socket: {status}"] += 1
            self.open.set_result(status == "101")
            if status == "101":
                self.say(self._hello)
            return
        for code, farewell in CODE.findall(data):
            self._outcomes[f"answer: {(code or farewell).decode()}"] += 1

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_result(False)
        self.closed.set()

    def say(self, *frames: str) -> None:
        self._transport.write(b"".join(framed(frame) for frame in frames))

    def stop_reading(self) -> None:
        self._transport.pause_reading()

    def abort(self) -> None:
        self._transport.abort()


def framed(text: str) -> bytes:
    """A text frame. The mask of zeros changes nothing, and costs nobody anything here."""
    payload = text.encode()
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2)
    return head + bytes(4) + payload


class Guests:
    """All of them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._end = time.monotonic() + plan.seconds
        self.outcomes: Counter[str] = Counter()

    async def run(self) -> None:
        plan = self._plan
        shouting = in_turn("chat", SHOUTER_ADDRESSES)
        async with asyncio.TaskGroup() as work:
            for number in range(plan.part(SHOUTERS)):
                work.create_task(self._shout(next(shouting), number))
                await asyncio.sleep(0.02)
            await self._deaf(f"127.0.6.{SHOUTER_ADDRESSES + 1}")

    async def _shout(self, address: str, number: int) -> None:
        """Comes back after each closing, as a new guest."""
        times = 0
        while (left_s := self._end - time.monotonic()) > 0:
            times += 1
            line = await self._enter(address, f"shouter {number} {times}")
            if line is not None:
                try:
                    async with asyncio.timeout(left_s):
                        await self._flood(line)
                except TimeoutError:
                    pass
                finally:
                    line.abort()
            await asyncio.sleep(AGAIN_S)

    async def _flood(self, line: Line) -> None:
        sent = 0
        while not line.closed.is_set():
            count = round(FRAMES_PER_S * STEP_S)
            line.say(
                *(
                    json.dumps(
                        {"op": "say", "id": f"x{sent + one}", "text": f"buy now {sent + one}"}
                    )
                    for one in range(count)
                )
            )
            sent += count
            self.outcomes["frames sent"] += count
            await asyncio.sleep(STEP_S)

    async def _deaf(self, address: str) -> None:
        lines = []
        for number in range(self._plan.part(DEAF)):
            if time.monotonic() >= self._end:
                break
            line = await self._enter(address, f"deaf {number}", reads=False)
            if line is not None:
                line.stop_reading()
                lines.append(line)
        self.outcomes["deaf that came in"] += len(lines)
        await asyncio.sleep(max(0.0, self._end - time.monotonic()))
        for line in lines:
            line.abort()

    async def _enter(self, address: str, name: str, *, reads: bool = True) -> Line | None:
        """A socket with a name of its own; None when the server did not want it."""
        plan = self._plan
        base = f"/api/channels/{plan.channel}/chat"
        caller = Caller(address, plan.host, plan.port)
        try:
            user = await self._asked(caller, f"{base}/guest", {"name": name}, "user")
            ticket = user and await self._asked(caller, f"{base}/ticket", {"user": user}, "ticket")
            if not ticket:
                return None
            hello = json.dumps({"op": "hello", "v": 1, "ticket": ticket})
            wire = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            if not reads:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            wire.setblocking(False)
            wire.bind((address, 0))
            loop = asyncio.get_running_loop()
            await loop.sock_connect(wire, (plan.host, plan.port))
            _, line = await loop.create_connection(
                lambda: Line(f"/chat/{plan.channel}", plan.host, hello, self.outcomes), sock=wire
            )
            return line if await line.open else None
        except (OSError, EOFError) as error:
            self.outcomes[type(error).__name__] += 1
            return None
        finally:
            caller.close()

    async def _asked(
        self, caller: Caller, path: str, wish: dict[str, str], field: str
    ) -> str | None:
        answer = await caller.ask("POST", path, json.dumps(wish).encode(), JSON)
        if answer.status != 201:
            self.outcomes[f"{path.rpartition('/')[2]}: {answer.status}"] += 1
            return None
        return str(json.loads(answer.body)[field])


async def _run(plan: Plan) -> Found:
    guests = Guests(plan)
    await guests.run()
    return found(guests.outcomes)


def run(plan: Plan) -> Found:
    """Until the plan's end."""
    return asyncio.run(_run(plan))
