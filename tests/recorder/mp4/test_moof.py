"""Heads of parts, real ones and all that can be wrong with them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest

from bridge import fmp4
from bridge.track import Sample
from recorder.mp4.boxes import MalformedMedia, box, full
from recorder.mp4.moof import Run, read_run, samples
from recorder.records import Part

SCALE = 90_000


@dataclass
class Chunk:
    """A part at byte 100 of a chunk."""

    data: bytes
    reads: int = 0

    @property
    def part(self) -> Part:
        return Part("source", 1, 1, 0, 9_000, 3_000, 100, len(self.data), 0)

    def read(self, offset: int, size: int) -> bytes:
        self.reads += 1
        assert offset == 100
        assert size <= len(self.data)
        return self.data[:size]

    def run(self, known: int = 4_096) -> Run:
        return read_run(b"xyz" + self.data[:known], 3, self.part, SCALE, self.read)


def part(*taken: Sample) -> Chunk:
    last = taken[-1].duration
    return Chunk(fmp4.part(taken, sequence=1, last_duration=last, wall_ms=0))


def moof(trun: bytes, tfhd: bytes = struct.pack(">I", 1), time: int = 9_000) -> bytes:
    track = box(
        b"traf",
        full(b"tfhd", tfhd, flags=0x02_0000),
        full(b"tfdt", struct.pack(">I", time)),
        trun,
    )
    return box(b"moof", full(b"mfhd", bytes(4)), track)


def trun(*entries: int, count: int, tells: int = 0x200, offset: int | None = None) -> bytes:
    place = b"" if offset is None else struct.pack(">i", offset)
    flags = tells | (1 if offset is not None else 0)
    table = struct.pack(f">{len(entries)}I", *entries)
    return full(b"trun", struct.pack(">I", count) + place + table, flags=flags)


def test_a_part_of_the_bridge_is_read() -> None:
    chunk = part(
        Sample(9_000, 3_000, True, b"key"),
        Sample(12_000, 2_990, False, b"picture"),
        Sample(14_990, 3_010, False, b"p"),
    )
    found = samples([chunk.run()])
    assert found.time.tolist() == [9_000, 12_000, 14_990]
    assert found.duration.tolist() == [3_000, 2_990, 3_010]
    assert found.sync.tolist() == [True, False, False]
    assert found.size.tolist() == [3, 7, 1]
    at = found.offset.tolist()
    assert [chunk.data[a - 100 : a - 100 + n] for a, n in zip(at, (3, 7, 1), strict=True)] == [
        b"key",
        b"picture",
        b"p",
    ]


def test_parts_of_all_kinds_are_understood_together() -> None:
    chunks = [
        part(Sample(9_000, 3_000, True, b"a"), Sample(12_000, 3_000, False, b"bb")),
        part(Sample(9_000, 1_024, True, b"ccc"), Sample(10_024, 1_024, True, b"d")),
        part(Sample(9_000, 3_000, False, b"e"), Sample(12_000, 2_000, True, b"f")),
        part(Sample(9_000, 3_000, True, b"g")),
    ]
    found = samples([chunk.run() for chunk in chunks])
    assert found.size.tolist() == [1, 2, 3, 1, 1, 1, 1]
    assert found.duration.tolist() == [3_000, 3_000, 1_024, 1_024, 3_000, 2_000, 3_000]
    assert found.sync.tolist() == [True, False, True, True, False, True, True]
    assert found.time.tolist() == [9_000, 12_000, 9_000, 10_024, 9_000, 12_000, 9_000]


def test_what_of_a_head_is_not_there_is_read() -> None:
    chunk = part(*[Sample(9_000 + n, 1, n == 0, b"x") for n in range(1_500)])
    assert samples([chunk.run(known=40)]).size.tolist() == [1] * 1_500
    assert 0 < chunk.reads < 12


def test_a_part_full_of_tiny_boxes_is_read_a_few_times_only() -> None:
    chunk = Chunk(box(b"free") * 20_000)
    with pytest.raises(MalformedMedia, match="no moof"):
        chunk.run()
    assert chunk.reads < 12


MDAT = box(b"mdat", b"0123456789")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (MDAT, "no moof"),
        (moof(trun(10, count=1)), "no moof with an mdat"),
        (moof(trun(10, count=1)) * 2 + MDAT, "two moofs"),
        (box(b"moof") + MDAT, "0 tracks"),
        (moof(trun(10, count=1) * 2) + MDAT, "two runs"),
        (moof(b"") + MDAT, "no samples"),
        (moof(trun(count=0)) + MDAT, "table of 0 samples"),
        (moof(trun(10, count=2)) + MDAT, "table of 2 samples has 4 bytes"),
        (moof(trun(count=2**32 - 1, tells=0)) + MDAT, "table of 4294967295"),
        (moof(trun(10, count=1, offset=5)) + MDAT, "outside"),
        (moof(trun(10, count=1, offset=-500)) + MDAT, "outside"),
        (moof(trun(10, count=1, offset=1 << 30)) + MDAT, "outside"),
        (moof(trun(10, count=1), time=1 << 31) + MDAT, "time is 2147483648"),
        (moof(trun(10, count=1))[:-4] + MDAT, "bytes"),
        (b"\0\0\0\0mdat" + bytes(20), "0 bytes"),
        (MDAT[:6], "cut off"),
        (
            box(b"moof", box(b"traf", full(b"tfhd", bytes(12), flags=1), trun(10, count=1))) + MDAT,
            "count from the moof",
        ),
        (box(b"moof", box(b"traf", trun(10, count=1))) + MDAT, "no time"),
        (moof(box(b"trun")) + MDAT, "a table of"),
    ],
)
def test_what_is_wrong_with_a_part_is_said(data: bytes, words: str) -> None:
    with pytest.raises(MalformedMedia, match=words):
        Chunk(data).run()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (trun(11, count=1), "larger"),
        (trun(5, 6, count=2), "larger"),
        (trun(2**32 - 1, 2**32 - 1, count=2), "larger"),
        (trun(2**31, 1, 1, 1, count=2, tells=0x300), "last longer"),
        (trun(1, 3_000, 1, 0, count=2, tells=0xA00), "order of showing"),
    ],
)
def test_samples_that_cannot_be_are_said(table: bytes, words: str) -> None:
    run = Chunk(moof(table) + MDAT).run()
    with pytest.raises(MalformedMedia, match=words):
        samples([run])


def test_samples_begin_where_the_mdat_does_unless_the_head_says_otherwise() -> None:
    chunk = Chunk(moof(trun(10, count=1)) + MDAT)
    assert samples([chunk.run()]).offset.tolist() == [100 + len(chunk.data) - 10]


def test_no_parts_have_no_samples() -> None:
    assert len(samples([]).time) == 0
