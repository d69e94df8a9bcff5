"""Asks a server for the addresses of a presentation, and looks at the headers of every answer."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from tests.bridge.conformance.m3u8 import MediaLines, read_media_playlist
from tests.bridge.conformance.report import Report

TIMEOUT_S = 30.0


@dataclass(slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes
    pieces: list[bytes] = field(default_factory=list)
    """The body as it came."""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def max_age(self) -> int | None:
        """Seconds; None where nothing may be kept."""
        match = re.search(r"(?:^|[ ,])max-age=(\d+)", self.headers.get("Cache-Control", ""))
        return int(match[1]) if match else None

    def playlist(self) -> MediaLines:
        return read_media_playlist(self.text)


class Client:
    """One connection pool, and the report that everything goes into."""

    def __init__(
        self, session: aiohttp.ClientSession, base: str, report: Report, behind: bool = False
    ) -> None:
        """`behind`: something of others stands in front, and may refuse in its own words."""
        self._session = session
        self.behind = behind
        self._base = base if base.endswith("/") else base + "/"
        self.report = report

    async def get(self, path: str, *, method: str = "GET", **headers: str) -> Reply:
        """One request. `path` is below the base, and sent as it is. Raises TimeoutError."""
        url = URL(self._base + path, encoded=True)
        sent = {"Accept-Encoding": "identity"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            asyncio.timeout(TIMEOUT_S),
            self._session.request(method, url, headers=sent) as answer,
        ):
            pieces = [piece async for piece in answer.content.iter_any()]
            reply = Reply(answer.status, answer.headers, b"".join(pieces), pieces)
        self._look(path, method, reply)
        return reply

    async def unpacked(self, path: str) -> Reply:
        """The same, asked for in gzip."""
        reply = await self.get(path, Accept_Encoding="gzip")
        packed = reply.headers.get("Content-Encoding") == "gzip"
        if self.report.expect("playlists are gzipped", packed, path, dict(reply.headers)):
            reply.body = gzip.decompress(reply.body)
        return reply

    async def absolute(self, address: str, against: str) -> Reply:
        """An address as it stands in the document at `against`."""
        url = URL(self._base + against).join(URL(address))
        async with asyncio.timeout(TIMEOUT_S), self._session.get(url) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    def _look(self, path: str, method: str, reply: Reply) -> None:
        headers = reply.headers
        is_ours = headers.get("Content-Type", "") == "application/problem+json"
        if self.behind and reply.status >= 400 and not is_ours:
            return
        where = f"{method} {path}"
        expect = self.report.expect
        expect("CORS", headers.get("Access-Control-Allow-Origin") == "*", where, dict(headers))
        exposed = headers.get("Access-Control-Expose-Headers", "")
        expect("Age is exposed", bool(re.search(r"\bAge\b|^\*$", exposed)), where, exposed)
        nosniff = headers.get("X-Content-Type-Options") == "nosniff"
        expect("nosniff", nosniff, where, dict(headers))
        expect("Cache-Control", "Cache-Control" in headers, where, dict(headers))
        if reply.status >= 400:
            is_problem = headers.get("Content-Type", "").startswith("application/problem+json")
            expect("errors are problems", is_problem, where, headers.get("Content-Type"))
