"""The index survives what crashes and disks do to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import index
from recorder.disk import FULL
from recorder.index import IndexWriter, encode, parse, read
from recorder.records import Began, Mark, Part, Record, Stored
from tests.recorder.small_disk import small_disk
from tests.recorder.studio import BEGAN

RECORDS: list[Record] = [
    BEGAN,
    *(Part("source", 1, n // 2, n % 2, n * 45, 45, n * 100, 100, n, n % 2 == 0) for n in range(8)),
    Mark(5, "marker", 'a "quote",\na new line and an ü'),
]
LINES = [encode(record) for record in RECORDS]
DATA = b"".join(LINES)

texts = st.text(max_size=30)
records = st.one_of(
    st.builds(Stored, rendition=texts, number=st.integers(0, 2**40)),
    st.builds(Began, version=st.just(1), recording=texts, channel=texts, title=texts),
    st.builds(Mark, wall_ms=st.integers(0, 2**50), kind=st.just("title"), text=texts, by=texts),
)


def test_a_line_is_a_checksum_and_json() -> None:
    assert encode(Stored("source", 3)) == (
        b'9c21f9a5 {"k":"stored","rendition":"source","number":3}\n'
    )


@given(st.lists(records))
def test_records_are_read_as_they_were_written(written: list[Record]) -> None:
    found = parse(b"".join(map(encode, written)))
    assert found.records == written
    assert (found.torn, found.broken) == (0, [])


@given(st.integers(0, len(DATA)))
def test_a_file_that_ends_anywhere_has_all_lines_before(size: int) -> None:
    found = parse(DATA[:size])
    whole = DATA[:size].count(b"\n")
    assert found.records == RECORDS[:whole]
    assert found.size == sum(map(len, LINES[:whole]))
    assert (found.torn, found.broken) == (size - found.size, [])


@given(st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(0, 7)), min_size=1))
def test_wrong_bits_cost_the_lines_that_they_are_in_and_no_others(
    flips: list[tuple[int, int]],
) -> None:
    data = bytearray(DATA)
    for at, bit in flips:
        data[at] ^= 1 << bit
    found = parse(bytes(data))
    hit = {DATA.count(b"\n", 0, at) for at, _ in flips}
    # Without its newline, a line takes the next one with it.
    hit |= {line + 1 for line in hit}
    left = [record for n, record in enumerate(RECORDS) if n not in hit]
    assert [record for record in found.records if record in left] == left
    assert all(record in RECORDS for record in found.records), "nothing is made up"


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(data: bytes) -> None:
    found = parse(data)
    assert found.size + found.torn == len(data)
    assert parse(DATA + data).records[: len(RECORDS)] == RECORDS


def test_a_broken_line_in_the_middle_is_told_and_passed_over() -> None:
    lines = list(LINES)
    lines[3] = lines[3].replace(b'"s":1', b'"s":2')
    found = parse(b"".join(lines))
    assert found.records == RECORDS[:3] + RECORDS[4:]
    assert (found.broken, found.torn) == ([4], 0)


def test_a_record_of_an_unknown_kind_is_a_broken_line() -> None:
    unknown = b'dfd3fd9f {"k":"what"}\n'
    assert parse(LINES[0] + unknown + LINES[1]).broken == [2]


def test_broken_lines_at_the_end_are_a_torn_tail() -> None:
    data = DATA + b"0" * 40 + b"\n" + b"half a li"
    assert parse(data).torn == len(data) - len(DATA)


def test_a_writer_goes_on_behind_the_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / index.FILE
    path.write_bytes(DATA + LINES[1][:-5])
    with IndexWriter(path) as writer:
        assert writer.records == RECORDS
        assert (writer.torn, writer.broken) == (len(LINES[1]) - 5, [])
        writer.append([Stored("source", 1)])
        writer.append([Stored("source", 2), Stored("source", 3)])
    assert read(path).records == [*RECORDS, *(Stored("source", n) for n in (1, 2, 3))]


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    with IndexWriter(tmp_path / index.FILE):
        assert (tmp_path / index.FILE).stat().st_mode & 0o777 == 0o600


def test_two_writers_are_not_let_in(tmp_path: Path) -> None:
    path = tmp_path / index.FILE
    with IndexWriter(path), pytest.raises(BlockingIOError):
        IndexWriter(path)
    with IndexWriter(path):
        pass


def test_a_writer_of_another_process_is_not_let_in(tmp_path: Path) -> None:
    path = tmp_path / index.FILE
    source = (
        "import sys; from pathlib import Path; from recorder.index import IndexWriter\n"
        "IndexWriter(Path(sys.argv[1]))"
    )
    with IndexWriter(path):
        done = subprocess.run([sys.executable, "-c", source, path], capture_output=True, text=True)
    assert "BlockingIOError" in done.stderr


def test_a_writer_takes_the_file_that_stands_there_now(tmp_path: Path) -> None:
    """A repair puts a new file in the place of the old one. Who waits at the old one's door must
    not write into it."""
    path = tmp_path / index.FILE
    path.write_bytes(LINES[0])
    with IndexWriter(path):
        (tmp_path / "new").write_bytes(DATA)
        (tmp_path / "new").replace(path)
    with IndexWriter(path) as writer:
        assert writer.records == RECORDS


def test_what_does_not_fit_on_the_disk_is_not_half_there(tmp_path: Path) -> None:
    with small_disk(tmp_path, 64 << 10) as mount:
        path = mount / index.FILE
        with IndexWriter(path) as writer:
            writer.append(RECORDS)
            with pytest.raises(OSError) as caught:  # noqa: PT011
                writer.append([Mark(1, "title", "x" * 1_000)] * 100)
            assert caught.value.errno in FULL
            assert path.read_bytes() == DATA
            writer.append([Stored("source", 1)])
        assert read(path).records == [*RECORDS, Stored("source", 1)]
