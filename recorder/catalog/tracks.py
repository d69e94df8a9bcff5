"""Captions of a VOD: by language, and by how they came to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from recorder.captions.cues import Cue
from recorder.captions.search import folded
from recorder.catalog.holding import hold
from recorder.catalog.models import CueRow, TrackKind, TrackRow
from sluice.database import Database

MOST_CUES: Final = 50_000
"""Of one track: a cue each second for fourteen hours."""
_BATCH: Final = 1_000
_RANKS: Final[dict[TrackKind, int]] = {"live": 0, "final": 1, "upload": 2}
"""Of several in one language, the highest is shown: a person knows best."""


@dataclass(frozen=True, slots=True)
class Track:
    vod: str
    language: str
    kind: TrackKind
    label: str
    output: str | None
    """Key of the output that holds its file; None: `Tracks.text` gives the text."""
    words: int
    made_ms: int


@dataclass(frozen=True, slots=True)
class NewTrack:
    """A track to be put. Where there is no output, `text` holds all of it as WebVTT."""

    vod: str
    language: str
    kind: TrackKind
    label: str
    output: str | None = None
    text: str = ""


class Tracks:
    """One each of a language and a kind. All methods raise DatabaseDown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, new: NewTrack, cues: Sequence[Cue], now_ms: int) -> Track:
        """Add it, or replace the one of this language and kind. `cues` are what can be found.

        Raises VodUnknown, and ValueError for too many cues.
        """
        if len(cues) > MOST_CUES:
            raise ValueError(f"There are {len(cues)} cues; {MOST_CUES} are the most.")
        cue_rows = [_cue_row(new, number, cue) for number, cue in enumerate(cues)]

        async def keep(session: AsyncSession) -> Track:
            await hold(session, new.vod)
            await _drop(session, new.vod, new.language, new.kind)
            row = TrackRow(
                vod=new.vod,
                language=new.language,
                kind=new.kind,
                label=new.label,
                output=new.output,
                text=new.text,
                words=sum(len(cue.text.split()) for cue in cues),
                made_ms=now_ms,
            )
            session.add(row)
            await session.flush()
            for start in range(0, len(cue_rows), _BATCH):
                await session.execute(insert(CueRow), cue_rows[start : start + _BATCH])
            return _track(row)

        return await self._database.write(keep)

    async def of(self, vod: str) -> Sequence[Track]:
        """All, by language; in each, what is shown comes first."""
        async with self._database.reading() as session:
            return await tracks_of(session, vod)

    async def text(self, vod: str, language: str, kind: TrackKind) -> str | None:
        """What was put as text; None where there is no such track."""
        async with self._database.reading() as session:
            row = await session.get(TrackRow, (vod, language, kind))
            return None if row is None else row.text

    async def remove(self, vod: str, language: str, kind: TrackKind) -> bool:
        """False where there is no such track. Raises VodUnknown."""

        async def keep(session: AsyncSession) -> bool:
            await hold(session, vod)
            return await _drop(session, vod, language, kind)

        return await self._database.write(keep)


def best(tracks: Iterable[Track]) -> Sequence[Track]:
    """One of each language: what is shown, by language."""
    found: dict[str, Track] = {}
    for one in tracks:
        known = found.get(one.language)
        if known is None or _RANKS[known.kind] < _RANKS[one.kind]:
            found[one.language] = one
    return [found[language] for language in sorted(found)]


async def tracks_of(session: AsyncSession, vod: str) -> Sequence[Track]:
    """As `Tracks.of`."""
    found = await session.execute(
        select(TrackRow).where(TrackRow.vod == vod).options(defer(TrackRow.text))
    )
    tracks = [_track(row) for row in found.scalars()]
    return sorted(tracks, key=lambda one: (one.language, -_RANKS[one.kind]))


async def _drop(session: AsyncSession, vod: str, language: str, kind: TrackKind) -> bool:
    await session.execute(
        delete(CueRow).where(CueRow.vod == vod, CueRow.language == language, CueRow.kind == kind)
    )
    row = await session.get(TrackRow, (vod, language, kind), options=[defer(TrackRow.text)])
    if row is None:
        return False
    await session.delete(row)
    await session.flush()
    return True


def _cue_row(track: NewTrack, number: int, cue: Cue) -> dict[str, str | int]:
    text = " ".join(cue.text.split())
    return {
        "vod": track.vod,
        "language": track.language,
        "kind": track.kind,
        "number": number,
        "from_ms": cue.from_ms,
        "to_ms": cue.to_ms,
        "text": text,
        "folded": folded(text),
    }


def _track(row: TrackRow) -> Track:
    return Track(
        vod=row.vod,
        language=row.language,
        kind=row.kind,
        label=row.label,
        output=row.output,
        words=row.words,
        made_ms=row.made_ms,
    )
