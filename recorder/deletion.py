"""Deletes VODs and clips: first for everybody who looks, then their files, wherever these are,
and what was said in the room meanwhile.

    await deletion.delete_vod(vod, by="ann", reason="owner", now_ms=now_ms, keep_clips=True)
    await deletion.sweep(now_ms)        now and then: what a crash, or a store, left behind

The catalog says what is deleted, and that its files and its chat are gone only once they are. So
wherever this is cut off, the sweep goes on with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from recorder.catalog.catalog import Catalog
from recorder.catalog.deletions import Deletion as Record
from recorder.catalog.deletions import LeavingChat, LeavingClip, LeavingVod
from recorder.catalog.models import Reason
from recorder.files import Files, FilesRemain
from recorder.retention import Keeping, Plan

log = structlog.get_logger(__name__)


_PATIENCE: Final = 3
"""Rooms that cannot be reached, after which a sweep looks for no others."""


class TalkRemains(Exception):
    """A room's log could not delete something, or not all of it. It can be tried again."""


class Talk(Protocol):
    """The rooms of all channels. Doing it again is harmless."""

    async def erase(self, channel: str, since_ms: int, until_ms: int) -> int:
        """Delete what people wrote from `since_ms` until before `until_ms` (Unix ms, stream time);
        how many entries. Raises TalkRemains."""
        ...


@dataclass(slots=True)
class Swept:
    """How many had files, or may have had, and how many of these still do."""

    gone: int = 0
    remaining: int = 0

    def count(self, gone: bool) -> None:
        if gone:
            self.gone += 1
        else:
            self.remaining += 1


class Deletion:
    """All methods raise DatabaseDown.

    A file that cannot be deleted makes none of them fail: it is told in the log, and the sweep
    comes back to it. `by` is a name, empty where a rule decides.
    """

    def __init__(self, catalog: Catalog, places: Sequence[Files], talk: Talk | None = None) -> None:
        """`places`: all that have files of recordings. Without `talk` the chat stays, until a
        sweep by somebody who has it."""
        self._catalog = catalog
        self._places = places
        self._talk = talk

    async def delete_vod(
        self, vod: str, *, by: str, reason: Reason, now_ms: int, keep_clips: bool
    ) -> Record | None:
        """None: there is no such VOD (any more). Raises StillRecording."""
        deletions = self._catalog.deletions
        record = await deletions.delete_vod(vod, by, reason, now_ms, keep_clips=keep_clips)
        if record is not None:
            await self._remove_vod(await deletions.leaving_vod(vod), now_ms)
            chat = await deletions.leaving_chat(vod)
            if chat is not None:
                await self._remove_chat(chat, now_ms)
        return record

    async def delete_clip(
        self, clip: str, *, by: str, reason: Reason, now_ms: int
    ) -> Record | None:
        """None: there is no such clip (any more)."""
        deletions = self._catalog.deletions
        record = await deletions.delete_clip(clip, by, reason, now_ms)
        if record is not None:
            await self._remove_clip(await deletions.leaving_clip(clip), now_ms)
        return record

    async def carry_out(self, plan: Plan, keeping: Keeping, now_ms: int) -> Sequence[Record]:
        """Delete what the plan says."""
        records = []
        for one in plan.doomed:
            record = await self.delete_vod(
                one.id, by="", reason=one.reason, now_ms=now_ms, keep_clips=keeping.keep_clips
            )
            if record is not None:
                records.append(record)
        return records

    async def sweep(self, now_ms: int) -> Swept:
        """Delete the files of all that is deleted and may still have some."""
        swept = Swept()
        deletions = self._catalog.deletions
        after = ""
        while vods := await deletions.leaving_vods(after):
            for vod in vods:
                swept.count(await self._remove_vod(vod, now_ms))
            after = vods[-1].id
        after = ""
        while clips := await deletions.leaving_clips(after):
            for clip in clips:
                swept.count(await self._remove_clip(clip, now_ms))
            after = clips[-1].id
        await self._sweep_chats(now_ms)
        return swept

    async def _remove_vod(self, vod: LeavingVod, now_ms: int) -> bool:
        """Whether nothing is left."""
        gone = await self._everywhere(vod.id, lambda place: place.remove(vod.id, vod.keep))
        if gone:
            await self._catalog.deletions.vod_gone(vod.id, now_ms)
        return gone

    async def _remove_clip(self, clip: LeavingClip, now_ms: int) -> bool:
        output = clip.output
        gone = output is None or await self._everywhere(
            clip.id, lambda place: place.remove_output(clip.vod, output)
        )
        if gone:
            await self._catalog.deletions.clip_gone(clip.id, now_ms)
        return gone

    async def _sweep_chats(self, now_ms: int) -> None:
        after, failures = "", 0
        while self._talk is not None and (
            chats := await self._catalog.deletions.leaving_chats(after)
        ):
            for chat in chats:
                failures += not await self._remove_chat(chat, now_ms)
                if failures == _PATIENCE:
                    return
            after = chats[-1].vod

    async def _remove_chat(self, chat: LeavingChat, now_ms: int) -> bool:
        """Whether nothing is left."""
        if self._talk is None:
            return False
        entries = 0
        try:
            for since_ms, until_ms in chat.times:
                entries += await self._talk.erase(chat.channel, since_ms, until_ms)
        except TalkRemains as error:
            log.warning("the chat of what was deleted remains", vod=chat.vod, problem=str(error))
            return False
        await self._catalog.deletions.chat_gone(chat.vod, entries, now_ms)
        return True

    async def _everywhere(self, what: str, remove: Callable[[Files], Awaitable[None]]) -> bool:
        """Whether it worked in all places. A place that fails keeps no other from it."""
        failures = 0
        for place in self._places:
            try:
                await remove(place)
            except FilesRemain as error:
                log.warning("files of what was deleted remain", id=what, problem=str(error))
                failures += 1
        return failures == 0
