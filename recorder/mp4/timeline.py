"""The samples of a rendition on the replay's timeline.

The time of a sample is counted from its period's first moment, by the session's own ticks. So
sound and picture keep their distance in each period, and nothing adds up over many of them: both
are rounded to half a tick once a period.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from recorder.media import Media
from recorder.mp4.entry import SampleEntry, read_entry
from recorder.mp4.fragments import prefetch, read_samples
from recorder.mp4.moof import Bools, Ints
from recorder.records import chunk_name
from recorder.replay import Line, Piece, Replay

INLINE: Final = -1
"""A source: bytes that stand in no chunk, but are made for the file."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Samples of one track, in order. One value a sample in each array."""

    source: Ints
    """The number of a chunk file, or INLINE."""
    offset: Ints
    """There."""
    size: Ints
    time: Ints
    """VOD time in ticks of the track."""
    slot: Ints
    """Index of the replay's slot: what is in one slot stands together in the file."""
    sync: Bools
    entry: Ints
    """Index of the sample entry."""

    def __len__(self) -> int:
        return len(self.time)

    def take(self, chosen: slice | Ints | Bools) -> Placed:
        """Some of them."""
        return Placed(
            self.source[chosen],
            self.offset[chosen],
            self.size[chosen],
            self.time[chosen],
            self.slot[chosen],
            self.sync[chosen],
            self.entry[chosen],
        )

    def timed(self, time: Ints) -> Placed:
        """The same ones at other times."""
        return Placed(self.source, self.offset, self.size, time, self.slot, self.sync, self.entry)

    @classmethod
    def join(cls, several: Sequence[Placed]) -> Placed:
        return cls(
            np.concatenate([one.source for one in several]),
            np.concatenate([one.offset for one in several]),
            np.concatenate([one.size for one in several]),
            np.concatenate([one.time for one in several]),
            np.concatenate([one.slot for one in several]),
            np.concatenate([one.sync for one in several]),
            np.concatenate([one.entry for one in several]),
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of one rendition in some slots."""

    timescale: int
    """Ticks a second, of all its times."""
    entries: tuple[SampleEntry, ...]
    """Those that differ, in the order in which they come."""
    samples: Placed
    begin: Ints
    """Of each sample: where its period begins, in ticks."""
    end: Ints
    """Where its period ends."""
    spans: tuple[int, ...]
    """By entry: how long a sample usually is, in ticks."""


class Sources:
    """The chunk files that a track's samples are in, numbered."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]


def read_line(
    replay: Replay, media: Media, name: str, slots: range, sources: Sources
) -> Recorded | None:
    """The samples of a rendition. None where there are none.

    Raises MediaMissing and MalformedMedia.
    """
    line = replay.lines[name]
    groups = groupby(_pieces(replay, name, slots), key=lambda one: one[1].chunk)
    chunks = [(chunk, list(group)) for chunk, group in groups]
    for chunk, there in chunks:
        prefetch(media, chunk_name(name, chunk), [piece for _, piece in there])
    entries = _Entries(line)
    found: list[Placed] = []
    begins: list[Ints] = []
    ends: list[Ints] = []
    usual: dict[int, list[Ints]] = {}
    for chunk, there in chunks:
        entry = entries.number(chunk)
        to, of = entries.all[0].timescale, entries.all[entry].timescale
        file = chunk_name(name, chunk)
        samples, counts = read_samples(media, file, [piece for _, piece in there], of)
        periods = [replay.periods[replay.slots[slot].period] for slot, _ in there]
        base = [to_ticks(one.stream_us - one.origin_us - one.at_us, of) for one in periods]
        begin = [to_ticks(one.at_us, to) for one in periods]
        end = [to_ticks(one.at_us + one.duration_us, to) for one in periods]
        total = len(samples.time)
        found.append(
            Placed(
                np.full(total, sources.number(file), np.int64),
                samples.offset,
                samples.size,
                _scaled(samples.time - np.repeat(base, counts), to, of),
                np.repeat([slot for slot, _ in there], counts),
                samples.sync,
                np.full(total, entry, np.int64),
            )
        )
        begins.append(np.repeat(begin, counts))
        ends.append(np.repeat(end, counts))
        usual.setdefault(entry, []).append(_scaled(samples.duration, to, of))
    if not found:
        return None
    return Recorded(
        entries.all[0].timescale,
        tuple(entries.all),
        Placed.join(found),
        np.concatenate(begins),
        np.concatenate(ends),
        tuple(max(1, int(np.median(np.concatenate(usual[each])))) for each in sorted(usual)),
    )


def rising(time: Ints) -> Ints:
    """The same times, each at least a tick after the one before."""
    count = np.arange(len(time))
    return np.maximum.accumulate(time - count) + count


def to_ticks(us: int, timescale: int) -> int:
    """Microseconds in ticks, rounded."""
    return (us * timescale + 500_000) // 1_000_000


def _pieces(replay: Replay, name: str, slots: range) -> Iterator[tuple[int, Piece]]:
    for slot in slots:
        for piece in replay.slots[slot].all_pieces(name):
            yield slot, piece


class _Entries:
    """The sample entries of a rendition's chunks, each kind once."""

    def __init__(self, line: Line) -> None:
        self.all: list[SampleEntry] = []
        self._line = line
        self._numbers: dict[int, int] = {}
        """By the first chunk with the same init segment."""

    def number(self, chunk: int) -> int:
        """Index of the one of a chunk. Raises MalformedMedia."""
        first = self._line.inits[chunk]
        if first not in self._numbers:
            entry = read_entry(self._line.chunks[first].init)
            if entry not in self.all:
                self.all.append(entry)
            self._numbers[first] = self.all.index(entry)
        return self._numbers[first]


def _scaled(values: Ints, to: int, of: int) -> Ints:
    """Ticks of another timescale, rounded."""
    if to == of:
        return values
    scaled: Ints = (values * to + of // 2) // of
    return scaled
