"""Entries by hand, for tests of what a room makes of them."""

from __future__ import annotations

from chat.entry import Entry, Epoch, EpochEnd, Kind, Position
from chat.log import Head

EPOCH = Epoch("e1")


def entry(seq: int, body: bytes = b'{"n":1}', *, kind: Kind = "message", t: int = 0,
          staff: bool = False, epoch: Epoch = EPOCH, key: str | None = None) -> Entry:  # fmt: skip
    return Entry(epoch, seq, t or seq * 1_000, None, t or seq * 1_000, kind, body, key, staff)


def head(
    seq: int, *, epoch: str = "e1", oldest: int = 1, chain: tuple[tuple[str, int], ...] = ()
) -> Head:
    ends = tuple(EpochEnd(Epoch(name), last) for name, last in chain)
    return Head(Position(Epoch(epoch), seq), 0, oldest, ends)
