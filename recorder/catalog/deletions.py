"""What was deleted: the record of it, and what of its files is still to go.

    await deletions.delete_vod(...)                 from here on nobody finds it
    for one in await deletions.leaving(): ...       its files go
    await deletions.vod_gone(one.vod, now_ms)       and are not looked for any more

The change of state, the record, and the end of all content in the catalog are one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.catalog.models import (
    ChapterRow,
    ClipRow,
    CueRow,
    DeletionKind,
    DeletionRow,
    OutputRow,
    Reason,
    TrackRow,
    VodRow,
)
from recorder.catalog.paging import Cursor, Order, Page
from sluice.database import Database

_NEWEST: Final[Order[DeletionRow]] = Order(
    DeletionRow.at_ms, DeletionRow.id, lambda row: Cursor(row.at_ms, row.id)
)
_BATCH: Final = 100
LEAD_MS: Final = 1_000
"""A picture was captured before a recording of it begins."""


class StillRecording(Exception):
    """It grows, so it cannot be deleted. The text is its id."""


class Counts(msgspec.Struct, frozen=True):
    """How much was deleted."""

    size_bytes: int = 0
    """Of its chunks and outputs."""
    chapters: int = 0
    tracks: int = 0
    outputs: int = 0
    clips: int = 0
    clips_kept: int = 0
    chat: int | None = None
    """Entries of the room that people wrote in its time. None: they are still in its log, or went
    otherwise."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """The record of one."""

    kind: DeletionKind
    id: str
    channel: str
    by: str
    """Empty: nobody, a rule did."""
    reason: Reason
    at_ms: int
    what: Counts


@dataclass(frozen=True, slots=True)
class LeavingVod:
    """A deleted VOD of which files may still be there."""

    id: str
    keep: frozenset[str]
    """Keys of the outputs that are clips, and stay."""


@dataclass(frozen=True, slots=True)
class LeavingChat:
    """A deleted VOD of which the chat may still be in the room's log."""

    vod: str
    channel: str
    times: Sequence[tuple[int, int]]
    """When it was live, as begin and end in Unix ms, without the time of VODs that are there."""


@dataclass(frozen=True, slots=True)
class LeavingClip:
    """A deleted clip of which files may still be there."""

    id: str
    vod: str
    output: str | None
    """Key of the output that has to go; None: there is none, or other clips need it."""


class Deletions:
    """All methods raise DatabaseDown. `by` is a name, empty where a rule decides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delete_vod(
        self, vod: str, by: str, reason: Reason, now_ms: int, *, keep_clips: bool
    ) -> Deletion | None:
        """Nobody finds it any more, nor its chapters, captions and outputs. None: there is none.

        Of its clips, those that are ready stay with `keep_clips`. Raises StillRecording.
        """

        async def work(session: AsyncSession) -> Deletion | None:
            row = await session.get(VodRow, vod, with_for_update=True)
            if row is None or row.state == "deleted":
                return None
            if row.state == "recording":
                raise StillRecording(vod)
            found = await session.execute(_clips_of(vod).with_for_update())
            clips = found.scalars().all()
            kept = [one for one in clips if keep_clips and one.state == "ready"]
            leaving = [one for one in clips if one not in kept]
            outputs, output_bytes = await _drop_outputs(session, vod, _keys(kept))
            what = Counts(
                size_bytes=row.size_bytes + output_bytes,
                chapters=await _shown_chapters(session, row),
                tracks=await _drop_tracks(session, vod),
                outputs=outputs,
                clips=len(leaving),
                clips_kept=len(kept),
            )
            await session.execute(delete(ChapterRow).where(ChapterRow.vod == vod))
            row.state, row.title, row.trouble, row.poster = "deleted", "", "", None
            if reason == "channel":
                row.chat_gone_ms = now_ms  # with the room
            for one in leaving:
                _empty(one)
                # Its files are the VOD's: they go with them.
                one.gone_ms = now_ms
                _record(session, "clip", one.id, row.channel, by, reason, now_ms, Counts(clips=1))
            return _record(session, "vod", vod, row.channel, by, reason, now_ms, what)

        return await self._database.write(work)

    async def delete_clip(self, clip: str, by: str, reason: Reason, now_ms: int) -> Deletion | None:
        """Nobody finds it any more. None: there is none."""

        async def work(session: AsyncSession) -> Deletion | None:
            row = await session.get(ClipRow, clip)
            if row is None:
                return None
            # Of two clips that share an output, one must see that the other is gone.
            await session.get_one(VodRow, row.vod, with_for_update=True)
            await session.refresh(row)
            if row.state == "deleted":
                return None
            size = 0
            if row.output is not None and not await _shared(session, row):
                output = await session.get(OutputRow, row.output)
                if output is not None:
                    size = output.size
                    await session.delete(output)
            _empty(row)
            what = Counts(size_bytes=size, outputs=1 if size else 0, clips=1)
            return _record(session, "clip", clip, row.channel, by, reason, now_ms, what)

        return await self._database.write(work)

    async def page(
        self, *, channel: str | None = None, before: Cursor | None = None, limit: int = 50
    ) -> Page[Deletion]:
        """The records, newest first: of a channel, or of all."""
        rows = select(DeletionRow)
        if channel is not None:
            rows = rows.where(DeletionRow.channel == channel)
        async with self._database.reading() as session:
            return await _NEWEST.page(session, rows, _deletion, before, limit)

    async def leaving_vods(self, after: str = "") -> Sequence[LeavingVod]:
        """The next ones by id, some at a time, whose files may still be there."""
        async with self._database.reading() as session:
            found = await session.execute(
                select(VodRow.id)
                .where(VodRow.state == "deleted", VodRow.gone_ms.is_(None), VodRow.id > after)
                .order_by(VodRow.id)
                .limit(_BATCH)
            )
            return [await _leaving_vod(session, vod) for vod in found.scalars().all()]

    async def leaving_vod(self, vod: str) -> LeavingVod:
        """Of one that is deleted."""
        async with self._database.reading() as session:
            return await _leaving_vod(session, vod)

    async def leaving_clips(self, after: str = "") -> Sequence[LeavingClip]:
        """The next ones by id, some at a time, whose files may still be there."""
        async with self._database.reading() as session:
            found = await session.execute(
                select(ClipRow)
                .where(ClipRow.state == "deleted", ClipRow.gone_ms.is_(None), ClipRow.id > after)
                .order_by(ClipRow.id)
                .limit(_BATCH)
            )
            return [await _leaving_clip(session, row) for row in found.scalars().all()]

    async def leaving_clip(self, clip: str) -> LeavingClip:
        """Of one that is deleted."""
        async with self._database.reading() as session:
            return await _leaving_clip(session, await session.get_one(ClipRow, clip))

    async def vod_gone(self, vod: str, now_ms: int) -> None:
        """Its files are deleted."""

        async def work(session: AsyncSession) -> None:
            row = await session.get_one(VodRow, vod)
            row.gone_ms = now_ms

        await self._database.write(work)

    async def leaving_chats(self, after: str = "") -> Sequence[LeavingChat]:
        """The next ones by id, some at a time, whose chat may still be there."""
        async with self._database.reading() as session:
            found = await session.execute(
                select(VodRow)
                .where(VodRow.state == "deleted", VodRow.chat_gone_ms.is_(None), VodRow.id > after)
                .order_by(VodRow.id)
                .limit(_BATCH)
            )
            return [await _leaving_chat(session, row) for row in found.scalars().all()]

    async def leaving_chat(self, vod: str) -> LeavingChat | None:
        """Of one that is deleted; None: it is gone."""
        async with self._database.reading() as session:
            row = await session.get_one(VodRow, vod)
            return None if row.chat_gone_ms is not None else await _leaving_chat(session, row)

    async def chat_gone(self, vod: str, entries: int, now_ms: int) -> None:
        """So many entries of its room were deleted; its record says so."""

        async def work(session: AsyncSession) -> None:
            row = await session.get_one(VodRow, vod, with_for_update=True)
            if row.chat_gone_ms is not None:
                return
            row.chat_gone_ms = now_ms
            record = await session.get(DeletionRow, ("vod", vod))
            if record is not None:
                what = msgspec.json.decode(record.what, type=Counts)
                changed = msgspec.structs.replace(what, chat=entries)
                record.what = msgspec.json.encode(changed).decode()

        await self._database.write(work)

    async def clip_gone(self, clip: str, now_ms: int) -> None:
        """Its files are deleted."""

        async def work(session: AsyncSession) -> None:
            row = await session.get_one(ClipRow, clip)
            row.gone_ms = now_ms

        await self._database.write(work)


def _clips_of(vod: str) -> Select[ClipRow]:
    kept = select(ClipRow).where(ClipRow.vod == vod, ClipRow.state != "deleted")
    return kept.order_by(ClipRow.id)


def _keys(clips: Collection[ClipRow]) -> frozenset[str]:
    return frozenset(one.output for one in clips if one.output is not None)


async def _shown_chapters(session: AsyncSession, row: VodRow) -> int:
    found = await session.execute(
        select(func.count())
        .select_from(ChapterRow)
        .where(ChapterRow.vod == row.id, ChapterRow.edited == row.chapters_edited)
    )
    return found.scalar_one()


async def _drop_tracks(session: AsyncSession, vod: str) -> int:
    """How many there were."""
    tracks = await session.execute(
        select(func.count()).select_from(TrackRow).where(TrackRow.vod == vod)
    )
    await session.execute(delete(CueRow).where(CueRow.vod == vod))
    await session.execute(delete(TrackRow).where(TrackRow.vod == vod))
    return tracks.scalar_one()


async def _drop_outputs(session: AsyncSession, vod: str, keep: Collection[str]) -> tuple[int, int]:
    """How many there were without those to keep, and their bytes."""
    going = OutputRow.vod == vod, OutputRow.key.not_in(keep)
    found = await session.execute(
        select(func.count(), func.coalesce(func.sum(OutputRow.size), 0)).where(*going)
    )
    count, size = found.one()
    await session.execute(delete(OutputRow).where(*going))
    return int(count), int(size)


async def _shared(session: AsyncSession, clip: ClipRow) -> bool:
    """Whether another clip needs the same output."""
    if clip.output is None:
        return False
    found = await session.execute(
        select(func.count())
        .select_from(ClipRow)
        .where(ClipRow.output == clip.output, ClipRow.id != clip.id, ClipRow.state != "deleted")
    )
    return found.scalar_one() > 0


async def _leaving_clip(session: AsyncSession, row: ClipRow) -> LeavingClip:
    return LeavingClip(row.id, row.vod, None if await _shared(session, row) else row.output)


async def _leaving_vod(session: AsyncSession, vod: str) -> LeavingVod:
    found = await session.execute(_clips_of(vod))
    return LeavingVod(vod, _keys(found.scalars().all()))


async def _leaving_chat(session: AsyncSession, row: VodRow) -> LeavingChat:
    if row.ended_ms is None:
        return LeavingChat(row.id, row.channel, ())
    begin, end = row.began_ms - LEAD_MS, row.ended_ms
    found = await session.execute(
        select(VodRow.began_ms, VodRow.ended_ms)
        .where(
            VodRow.channel == row.channel,
            VodRow.state != "deleted",
            VodRow.began_ms < end,
            or_(VodRow.ended_ms.is_(None), VodRow.ended_ms > begin),
        )
        .order_by(VodRow.began_ms)
    )
    times: list[tuple[int, int]] = []
    for other_begin, other_end in found:
        if begin < other_begin:
            times.append((begin, other_begin))
        begin = end if other_end is None else max(begin, other_end)
    if begin < end:
        times.append((begin, end))
    return LeavingChat(row.id, row.channel, times)


def _empty(row: ClipRow) -> None:
    row.state, row.title, row.made_by = "deleted", "", ""


def _record(
    session: AsyncSession,
    kind: DeletionKind,
    subject: str,
    channel: str,
    by: str,
    reason: Reason,
    now_ms: int,
    what: Counts,
) -> Deletion:
    row = DeletionRow(
        kind=kind,
        id=subject,
        channel=channel,
        deleted_by=by,
        reason=reason,
        at_ms=now_ms,
        what=msgspec.json.encode(what).decode(),
    )
    session.add(row)
    return _deletion(row)


def _deletion(row: DeletionRow) -> Deletion:
    what = msgspec.json.decode(row.what, type=Counts)
    return Deletion(row.kind, row.id, row.channel, row.deleted_by, row.reason, row.at_ms, what)
