"""Where something was said: words are found in the captions that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, or_, select

from recorder.captions.search import folded
from recorder.catalog.models import CueRow
from recorder.catalog.tracks import best, tracks_of
from sluice.database import Database

MOST_FOUND: Final = 200
MOST_LETTERS: Final = 200
"""Of what is looked for; the rest is not looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """A cue with the words in it."""

    language: str
    from_ms: int
    """VOD time."""
    to_ms: int
    text: str
    """On one line."""
    begin: int
    """The words are text[begin:end], the first time that they are there."""
    end: int


class Cues:
    """Search. Raises DatabaseDown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, vod: str, words: str, *, language: str | None = None, limit: int = 50
    ) -> Sequence[Found]:
        """Cues that hold these letters in a row, whatever their case and accents; by time.

        In the captions that are shown, of one language or of all. Nothing for a query of spaces.
        """
        wanted = folded(" ".join(words[:MOST_LETTERS].split()))
        if not wanted:
            return []
        async with self._database.reading() as session:
            shown = [
                and_(CueRow.language == one.language, CueRow.kind == one.kind)
                for one in best(await tracks_of(session, vod))
                if language is None or one.language == language
            ]
            if not shown:
                return []
            found = await session.execute(
                select(CueRow)
                .where(
                    CueRow.vod == vod, or_(*shown), CueRow.folded.contains(wanted, autoescape=True)
                )
                .order_by(CueRow.from_ms, CueRow.language, CueRow.number)
                .limit(min(max(limit, 1), MOST_FOUND))
            )
            return [_found(row, wanted) for row in found.scalars()]


def _found(row: CueRow, wanted: str) -> Found:
    begin, end = place(row.text, wanted)
    return Found(row.language, row.from_ms, row.to_ms, row.text, begin, end)


def place(text: str, wanted: str) -> tuple[int, int]:
    """Where in a text its folded form holds `wanted`; (0, 0) where it does not.

    Folding makes several letters of one, and none of a loose accent, so places move.
    """
    letters: list[str] = []
    origins: list[int] = []
    for number, letter in enumerate(text):
        plain = folded(letter)
        letters.append(plain)
        origins += [number] * len(plain)
    at = "".join(letters).find(wanted)
    if at < 0:
        return 0, 0
    end = origins[at + len(wanted) - 1] + 1
    while end < len(text) and not folded(text[end]):
        end += 1  # an accent belongs to the letter before it
    return origins[at], end
