"""Follows one rendition as a player does, and holds every answer against the facts."""

from __future__ import annotations

import asyncio
import posixpath

from tests.bridge.conformance.client import Client, Reply
from tests.bridge.conformance.m3u8 import MediaLines, PartLine
from tests.bridge.conformance.rules import ROUNDING, check_playlist, check_step, end_ms, merge

IMMUTABLE_S = 600
"""Media is kept for a year, or for the window at least."""


class Follower:
    """One rendition. `known` is the newest full playlist."""

    def __init__(self, client: Client, path: str) -> None:
        self.client = client
        self.report = client.report
        self.path = path
        self.known = MediaLines()
        self.parts: dict[str, bytes] = {}
        """Bodies of the parts that were fetched, by address."""
        self.rates: list[float] = []
        """Bits a second of the segments that were fetched."""

    async def begin(self) -> None:
        """The first playlist, as any player asks for it."""
        reply = await self.client.get(self.path)
        self.report.expect("playlist 200", reply.status == 200, self.path, reply.status)
        kind = reply.headers.get("Content-Type")
        row = "playlist content type"
        self.report.expect(row, kind == "application/vnd.apple.mpegurl", self.path, kind)
        self.known = reply.playlist()
        check_playlist(self.report, self.path, self.known)
        half = max(1, self.known.target // 2)
        row = "cache: playlist TD/2"
        self.report.expect(row, reply.max_age == half, self.path, reply.max_age)
        await self._inits(self.known)

    async def follow(self, segments: int) -> None:
        """Until so many segments more are complete."""
        until = self.known.next_msn + segments
        while self.known.next_msn < until and not self.known.ended:
            await self._step()

    def beside(self, uri: str) -> str:
        """An address of this playlist, below the base."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.path), uri))

    def blocking(self, msn: int, part: int | None = None, more: str = "") -> str:
        """The address of a blocking reload."""
        at = "" if part is None else f"&_HLS_part={part}"
        return f"{self.path}?_HLS_msn={msn}{at}{more}"

    async def _step(self) -> None:
        """The hinted part and the reload that waits for it, at the same time."""
        before = self.known
        msn, part = before.edge
        hint = before.hints.get("PART", "")
        reload, hinted = await asyncio.gather(
            self.client.get(self.blocking(msn, part)),
            self.client.get(self.beside(hint)),
        )
        where = self.blocking(msn, part)
        if not self.report.expect("blocking reload 200", reload.status == 200, where, reload):
            raise AssertionError(f"{where} was answered with {reload.status}")
        kept = reload.max_age
        self.report.expect("cache: blocking 6 TD", kept == 6 * before.target, where, kept)
        after = self.known = reload.playlist()
        row = "a blocking reload waits for its part"
        self.report.expect(row, after.edge > (msn, part) or after.ended, where, after.edge)
        check_playlist(self.report, where, after)
        check_step(self.report, where, before, after)
        self._came_true(hint, hinted, after, msn, part)
        await asyncio.gather(self._reports(after), self._delta(before, msn, part))
        await self._inits(after)
        for done in range(before.next_msn, after.next_msn):
            await self._segment(after, done)

    def _came_true(self, hint: str, hinted: Reply, after: MediaLines, msn: int, part: int) -> None:
        """A hinted part is there, or its segment ended before it, or it became a gap."""
        segment = after.segment(msn) or after.open
        listed = next((one for one in segment.parts if one.uri == hint), None)
        if listed is None or listed.gap:
            fits = hinted.status == 404
            self.report.expect("a hint that fails is 404", fits, hint, hinted.status)
            return
        ok = hinted.status == 200 and len(hinted.body) > 0
        self.report.expect("hints come true", ok, hint, hinted.status)
        self._immutable(hint, hinted)
        self.parts[hint] = hinted.body
        numbered = segment.parts[part : part + 1] == [listed]
        self.report.expect("parts are numbered", numbered, hint, part)

    async def _reports(self, playlist: MediaLines) -> None:
        """What a report says of another rendition is true, and in step within one part."""
        others = await asyncio.gather(
            *(self.client.get(self.beside(uri)) for uri in playlist.reports)
        )
        for (uri, last), reply in zip(playlist.reports.items(), others, strict=True):
            row = "a reported rendition is there"
            if not self.report.expect(row, reply.status == 200, uri, reply.status):
                continue
            other = reply.playlist()
            where = f"{self.path} reports {uri}"
            listed = self._listed(other, last)
            # What comes by a cache may be a little older than the report.
            older = last[0] >= other.next_msn and "Age" in reply.headers
            self.report.expect("RENDITION-REPORT is true", listed or older, where, last)
            if last[1] < 0:
                continue  # captions have no parts, and may trail: captions.py looks at them
            ends = end_ms(playlist, playlist.edge), end_ms(other, (last[0], last[1] + 1))
            if ends[0] is not None and ends[1] is not None:
                apart = abs(ends[0] - ends[1])
                step = 1_000 * (playlist.part_target + 2 * ROUNDING)
                self.report.expect("renditions in step", apart <= step, where, (apart, last))

    @staticmethod
    def _listed(playlist: MediaLines, last: tuple[int, int]) -> bool:
        """Whether a playlist has this part, or had it in a segment that it still lists."""
        segment = playlist.segment(last[0])
        if segment is None:
            return playlist.edge > last
        return not segment.parts or last[1] < len(segment.parts)

    async def _delta(self, before: MediaLines, msn: int, part: int) -> None:
        """A delta, merged into what is known, is the full playlist of the same moment."""
        where = self.blocking(msn, part, "&_HLS_skip=YES")
        for _ in range(5):
            full, delta = await asyncio.gather(
                self.client.get(self.blocking(msn, part)), self.client.get(where)
            )
            whole, short = full.playlist(), delta.playlist()
            if whole.edge == short.edge and whole.reports == short.reports:
                break
        else:
            return  # Between the two there always came a part; the next step tries again.
        kept = delta.max_age
        self.report.expect("cache: blocking 6 TD", kept == 6 * before.target, where, kept)
        check_playlist(self.report, where, short)
        if short.skipped:
            same = merge(before, short) == whole
            self.report.expect("a delta is the full playlist", same, where, short.skipped)
            told = sum(one.duration for one in short.segments)
            told += sum(one.duration for one in short.open.parts)
            boundary = float(short.control["CAN-SKIP-UNTIL"])
            row = "a delta skips only beyond its boundary"
            self.report.expect(row, told >= boundary - 0.01, where, told)
            row = "a delta is smaller"
            self.report.expect(row, len(delta.body) < len(full.body), where)
        else:
            self.report.expect("a delta without SKIP is full", short == whole, where)

    async def _inits(self, playlist: MediaLines) -> None:
        for one in [*playlist.segments, playlist.open]:
            if one.map is not None and one.map not in self.parts:
                reply = await self.client.get(self.beside(one.map))
                ok = reply.status == 200 and len(reply.body) > 0
                self.report.expect("MAP is there", ok, one.map, reply.status)
                self._immutable(one.map, reply)
                self.parts[one.map] = reply.body

    async def _segment(self, playlist: MediaLines, msn: int) -> None:
        """A segment is its parts, one after the other."""
        segment = playlist.segment(msn)
        if segment is None:
            return
        reply = await self.client.get(self.beside(segment.uri))
        if segment.gap:
            self.report.expect("a gap is 404", reply.status == 404, segment.uri, reply.status)
            return
        self.report.expect("segment 200", reply.status == 200, segment.uri, reply.status)
        self._immutable(segment.uri, reply)
        self.rates.append(len(reply.body) * 8 / segment.duration)
        bodies = [await self._part(part) for part in segment.parts if not part.gap]
        same = b"".join(bodies) == reply.body
        self.report.expect("a segment is its parts", same, segment.uri)

    async def _part(self, part: PartLine) -> bytes:
        if part.uri not in self.parts:
            reply = await self.client.get(self.beside(part.uri))
            self.report.expect("part 200", reply.status == 200, part.uri, reply.status)
            self.parts[part.uri] = reply.body
        return self.parts[part.uri]

    def _immutable(self, uri: str, reply: Reply) -> None:
        kept = reply.max_age or 0
        self.report.expect("cache: media", kept >= IMMUTABLE_S, uri, reply.headers)
        kind = reply.headers.get("Content-Type")
        self.report.expect("media type", kind in ("video/mp4", "audio/mp4"), uri, kind)
