"""A load client without network, a clock without waiting, and a WHEP server without media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

PACKETS_PER_S = 250


@dataclass(frozen=True)
class Totals:
    packets: int = 0
    bytes: int = 0
    lost: int = 0
    reordered: int = 0
    recovered: int = 0
    duplicates: int = 0
    restarts: int = 0


@dataclass(frozen=True)
class Latency:
    count: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


@dataclass(frozen=True)
class PublisherState:
    connected: bool = False
    worst_lateness_ms: float = 0.0
    error: str | None = None
    keyframe_requests: int = 0
    video_packets: int = 0
    audio_packets: int = 0


@dataclass(frozen=True)
class Report:
    alive: int = 0
    connected: int = 0
    receiving: int = 0
    verified: int = 0
    closed: int = 0
    video: Totals = Totals()
    audio: Totals = Totals()
    rtx_packets: int = 0
    rejected: int = 0
    unknown: int = 0
    client_drops: int = 0
    injected_drops: int = 0
    nacks: int = 0
    plis: int = 0
    keyframes: int = 0
    join_connected_ms: tuple[float, ...] = ()
    join_packet_ms: tuple[float, ...] = ()
    join_keyframe_ms: tuple[float, ...] = ()
    video_latency: Latency = Latency()
    audio_latency: Latency = Latency()
    echo_rtt: Latency = Latency()
    cpu_s: float = 0.0
    publishers: tuple[PublisherState, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass
class FakeClock:
    """Time passes only where somebody sleeps."""

    time: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += max(0.0, seconds)
        await asyncio.sleep(0)


@dataclass
class FakeLoad:
    """Connects every viewer at its answer; each then gets PACKETS_PER_S video packets."""

    clock: FakeClock
    offers: int = 0
    answered: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    published: list[bool] = field(default_factory=list)
    stopped: bool = False
    latency_resets: int = 0
    bad_answers: bool = False
    publisher_connects: bool = True

    def offer(self) -> tuple[int, str]:
        self.offers += 1
        return self.offers - 1, f"offer {self.offers - 1}"

    def answer(self, viewer: int, sdp: str) -> None:
        if self.bad_answers:
            raise ValueError("no fingerprint")
        assert sdp == f"answer to offer {viewer}"
        self.answered.add(viewer)

    def accept(self, sdp: str) -> tuple[int, str]:
        if self.bad_answers:
            raise ValueError("no fingerprint")
        viewer, _ = self.offer()
        self.answered.add(viewer)
        return viewer, f"answer to {sdp}"

    def remove(self, viewer: int) -> bool:
        self.removed.add(viewer)
        self.answered.discard(viewer)
        return True

    def publisher_offer(self) -> tuple[int, str]:
        self.published.append(False)
        return len(self.published) - 1, "publisher offer"

    def publisher_answer(self, publisher: int, sdp: str) -> None:
        assert sdp == "answer to publisher offer"
        self.published[publisher] = self.publisher_connects

    def report(self) -> Report:
        viewers = len(self.answered)
        packets = int(viewers * PACKETS_PER_S * self.clock.time)
        return Report(
            alive=viewers,
            connected=viewers,
            receiving=viewers,
            verified=viewers,
            video=Totals(packets=packets, bytes=packets * 1200),
            join_connected_ms=tuple(float(number + 1) for number in range(viewers)),
            publishers=tuple(PublisherState(connected) for connected in self.published),
        )

    def reset_latency(self) -> None:
        self.latency_resets += 1

    def stop(self) -> None:
        self.stopped = True


@dataclass
class FakeServer:
    """Answers offers by `decide(number of the POST)`: a status."""

    decide: Callable[[int], int] = lambda number: 201
    base: str = ""
    posts: list[tuple[str, str | None, str]] = field(default_factory=list)
    """Path, Authorization and body."""
    deletes: list[tuple[str, str | None]] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeServer]:
        app = web.Application()
        app.router.add_post("/{kind:whip|whep}/{channel}", self._post)
        app.router.add_delete("/{kind:whip|whep}/{channel}/{session}", self._delete)
        async with TestServer(app) as server:
            self.base = str(server.make_url("/")).rstrip("/")
            yield self

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.text()
        number = len(self.posts)
        self.posts.append((request.path, request.headers.get("Authorization"), body))
        status = self.decide(number)
        if status != 201:
            return web.Response(status=status, text="no")
        location = f"{request.path}/s{number}"
        return web.Response(
            status=201,
            text=f"answer to {body}",
            content_type="application/sdp",
            headers={"Location": location},
        )

    async def _delete(self, request: web.Request) -> web.Response:
        self.deletes.append((request.path, request.headers.get("Authorization")))
        return web.Response()
