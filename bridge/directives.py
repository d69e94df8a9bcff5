"""Delivery directives: what a player writes behind a playlist's address (RFC 8216bis section
6.2.5), and whether the playlist can answer it yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bridge.presentation import PackagingSettings
from bridge.rendition import Rendition
from sluice.errors import Problem

WHOLE: Final = 1 << 62
"""As a part: all parts of the segment, whatever their number."""
AHEAD: Final = 2
"""A player may ask for this many segments beyond the last one listed."""
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)
_KNOWN: Final = ("_HLS_msn", "_HLS_part", "_HLS_skip")


@dataclass(frozen=True, slots=True)
class Directives:
    """What is asked: everything from `msn` on must be there first."""

    msn: int | None = None
    part: int | None = None
    skip: bool = False

    @property
    def blocking(self) -> bool:
        return self.msn is not None


NONE: Final = Directives()


@lru_cache(maxsize=1_024)  # a thousand viewers ask the same
def read_directives(query: str) -> Directives:
    """The directives in a query; other parameters, CMCD among them, are passed over.

    Raises Problem `directive-refused` for what is repeated or malformed.
    """
    if "_HLS_" not in query:
        return NONE
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name not in _KNOWN:
            continue
        if name in found:
            raise refused(f"{name} stands there twice.")
        found[name] = value
    skip = found.get("_HLS_skip")
    if skip not in (None, "YES", "v2"):
        raise refused("_HLS_skip is YES or v2.")
    msn, part = _number(found, "_HLS_msn"), _number(found, "_HLS_part")
    if part is not None and msn is None:
        raise refused("_HLS_part needs _HLS_msn.")
    return Directives(msn, part, skip is not None)


def awaited(
    asked: Directives, rendition: Rendition, first_msn: int, settings: PackagingSettings
) -> tuple[int, int] | None:
    """The (msn, part) that must be complete before the answer; None when it can be given now.

    Raises Problem `directive-refused` for what lies too far ahead.
    """
    if asked.msn is None:
        return None
    edge = rendition.edge or (first_msn, 0)
    _check_ahead(asked.msn, asked.part, edge, settings)
    msn, part = asked.msn, WHOLE if asked.part is None else asked.part
    segment = rendition.segment(msn)
    past_end = segment is not None and segment.complete and len(segment.parts) <= part < WHOLE
    if past_end:
        msn, part = msn + 1, 0
    return (msn, part) if edge <= (msn, part) else None


def part_limit(part_target_s: float) -> int:
    """The Advance Part Limit: how many parts beyond the last one may be asked for."""
    return int(3 / part_target_s + 1e-6) if part_target_s < 1 else 3


def refused(detail: str, headers: dict[str, str] | None = None) -> Problem:
    return Problem("directive-refused", detail, headers=headers)


def _check_ahead(
    msn: int, part: int | None, edge: tuple[int, int], settings: PackagingSettings
) -> None:
    last_listed = edge[0] - 1
    too_far = msn > last_listed + AHEAD
    if part is not None and msn >= last_listed:
        each = -(-settings.segment_ms // settings.part_ms)
        # How many parts it lies beyond the newest, if segments are as long as they should be.
        beyond = (msn - edge[0]) * each + part - (edge[1] - 1)
        too_far = too_far or beyond > part_limit(settings.part_target_s)
    if too_far:
        # Soon it will not be ahead any more.
        raise refused("That is too far ahead.", {"Cache-Control": "no-store"})


def _number(found: dict[str, str], name: str) -> int | None:
    text = found.get(name)
    if text is None:
        return None
    if not _DIGITS.fullmatch(text):
        raise refused(f"{name} is a number of at most 20 digits.")
    return int(text)
