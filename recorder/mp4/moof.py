"""The heads of parts: where their samples are, and when.

A head becomes a Run as it is read; many runs are understood at once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recorder.mp4.boxes import HEAD, U32, U64, Box, MalformedMedia, boxes
from recorder.records import Part

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Read = Callable[[int, int], bytes]
"""(offset, size) in a chunk: exactly these bytes."""

_MOST_SAMPLES: Final = 20_000
"""Of a part. Real ones have a few dozen."""
_DURATION, _SIZE, _FLAGS, _COMPOSITION = 0x100, 0x200, 0x400, 0x800
"""What a trun tells of each sample."""
_PAIR: Final = struct.Struct(">II")
_NO_SYNC: Final = 0x0001_0000
_USUAL: Final = struct.Struct(">I4sI4sIII4sI4sIIIII4sIQI4sIIi")
_USUAL_KINDS: Final = (b"moof", b"mfhd", b"traf", b"tfhd", b"tfdt", b"trun", b"mdat")
_USUAL_TFHD: Final = 0x02_0028
"""Offsets count from the moof; duration and flags of samples have defaults."""


@dataclass(frozen=True, slots=True)
class Samples:
    """In decoding order, which is the order of showing. One value a sample in each array."""

    offset: Ints
    """In the chunk."""
    size: Ints
    time: Ints
    """Ticks since the session's origin."""
    duration: Ints
    sync: Bools
    """A decoder can start here."""


class Run(NamedTuple):
    """The samples of one part."""

    length: int
    """Count of samples; at least one."""
    tells: int
    """What its table says of each sample: the flags of the trun."""
    table: bytes
    duration: int
    size: int
    flags: int
    """Of those samples of which the table does not tell."""
    first_flags: int
    """Of the first sample; -1 where it is like the others."""
    time: int
    """Of the first sample."""
    latest: int
    """No sample of it can begin later."""
    offset: int
    """Of the first sample, in the chunk."""
    end: int
    """Of its mdat, in the chunk."""


def read_run(data: bytes, start: int, part: Part, timescale: int, read: Read) -> Run:
    """The run of the part that begins at `start` of `data`. What of its head is not in `data` is
    read. Raises MalformedMedia."""
    found = _read_usual(data, start, part, timescale)
    if found is not None:
        return found
    try:
        return _Head(data, start, part, timescale, read).run()
    except struct.error as error:
        raise MalformedMedia("a box ends too soon") from error


def _read_usual(data: bytes, start: int, part: Part, timescale: int) -> Run | None:
    """Of a head with just those boxes that the bridge writes, which is quick. None: it is another
    one, or wrong in some way."""
    at = start
    try:
        for kind in (b"styp", b"prft"):
            if data[at + 4 : at + 8] == kind:
                at += int(U32.unpack_from(data, at)[0])
        # fmt: off
        (
            moof, moof_kind, mfhd, mfhd_kind, _, _, traf, traf_kind, tfhd, tfhd_kind, says, _,
            duration, flags, tfdt, tfdt_kind, version, time, trun, trun_kind, tells, count, offset,
        ) = _USUAL.unpack_from(data, at)
        # fmt: on
        mdat, mdat_kind = HEAD.unpack_from(data, at + moof)
        (first_flags,) = U32.unpack_from(data, at + _USUAL.size) if tells & 4 else (-1,)
    except struct.error:
        return None
    table, end = at + _USUAL.size + (tells & 4), at + moof
    fields = tells & (_DURATION | _SIZE | _FLAGS | _COMPOSITION)
    slack = part.d + timescale
    if (
        (moof_kind, mfhd_kind, traf_kind, tfhd_kind, tfdt_kind, trun_kind, mdat_kind)
        != _USUAL_KINDS
        or (mfhd, traf, tfhd, tfdt, trun) != (16, moof - 24, 24, 20, moof - 76)
        or (says, version, tells & 1) != (_USUAL_TFHD, 0x0100_0000, 1)
        or not 0 < count <= _MOST_SAMPLES
        or end - table != 4 * count * fields.bit_count()
        or abs(time - part.t) > slack
        or not moof + HEAD.size <= offset <= moof + mdat
        or end + mdat > start + part.n
    ):
        return None
    origin = part.o + at - start
    return Run(
        count,
        fields,
        data[table:end],
        duration,
        0,
        flags,
        first_flags,
        time,
        part.t + slack,
        origin + offset,
        origin + moof + mdat,
    )


def samples(runs: Sequence[Run]) -> Samples:
    """The samples of runs. Raises MalformedMedia where they are not within their parts."""
    count = _ints(run.length for run in runs)
    begin = np.cumsum(count) - count
    duration = np.repeat(_ints(run.duration for run in runs), count)
    size = np.repeat(_ints(run.size for run in runs), count)
    flags = np.repeat(_ints(run.flags for run in runs), count)
    _read_tables(runs, begin, count, {_DURATION: duration, _SIZE: size, _FLAGS: flags})
    first_flags = _ints(run.first_flags for run in runs)
    special = first_flags >= 0
    flags[begin[special]] = first_flags[special]
    offset = _sums(size, begin, count) + np.repeat(_ints(run.offset for run in runs), count)
    if (offset + size > np.repeat(_ints(run.end for run in runs), count)).any():
        raise MalformedMedia("samples are larger than the part that holds them")
    time = _sums(duration, begin, count) + np.repeat(_ints(run.time for run in runs), count)
    if (time > np.repeat(_ints(run.latest for run in runs), count)).any():
        raise MalformedMedia("samples last longer than the part that holds them")
    return Samples(offset, size, time, duration, (flags & _NO_SYNC) == 0)


def _read_tables(runs: Sequence[Run], begin: Ints, count: Ints, fields: dict[int, Ints]) -> None:
    """All tables of one kind at once; there are seldom more than two kinds."""
    tells = _ints(run.tells for run in runs)
    for kind in {run.tells for run in runs} - {0}:
        chosen = np.flatnonzero(tells == kind)
        joined = b"".join([runs[run].table for run in chosen.tolist()])
        rows = np.frombuffer(joined, ">u4").astype(np.int64).reshape(-1, kind.bit_count())
        counts = count[chosen]
        place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        place += np.repeat(begin[chosen], counts)
        told = [bit for bit in (_DURATION, _SIZE, _FLAGS, _COMPOSITION) if kind & bit]
        for column, bit in enumerate(told):
            if bit in fields:
                fields[bit][place] = rows[:, column]
            elif rows[:, column].any():
                raise MalformedMedia("pictures are not in the order of showing")


def _sums(values: Ints, begin: Ints, count: Ints) -> Ints:
    """The sum of what stands before each value in its run. No run is empty."""
    before = np.cumsum(values) - values
    return before - np.repeat(before[begin], count)


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


class _Head:
    def __init__(self, data: bytes, start: int, part: Part, timescale: int, read: Read) -> None:
        self._data = data
        self._start = start
        self._part = part
        self._read = read
        self._slack = part.d + timescale
        """Ticks by which a sample may be beside its part's stretch. More is a broken time."""

    def run(self) -> Run:
        """Raises MalformedMedia and struct.error."""
        part = self._part
        at = size = 0
        moof: tuple[int, int] | None = None
        while at < part.n:
            self._need(at + HEAD.size)
            size, kind = HEAD.unpack_from(self._data, self._start + at)
            if not HEAD.size <= size <= part.n - at:
                raise MalformedMedia(f"a box says that it has {size} bytes, of {part.n - at}")
            if kind == b"mdat":
                break
            if kind == b"moof":
                if moof is not None:
                    raise MalformedMedia("it has two moofs")
                moof = at, at + size
                self._need(moof[1])
            at += size
        if moof is None or at >= part.n:
            raise MalformedMedia("it is no moof with an mdat")
        begin, end = self._start + moof[0], self._start + moof[1]
        inside = boxes(self._data, begin + HEAD.size, end)
        tracks = [each for each in inside if each.kind == b"traf"]
        if len(tracks) != 1:
            raise MalformedMedia(f"it has {len(tracks)} tracks")
        return self._track(tracks[0], part.o + moof[0], part.o + at + HEAD.size, part.o + at + size)

    def _need(self, end: int) -> None:
        """More of the part's bytes, if they were not read yet."""
        if self._start + end > len(self._data):
            if end > self._part.n:
                raise MalformedMedia("it is cut off")
            more = min(self._part.n, max(end, 2 * len(self._data)))
            self._data, self._start = self._read(self._part.o, more), 0

    def _track(self, track: Box, origin: int, mdat: int, mdat_end: int) -> Run:
        data, part = self._data, self._part
        defaults = {0x8: 0, 0x10: 0, 0x20: 0}
        time: int | None = None
        table: Box | None = None
        for each in boxes(data, track.start, track.end):
            if each.kind == b"tfhd":
                _read_defaults(data, each.start, defaults)
            elif each.kind == b"tfdt":
                wide = data[each.start : each.start + 1] == b"\1"
                (time,) = (U64 if wide else U32).unpack_from(data, each.start + 4)
            elif each.kind == b"trun":
                if table is not None:
                    raise MalformedMedia("it has two runs of samples")
                table = each
        if table is None or time is None:
            raise MalformedMedia("it has no samples, or no time")
        if abs(time - part.t) > self._slack:
            raise MalformedMedia(f"its time is {time}, not about {part.t}")
        says, count = _PAIR.unpack_from(data, table.start)
        at = table.start + 8
        offset, first_flags = mdat, -1
        if says & 1:
            offset = origin + int.from_bytes(data[at : at + 4], "big", signed=True)
            at += 4
        if says & 4:
            (first_flags,) = U32.unpack_from(data, at)
            at += 4
        tells = says & (_DURATION | _SIZE | _FLAGS | _COMPOSITION)
        if not 0 < count <= _MOST_SAMPLES or table.end - at != 4 * count * tells.bit_count():
            raise MalformedMedia(f"a table of {count} samples has {table.end - at} bytes")
        if not mdat <= offset <= mdat_end:
            raise MalformedMedia("its samples are outside of it")
        return Run(
            count,
            tells,
            data[at : table.end],
            defaults[0x8],
            defaults[0x10],
            defaults[0x20],
            first_flags,
            time,
            part.t + self._slack,
            offset,
            mdat_end,
        )


def _read_defaults(data: bytes, at: int, defaults: dict[int, int]) -> None:
    """Duration, size and flags of a tfhd, where it tells them."""
    (says,) = U32.unpack_from(data, at)
    if says & 1:
        raise MalformedMedia("its offsets do not count from the moof")
    at += 8 + 4 * bool(says & 2)
    for bit in defaults:
        if says & bit:
            (defaults[bit],) = U32.unpack_from(data, at)
            at += 4
