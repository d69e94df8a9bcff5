"""Where the samples of all tracks stand in the file: slot by slot, and track by track in a slot.

So a player that loads the file from its beginning has all that it needs for a moment at hand, and
need not jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recorder.mp4.moof import Bools, Ints
from recorder.mp4.timeline import INLINE, Placed


@dataclass(frozen=True, slots=True)
class Extents:
    """Bytes that follow each other in a file. One value an extent in each array."""

    source: Ints
    """The number of a chunk file, or INLINE."""
    offset: Ints
    """There."""
    size: Ints

    @property
    def total(self) -> int:
        """Bytes."""
        return int(self.size.sum())


@dataclass(frozen=True, slots=True)
class Prefix:
    """Inline bytes that stand in front of those samples of a track a decoder can start with."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Stretches:
    """The runs of a track's samples without others between them: chunks, in the words of
    ISO/IEC 14496-12. One value a stretch in each array."""

    offset: Ints
    """From the first byte of all samples."""
    samples: Ints
    """Count."""
    entry: Ints
    """Index of the sample entry."""


def interleave(
    tracks: Sequence[Placed], prefixes: Sequence[Sequence[Prefix]]
) -> tuple[Extents, list[Stretches]]:
    """The extents of all samples, and the stretches of each track.

    `prefixes`: for each track one for each of its sample entries; none of them: no prefix.
    """
    laid = [_lay(*each) for each in zip(tracks, prefixes, strict=True)]
    slot = np.concatenate([one.slot for one in laid])
    track = np.repeat(np.arange(len(laid)), [len(one.slot) for one in laid])
    order = np.lexsort((track, slot))
    size = np.concatenate([one.extents.size for one in laid])[order]
    place = np.empty(len(size), np.int64)
    place[order] = np.cumsum(size) - size
    extents = Extents(
        np.concatenate([one.extents.source for one in laid])[order],
        np.concatenate([one.extents.offset for one in laid])[order],
        size,
    )
    stretches: list[Stretches] = []
    at = 0
    for one in laid:
        offset = place[at : at + len(one.slot)][one.opens]
        stretches.append(Stretches(offset, one.counts, one.entries))
        at += len(one.slot)
    return extents, stretches


@dataclass(frozen=True, slots=True)
class _Laid:
    extents: Extents
    slot: Ints
    opens: Bools
    """Whether a stretch begins with the extent."""
    counts: Ints
    entries: Ints
    """Of each stretch."""


def _lay(track: Placed, prefixes: Sequence[Prefix]) -> _Laid:
    opens = np.ones(len(track), np.bool_)
    opens[1:] = (np.diff(track.slot) != 0) | (np.diff(track.entry) != 0)
    first = np.flatnonzero(opens)
    counts = np.diff(np.append(first, len(track)))
    begins = opens.copy()
    begins[1:] |= np.diff(track.source) != 0
    begins[1:] |= track.offset[1:] != track.offset[:-1] + track.size[:-1]
    if prefixes:
        begins |= track.sync
    at = np.flatnonzero(begins)
    source, offset = track.source[at], track.offset[at]
    size = np.add.reduceat(track.size, at) if len(at) else track.size
    slot, opening = track.slot[at], opens[at]
    if prefixes:
        before = np.flatnonzero(track.sync[at])
        kinds = track.entry[at][before]
        source = np.insert(source, before, INLINE)
        offset = np.insert(offset, before, np.array([one.offset for one in prefixes])[kinds])
        size = np.insert(size, before, np.array([one.size for one in prefixes])[kinds])
        slot = np.insert(slot, before, slot[before])
        moved = opening[before]
        opening[before] = False
        opening = np.insert(opening, before, moved)
    return _Laid(Extents(source, offset, size), slot, opening, counts, track.entry[first])
