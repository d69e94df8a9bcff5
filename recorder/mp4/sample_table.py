"""The sample table (stbl): what a file knows of each sample of a track."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

import numpy as np

from recorder.mp4.boxes import U32, box, full
from recorder.mp4.interleave import Stretches
from recorder.mp4.moof import Bools, Ints


class SampleTable:
    """Of one track. One value a sample in each array."""

    def __init__(
        self,
        entries: Sequence[bytes],
        durations: Ints,
        sizes: Ints,
        sync: Bools,
        stretches: Stretches,
        rolls: bool = False,
    ) -> None:
        """`entries`: the sample entries. `rolls`: a decoder has to be given the sample before,
        too, to get one right."""
        self.length = int(durations.sum())
        """Ticks of the track."""
        tables = [
            full(b"stsd", U32.pack(len(entries)), *entries),
            _table(b"stts", *_equal_runs(durations)),
        ]
        if not sync.all():
            tables.append(_table(b"stss", np.flatnonzero(sync) + 1))
        tables += (_stretches(stretches), _sizes(sizes))
        if rolls:
            tables += (
                full(b"sgpd", b"roll" + Struct(">IIh").pack(2, 1, -1), version=1),
                full(b"sbgp", b"roll" + Struct(">III").pack(1, len(sizes), 1)),
            )
        self._steady = b"".join(tables)
        self._offset = stretches.offset

    def write(self, shift: int, wide: bool) -> bytes:
        """The box. `shift`: where the first byte of all samples is in the file. `wide`: offsets
        have 64 bits."""
        count = U32.pack(len(self._offset))
        offsets = self._offset + shift
        if wide:
            places = full(b"co64", count, offsets.astype(">u8").tobytes())
        else:
            places = full(b"stco", count, offsets.astype(">u4").tobytes())
        return box(b"stbl", self._steady, places)


def _stretches(stretches: Stretches) -> bytes:
    new = np.ones(len(stretches.samples), np.bool_)
    new[1:] = (np.diff(stretches.samples) != 0) | (np.diff(stretches.entry) != 0)
    at = np.flatnonzero(new)
    return _table(b"stsc", at + 1, stretches.samples[at], stretches.entry[at] + 1)


def _sizes(sizes: Ints) -> bytes:
    return full(b"stsz", bytes(4), U32.pack(len(sizes)), sizes.astype(">u4").tobytes())


def _table(kind: bytes, *columns: Ints) -> bytes:
    rows = np.stack(columns, axis=1).astype(">u4")
    return full(kind, U32.pack(len(rows)), rows.tobytes())


def _equal_runs(values: Ints) -> tuple[Ints, Ints]:
    """Runs of the same value: count and value."""
    new = np.ones(len(values), np.bool_)
    new[1:] = np.diff(values) != 0
    at = np.flatnonzero(new)
    return np.diff(np.append(at, len(values))), values[at]
