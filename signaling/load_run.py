"""One measuring run: join viewers at a rate, watch them for a while, leave."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urljoin

import aiohttp

from signaling.load_client import LoadClient, LoadReport
from signaling.load_result import LoadResult, Window
from signaling.process_meter import ProcessMeter, Usage

JOINS_AT_ONCE = 64
JOIN_PATIENCE_S = 15.0
"""For the publisher, for a channel to become live, and for the last viewer to connect."""
MAX_ANSWER = 65_536
STEP_S = 0.25

Progress = Callable[[str, int, int], None]
"""Told the phase (`join` or `watch`), what is done and what there is to do."""


class LoadFailed(Exception):
    """The run cannot be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do to which server."""

    url: str
    viewers: int
    rate: float
    """Joins a second."""
    seconds: float
    """Length of the measuring window, from when all have joined."""
    token: str | None = None
    publish_url: str | None = None
    key: str | None = None


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class MonotonicClock:
    """The real one."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


@dataclass(slots=True)
class LoadRun:
    """Carries offers and answers between a load client and a WHEP (and WHIP) server."""

    plan: Plan
    load: LoadClient
    meter: ProcessMeter | None = None
    clock: Clock = field(default_factory=MonotonicClock)
    progress: Progress = lambda phase, done, total: None
    _sessions: list[tuple[str, str | None]] = field(default_factory=list)
    """URL and bearer of every session to end."""
    _refused: Counter[str] = field(default_factory=Counter)
    _joined: int = 0

    async def measure(self) -> LoadResult:
        """Run the plan. Raises LoadFailed, or ProcessGone when the server dies meanwhile.

        The load client is stopped and the sessions are ended, however it goes.
        """
        timeout = aiohttp.ClientTimeout(total=JOIN_PATIENCE_S)
        connector = aiohttp.TCPConnector(limit=JOINS_AT_ONCE)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
            try:
                if self.plan.publish_url is not None:
                    await self._publish(http, self.plan.publish_url)
                idle = self._usage()
                await self._join_all(http)
                window = await self._watch(idle)
            finally:
                await self._leave(http)
        return LoadResult.of(self.plan.viewers, self._joined, dict(self._refused), window)

    async def _publish(self, http: aiohttp.ClientSession, url: str) -> None:
        publisher, offer = await asyncio.to_thread(self.load.publisher_offer)
        status, body = await self._post(http, url, self.plan.key, offer)
        if status != 201:
            raise LoadFailed(f"the publisher was refused: {status} {body[:500]}")
        try:
            await asyncio.to_thread(self.load.publisher_answer, publisher, body)
        except ValueError as error:
            raise LoadFailed(f"the publisher's answer: {error}") from error
        report = await self._until(lambda report: report.publishers[publisher].connected)
        state = report.publishers[publisher]
        if not state.connected:
            raise LoadFailed(f"the publisher did not connect: {state.error or 'no answer'}")

    async def _join_all(self, http: aiohttp.ClientSession) -> None:
        start = self.clock.now()
        free = asyncio.Semaphore(JOINS_AT_ONCE)
        async with asyncio.TaskGroup() as joins:
            for number in range(self.plan.viewers):
                await self.clock.sleep(start + number / self.plan.rate - self.clock.now())
                await free.acquire()
                joins.create_task(self._join(http, free))
        if self._joined == 0:
            raise LoadFailed(f"no viewer joined: {dict(self._refused)}")
        await self._until(lambda report: report.connected + report.closed >= self._joined)

    async def _join(self, http: aiohttp.ClientSession, free: asyncio.Semaphore) -> None:
        try:
            viewer, offer = await asyncio.to_thread(self.load.offer)
            deadline = self.clock.now() + JOIN_PATIENCE_S
            status, body = await self._post(http, self.plan.url, self.plan.token, offer)
            while status == 409 and self.clock.now() < deadline:  # not live yet
                await self.clock.sleep(1.0)
                status, body = await self._post(http, self.plan.url, self.plan.token, offer)
            if status == 201:
                await asyncio.to_thread(self.load.answer, viewer, body)
                self._joined += 1
            else:
                self._refused[str(status)] += 1
                await asyncio.to_thread(self.load.remove, viewer)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self._refused[f"{type(error).__name__}: {error}"[:200]] += 1
        finally:
            free.release()
            done = self._joined + self._refused.total()
            self.progress("join", done, self.plan.viewers)

    async def _post(
        self, http: aiohttp.ClientSession, url: str, bearer: str | None, offer: str
    ) -> tuple[int, str]:
        """The status and the body; a session that was made is remembered for its end."""
        headers = {"Content-Type": "application/sdp"} | _bearer(bearer)
        async with http.post(url, data=offer, headers=headers) as response:
            body = b""
            while len(body) <= MAX_ANSWER and (piece := await response.content.read(MAX_ANSWER)):
                body += piece
            if response.status == 201 and (location := response.headers.get("Location")):
                self._sessions.append((urljoin(str(response.url), location), bearer))
            if len(body) > MAX_ANSWER:
                raise ValueError(f"an answer of more than {MAX_ANSWER} bytes")
            return response.status, body.decode(errors="replace")

    async def _watch(self, idle: Usage | None) -> Window:
        await asyncio.to_thread(self.load.reset_latency)
        before, used_before = await asyncio.to_thread(self.load.report), self._usage()
        start = self.clock.now()
        while (elapsed := self.clock.now() - start) < self.plan.seconds:
            self.progress("watch", int(elapsed * 1000), int(self.plan.seconds * 1000))
            await self.clock.sleep(min(STEP_S, self.plan.seconds - elapsed))
        after, used_after = await asyncio.to_thread(self.load.report), self._usage()
        return Window(
            seconds=self.clock.now() - start,
            before=before,
            after=after,
            idle=idle,
            used_before=used_before,
            used_after=used_after,
        )

    async def _until(self, holds: Callable[[LoadReport], bool]) -> LoadReport:
        """The first report for which it holds, or the last one when patience ends."""
        deadline = self.clock.now() + JOIN_PATIENCE_S
        while True:
            report = await asyncio.to_thread(self.load.report)
            if holds(report) or self.clock.now() >= deadline:
                return report
            await self.clock.sleep(0.02)

    async def _leave(self, http: aiohttp.ClientSession) -> None:
        await asyncio.to_thread(self.load.stop)
        free = asyncio.Semaphore(JOINS_AT_ONCE)

        async def end(url: str, bearer: str | None) -> None:
            async with free:
                try:
                    async with http.delete(url, headers=_bearer(bearer)):
                        pass
                except (aiohttp.ClientError, TimeoutError) as error:
                    self._refused[f"DELETE: {type(error).__name__}"] += 1

        await asyncio.gather(*(end(url, bearer) for url, bearer in self._sessions))

    def _usage(self) -> Usage | None:
        return self.meter.read() if self.meter else None


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
