"""Recordings that lie in the folder come into the catalog: at the end of a broadcast, after a
crash, and when the catalog itself was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recorder import index
from recorder.catalog.keepings import Keepings
from recorder.catalog.measured import Measured
from recorder.catalog.vods import Vod, Vods
from recorder.recording import ID, NotARecording, Recording
from recorder.replay import Replay
from recorder.retention import Keeping, settled
from sluice.storage import Access


@dataclass(frozen=True, slots=True)
class Terms:
    """What a channel says of its VODs. Of a channel that is gone: nobody watches, if in doubt."""

    access: Access
    keeping: Keeping


@dataclass(slots=True)
class Adopted:
    """What became of a folder full of recordings."""

    vods: list[Vod] = field(default_factory=list)
    """New, or brought up to date."""
    rests: list[str] = field(default_factory=list)
    """Deleted ones, of which a folder is still there."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Folders without an index that can be read, and why."""
    missing: Sequence[str] = ()
    """In the catalog, and their folder is not there."""


class Adoption:
    """`terms` gives those of a channel, by its name; where `keepings` knows better how long
    its VODs are kept, that counts."""

    def __init__(
        self,
        vods: Vods,
        recordings: Path,
        terms: Callable[[str], Terms],
        keepings: Keepings | None = None,
    ) -> None:
        self._vods = vods
        self._keepings = keepings
        self._recordings = recordings
        self._terms = terms

    async def adopt(self, recording: str, *, live: bool = False) -> Vod | None:
        """One recording, as its index tells it. None: it was deleted.

        Raises OSError, NotARecording, DatabaseDown.
        """
        measured = await asyncio.to_thread(_measure, self._recordings / recording, live)
        terms = self._terms(measured.channel)
        keeping = terms.keeping
        if self._keepings is not None:
            keeping = settled(await self._keepings.of(measured.channel), keeping)
        until_ms = keeping.until_ms(measured.ended_ms)
        return await self._vods.adopt(measured, terms.access, until_ms)

    async def adopt_all(self, *, live: Collection[str] = (), again: bool = False) -> Adopted:
        """All that the catalog does not have, or has as being recorded; with `again`, all.

        `live` are those that are written to now. Raises OSError, DatabaseDown.
        """
        states = await self._vods.states()
        there = await asyncio.to_thread(_recordings_in, self._recordings)
        found = Adopted(missing=_missing(states, there))
        for recording in there:
            state = states.get(recording)
            if state == "deleted":
                found.rests.append(recording)
            elif again or state in (None, "recording"):
                await self._take(recording, recording in live, found)
        return found

    async def _take(self, recording: str, live: bool, found: Adopted) -> None:
        try:
            vod = await self.adopt(recording, live=live)
        except (OSError, NotARecording) as error:
            found.unreadable[recording] = str(error)
            return
        if vod is not None:
            found.vods.append(vod)


def _measure(folder: Path, live: bool) -> Measured:
    recording = Recording.read(folder)
    if recording.id != folder.name:
        raise NotARecording(f"The index is of {recording.id!r}, not of its folder.")
    return Measured.of(recording, Replay.of(recording), live=live)


def _recordings_in(folder: Path) -> Sequence[str]:
    if not folder.is_dir():
        return []
    names = (one.name for one in folder.iterdir() if (one / index.FILE).is_file())
    return sorted(name for name in names if ID.fullmatch(name))


def _missing(states: Mapping[str, str], there: Sequence[str]) -> Sequence[str]:
    known = {vod for vod, state in states.items() if state != "deleted"}
    return sorted(known - set(there))
