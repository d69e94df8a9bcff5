"""All rows of the suite, family by family."""

from __future__ import annotations

from typing import Final

from tests.faults import (
    clock,
    cpu,
    disk,
    doors,
    handover,
    http_attacks,
    kills,
    media_attacks,
    money_attacks,
    narrow,
    outage,
    redis,
    resets,
    rust_tests,
    storms,
)
from tests.faults.row import Row

FAMILIES: Final = (
    outage,
    handover,
    narrow,
    kills,
    redis,
    disk,
    clock,
    cpu,
    media_attacks,
    doors,
    storms,
    rust_tests,
    http_attacks,
    resets,
    money_attacks,
)
ROWS: Final[tuple[Row, ...]] = tuple(row for family in FAMILIES for row in family.ROWS)


def chosen(only: str | None) -> list[Row]:
    """All, or those with this text in their name or family. Raises ValueError for none."""
    found = [row for row in ROWS if only is None or only in row.name or only == row.family]
    if not found:
        names = "\n".join(f"  {row.family}: {row.name}" for row in ROWS)
        raise ValueError(f"no row has {only!r} in its name; there are:\n{names}")
    return found
