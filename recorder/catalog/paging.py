"""Long lists, newest first, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

Row = TypeVar("Row")
Item = TypeVar("Item")

MOST: Final = 200
"""Items on a page."""
_CURSOR: Final = re.compile(r"(\d{1,16})\.([a-z0-9][a-z0-9_-]{0,127})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last item of a page; the next page begins behind it."""

    at_ms: int
    id: str

    def __str__(self) -> str:
        """As it goes into an address."""
        return f"{self.at_ms}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """None where it is none of ours."""
        found = _CURSOR.fullmatch(text)
        return cls(int(found[1]), found[2]) if found else None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """`next` is None on the last page."""

    items: Sequence[Item]
    next: Cursor | None


@dataclass(frozen=True)
class Order(Generic[Row]):
    """What a list is ordered by: a time, and an id where times are equal."""

    at: InstrumentedAttribute[int]
    id: InstrumentedAttribute[str]
    cursor: Callable[[Row], Cursor]
    """The same two of a row."""

    async def page(
        self,
        session: AsyncSession,
        rows: Select[Row],
        shown: Callable[[Row], Item],
        before: Cursor | None,
        limit: int,
    ) -> Page[Item]:
        """At most `limit` rows, and at least one if there is one."""
        limit = min(max(limit, 1), MOST)
        if before is not None:
            rows = rows.where(self._older(before))
        found = await session.execute(
            rows.order_by(self.at.desc(), self.id.desc()).limit(limit + 1)
        )
        several = list(found.scalars())
        more = len(several) > limit
        items = several[:limit]
        return Page([shown(one) for one in items], self.cursor(items[-1]) if more else None)

    def _older(self, cursor: Cursor) -> ColumnElement[bool]:
        return tuple_(self.at, self.id) < tuple_(cursor.at_ms, cursor.id)
