"""`mobile-sim crowd`: simulated people in a channel's room, by WebSocket and by data channel.

Each is a guest with a name of its own. Those by WebRTC are viewers, as a phone is one: they take
the sound, and leave the pictures. What breaks off is begun again, with the position.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
from aiortc import MediaStreamTrack, RTCDataChannel
from aiortc.mediastreams import MediaStreamError

from mobile_sim.backoff import delay_s
from mobile_sim.chatter import Chatter, Tally
from mobile_sim.pace import Clock, SystemClock
from mobile_sim.phone import Connection, ConnectionLost
from mobile_sim.whip import Refused, Unreachable, WhipClient

REQUEST_S = 10.0
REPORT_S = 1.0
STEP_S = 0.02
REACTIONS = 0.2
"""For each message, so many reactions."""


class Transport(StrEnum):
    WS = "ws"
    WEBRTC = "webrtc"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class CrowdSettings:
    """What a crowd does."""

    url: str
    """Of the channel: its last part is the channel's name, as in a WHEP or watch address."""
    viewers: int
    messages_per_s: float
    transport: Transport
    token: str | None = None
    """A viewer token, where the channel wants one."""


@dataclass(frozen=True, slots=True)
class CrowdReport:
    """Since the start."""

    present: int
    said: int
    acked: int
    heard: int
    reactions: int
    gaps: int
    holes: int
    repeats: int
    retracts: int
    recovered: int
    lost: int
    delay_ms_p50: int | None
    delay_ms_p99: int | None
    errors: dict[str, int]
    byes: dict[int, int]


class Wire(Protocol):
    """A connection that carries frames."""

    def send(self, frame: str) -> None: ...

    def frames(self) -> AsyncIterator[str | bytes]:
        """Until the connection is over."""
        ...


async def crowd(
    settings: CrowdSettings,
    stop: asyncio.Event,
    report: Callable[[CrowdReport], None],
    clock: Clock | None = None,
    rng: random.Random | None = None,
    on_ack: Callable[[str], None] | None = None,
) -> CrowdReport:
    """Be there until `stop` is set; the figures of the whole time. Raises Refused.

    `on_ack` gets the id of each message that the server acknowledged.
    """
    clock, rng = clock or SystemClock(), rng or random.Random()
    run = _Crowd(settings, clock, rng, on_ack)
    async with aiohttp.ClientSession() as http:
        try:
            async with asyncio.TaskGroup() as group:
                people = [group.create_task(run.person(http, at)) for at in range(settings.viewers)]
                others = [group.create_task(run.talk()), group.create_task(run.tell(report))]
                await stop.wait()
                for task in (*people, *others):
                    task.cancel()
        except ExceptionGroup as errors:
            # One refusal is as good as all: they are alike.
            raise errors.exceptions[0] from None
    return run.report()


class _Crowd:
    def __init__(
        self,
        settings: CrowdSettings,
        clock: Clock,
        rng: random.Random,
        on_ack: Callable[[str], None] | None = None,
    ) -> None:
        parts = urlsplit(settings.url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._channel = parts.path.rstrip("/").rpartition("/")[2]
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._run = secrets.token_hex(2)
        self._tally = Tally(on_ack=on_ack)
        self._present: dict[Chatter, Wire] = {}
        self._headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}

    async def person(self, http: aiohttp.ClientSession, number: int) -> None:
        """Come, and come again, until cancelled."""
        chatter = Chatter(f"g{self._run}-{number}", self._tally, random.Random(self._rng.random()))
        by_webrtc = self._settings.transport is Transport.WEBRTC or (
            self._settings.transport is Transport.BOTH and number % 2 == 1
        )
        user: str | None = None
        attempt = 0
        while True:
            retry_after_s: float | None = None
            try:
                user = user or await self._user(http, chatter.name)
                ticket = await self._asked(http, "ticket", {"user": user}, "ticket")
                connect = self._channel_wire if by_webrtc else self._socket_wire
                async with connect(http) as wire:
                    attempt = await self._stay(chatter, wire, ticket, attempt)
            except Refused as error:
                if error.final:
                    raise
                retry_after_s = error.retry_after_s
            except (Unreachable, ConnectionLost):
                pass  # the line is down: come again
            finally:
                self._present.pop(chatter, None)
            await self._clock.sleep(delay_s(attempt, self._rng, retry_after_s))
            attempt += 1

    async def talk(self) -> None:
        """Let somebody say something, evenly over the time."""
        began, number = self._clock.monotonic(), 0
        while True:
            due = int((self._clock.monotonic() - began) * self._settings.messages_per_s)
            present = list(self._present.items())
            for _ in range(due - number if present else 0):
                chatter, wire = self._rng.choice(present)
                wire.send(chatter.say(self._now_ms()))
                if self._rng.random() < REACTIONS:
                    wire.send(chatter.react(self._now_ms()))
            number = due
            await self._clock.sleep(STEP_S)

    async def tell(self, report: Callable[[CrowdReport], None]) -> None:
        while True:
            await self._clock.sleep(REPORT_S)
            report(self.report())

    def report(self) -> CrowdReport:
        tally = self._tally
        delays = sorted(tally.delays_ms)
        return CrowdReport(
            present=len(self._present),
            said=tally.said,
            acked=tally.acked,
            heard=tally.heard,
            reactions=tally.reactions,
            gaps=tally.gaps,
            holes=tally.holes,
            repeats=tally.repeats,
            retracts=tally.retracts,
            recovered=tally.recovered,
            lost=tally.lost,
            delay_ms_p50=delays[len(delays) // 2] if delays else None,
            delay_ms_p99=delays[len(delays) * 99 // 100] if delays else None,
            errors=dict(tally.errors),
            byes=dict(tally.byes),
        )

    async def _stay(self, chatter: Chatter, wire: Wire, ticket: str, attempt: int) -> int:
        """Until the connection is over; the attempt to count on from."""
        wire.send(chatter.hello(ticket))
        async for frame in wire.frames():
            chatter.take(frame, self._now_ms())
            if chatter.welcome and chatter not in self._present:
                attempt = 0
                self._present[chatter] = wire
                for unacked in chatter.again():
                    wire.send(unacked)
        return attempt

    def _now_ms(self) -> int:
        return int(self._clock.unix() * 1000)

    async def _user(self, http: aiohttp.ClientSession, name: str) -> str:
        return await self._asked(http, "guest", {"name": name}, "user")

    async def _asked(
        self, http: aiohttp.ClientSession, what: str, body: dict[str, str], member: str
    ) -> str:
        """A member of the answer. Raises Refused and Unreachable."""
        url = f"{self._origin}/api/channels/{self._channel}/chat/{what}"
        limit = aiohttp.ClientTimeout(total=REQUEST_S)
        try:
            async with http.post(url, json=body, headers=self._headers, timeout=limit) as answer:
                if answer.status != 201:
                    seconds = answer.headers.get("Retry-After", "")
                    wait_s = float(seconds) if seconds.isdecimal() else None
                    raise Refused(answer.status, (await answer.text())[:500], wait_s)
                return str((await answer.json())[member])
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{url}: {error or 'no answer in time'}") from error

    @asynccontextmanager
    async def _socket_wire(self, http: aiohttp.ClientSession) -> AsyncIterator[Wire]:
        url = f"ws{self._origin.removeprefix('http')}/chat/{self._channel}"
        try:
            socket = await http.ws_connect(url, headers=self._headers, max_msg_size=2**20)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{url}: {error}") from error
        wire = _SocketWire(socket)
        try:
            yield wire
        finally:
            wire.end()
            await socket.close()

    @asynccontextmanager
    async def _channel_wire(self, http: aiohttp.ClientSession) -> AsyncIterator[Wire]:
        client = WhipClient(
            http, f"{self._origin}/whep/{self._channel}", self._settings.token
        )  # fmt: skip
        wire = _ChannelWire()
        try:
            session = await client.post(await wire.offer())
            try:
                await wire.connect(session.answer)
                await wire.opened()
                yield wire
            finally:
                await client.delete(session)
        finally:
            await wire.close()


class _SocketWire:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._outbox: asyncio.Queue[str] = asyncio.Queue()
        self._sending = asyncio.create_task(self._send_all())

    def send(self, frame: str) -> None:
        self._outbox.put_nowait(frame)

    async def frames(self) -> AsyncIterator[str | bytes]:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                yield message.data

    def end(self) -> None:
        self._sending.cancel()

    async def _send_all(self) -> None:
        while not self._socket.closed:
            try:
                await self._socket.send_str(await self._outbox.get())
            except (ConnectionError, aiohttp.ClientError):
                return  # who reads notices it too


class _ChannelWire(Connection):
    """A viewer with sound, whose pictures nobody asked for."""

    def __init__(self) -> None:
        super().__init__(())
        self._inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._open = asyncio.Event()
        self._readers: set[asyncio.Task[None]] = set()
        self.peer.addTransceiver("audio", direction="recvonly")
        self.peer.on("track", self._on_track)
        self._chat: RTCDataChannel = self.peer.createDataChannel("chat")
        hearts = self.peer.createDataChannel("hearts", ordered=False, maxRetransmits=0)
        self._chat.on("open", self._open.set)
        for channel in (self._chat, hearts):
            channel.on("message", self._inbox.put_nowait)
        self._chat.on("close", lambda: self._inbox.put_nowait(None))
        self._lost.add_done_callback(lambda _: self._inbox.put_nowait(None))

    async def opened(self) -> None:
        """Raises ConnectionLost."""
        try:
            async with asyncio.timeout(REQUEST_S):
                await self._open.wait()
        except TimeoutError:
            raise ConnectionLost("the data channel did not open") from None

    def send(self, frame: str) -> None:
        if self._chat.readyState == "open":
            self._chat.send(frame)

    async def frames(self) -> AsyncIterator[str | bytes]:
        while (frame := await self._inbox.get()) is not None:
            yield frame
            if b'"op":"bye"' in (frame if isinstance(frame, bytes) else frame.encode()):
                return  # the picture would go on; we want the room

    async def close(self) -> None:
        await super().close()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _on_track(self, track: MediaStreamTrack) -> None:
        reader = asyncio.create_task(self._read(track))
        self._readers.add(reader)

    async def _read(self, track: MediaStreamTrack) -> None:
        """To its end: aiortc's queue has no limit."""
        while True:
            try:
                await track.recv()
            except MediaStreamError:
                return
