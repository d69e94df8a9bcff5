"""Troubles, counted and told once a second: a hostile stream has thousands of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.transcode.wire import Trouble, TroubleKind

PAUSE_MS: Final = 1_000


@dataclass(slots=True)
class _Tally:
    count: int = 0
    detail: str = ""
    told_ms: int | None = None


class Troubles:
    """Sans I/O: `now` is an argument."""

    def __init__(self, send: Callable[[Trouble], None]) -> None:
        self._send = send
        self._tallies: dict[TroubleKind, _Tally] = {}

    def count(self, kind: TroubleKind, count: int, detail: str = "") -> None:
        """`detail` is told of the newest."""
        tally = self._tallies.setdefault(kind, _Tally())
        tally.count += count
        tally.detail = detail

    def tell(self, now_ms: int) -> None:
        """The first of a kind at once; further ones together, a second later."""
        for kind, tally in self._tallies.items():
            due = tally.told_ms is None or now_ms - tally.told_ms >= PAUSE_MS
            if tally.count and due:
                self._send(Trouble(kind, tally.count, tally.detail))
                tally.count, tally.told_ms = 0, now_ms
