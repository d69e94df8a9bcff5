"""How the load client's peers get into a server, and out again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urljoin

import aiohttp

from signaling.load_client import LoadClient

AT_ONCE = 64
"""Requests under way at one time."""
PATIENCE_S = 15.0
"""For a request, for a channel to become live, and for peers to connect."""
MAX_ANSWER = 65_536


class LoadFailed(Exception):
    """The run cannot be measured; the text says why."""


class Refused(Exception):
    """A viewer was not let in; the text is short, so that equal reasons can be counted."""


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


class Door(Protocol):
    """Carries session descriptions between the load client and one kind of server."""

    @property
    def unended(self) -> Counter[str]:
        """Sessions that could not be ended, by the error."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what is still open at the server."""
        ...

    async def publish(self, load: LoadClient) -> list[int]:
        """Let the publishers in, if there are any: their numbers. Raises LoadFailed."""
        ...

    async def join(self, load: LoadClient) -> int:
        """Let a viewer in: its number. Raises Refused."""
        ...

    async def leave(self, viewer: int) -> None:
        """End the viewer's session at the server."""
        ...


@dataclass(frozen=True, slots=True)
class _Session:
    url: str
    bearer: str | None


@dataclass(slots=True)
class WhepDoor:
    """WHEP for viewers, WHIP for the publisher."""

    url: str
    token: str | None = None
    publish_url: str | None = None
    key: str | None = None
    clock: Clock = field(default_factory=MonotonicClock)
    _http: aiohttp.ClientSession | None = None
    _viewers: dict[int, _Session] = field(default_factory=dict)
    _others: list[_Session] = field(default_factory=list)
    """Of publishers, and of viewers whose answer did not fit."""
    unended: Counter[str] = field(default_factory=Counter)

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        self._http = aiohttp.ClientSession(timeout=timeout, connector=connector)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sessions = [*self._viewers.values(), *self._others]
        free = asyncio.Semaphore(AT_ONCE)

        async def end(session: _Session) -> None:
            async with free:
                await self._end(session)

        try:
            await asyncio.gather(*(end(session) for session in sessions))
        finally:
            await self._open().close()

    async def publish(self, load: LoadClient) -> list[int]:
        if self.publish_url is None:
            return []
        publisher, offer = await asyncio.to_thread(load.publisher_offer)
        status, body, session = await self._post(self.publish_url, self.key, offer)
        if session is not None:
            self._others.append(session)
        if status != 201:
            raise LoadFailed(f"the publisher was refused: {status} {body[:500]}")
        try:
            await asyncio.to_thread(load.publisher_answer, publisher, body)
        except ValueError as error:
            raise LoadFailed(f"the publisher's answer: {error}") from error
        return [publisher]

    async def join(self, load: LoadClient) -> int:
        try:
            return await self._join(load)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Refused(f"{type(error).__name__}: {error}"[:200]) from error

    async def leave(self, viewer: int) -> None:
        if (session := self._viewers.pop(viewer, None)) is not None:
            await self._end(session)

    async def _join(self, load: LoadClient) -> int:
        viewer, offer = await asyncio.to_thread(load.offer)
        deadline = self.clock.now() + PATIENCE_S
        status, body, session = await self._post(self.url, self.token, offer)
        while status == 409 and self.clock.now() < deadline:  # not live yet
            await self.clock.sleep(1.0)
            status, body, session = await self._post(self.url, self.token, offer)
        if session is not None:
            self._viewers[viewer] = session
        if status != 201:
            await asyncio.to_thread(load.remove, viewer)
            raise Refused(str(status))
        await asyncio.to_thread(load.answer, viewer, body)
        return viewer

    async def _post(
        self, url: str, bearer: str | None, offer: str
    ) -> tuple[int, str, _Session | None]:
        headers = {"Content-Type": "application/sdp"} | _bearer(bearer)
        async with self._open().post(url, data=offer, headers=headers) as response:
            body = b""
            while len(body) <= MAX_ANSWER and (piece := await response.content.read(MAX_ANSWER)):
                body += piece
            session = None
            if response.status == 201 and (location := response.headers.get("Location")):
                session = _Session(urljoin(str(response.url), location), bearer)
            if len(body) > MAX_ANSWER:
                raise ValueError(f"an answer of more than {MAX_ANSWER} bytes")
            return response.status, body.decode(errors="replace"), session

    async def _end(self, session: _Session) -> None:
        try:
            async with self._open().delete(session.url, headers=_bearer(session.bearer)):
                pass
        except (aiohttp.ClientError, TimeoutError) as error:
            self.unended[f"DELETE: {type(error).__name__}"] += 1

    def _open(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("the door is used outside of its `async with`")
        return self._http


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
