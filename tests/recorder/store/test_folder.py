"""What a restart finds: recordings of which the store lacks something."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder import index
from recorder.index import FILE, IndexWriter
from recorder.records import Began, Stored
from recorder.store.folder import (
    NOTE,
    index_bytes,
    is_noted,
    note_stored,
    record_stored,
    unfinished,
)
from tests.recorder.store.growing import ID, Growing


def test_nothing_there(tmp_path: Path) -> None:
    assert unfinished(tmp_path / "none") == []
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "file-by-chance").touch()
    assert unfinished(tmp_path) == []


def test_chunks_that_wait(tmp_path: Path) -> None:
    growing = Growing(tmp_path)
    chunks = [growing.seal(100), growing.seal(200), growing.seal(300)]
    growing.stored("source", 2)
    (found,) = unfinished(tmp_path)
    assert (found.recording, found.folder, found.closed) == (ID, tmp_path / ID, False)
    assert found.waiting == (chunks[0], chunks[2])
    growing.close()
    assert unfinished(tmp_path)[0].closed


def test_only_the_index_waits(tmp_path: Path) -> None:
    growing = Growing(tmp_path)
    growing.seal(100)
    growing.stored("source", 1)
    assert unfinished(tmp_path) == [], "it grows, and all that is sealed is there"
    growing.close()
    (found,) = unfinished(tmp_path)
    assert found.waiting == ()
    note_stored(growing.folder, len(index_bytes(growing.folder)), "00")
    assert unfinished(tmp_path) == []


def test_what_came_after_the_note_counts(tmp_path: Path) -> None:
    growing = Growing(tmp_path)
    growing.close()
    note_stored(growing.folder, len(index_bytes(growing.folder)), "00")
    assert is_noted(growing.folder)
    again = Growing(tmp_path)
    again.session()
    again.seal(100)
    again.close()
    assert not is_noted(growing.folder)
    assert len(unfinished(tmp_path)) == 1


def test_a_note_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    growing = Growing(tmp_path)
    growing.close()
    (growing.folder / NOTE).write_bytes(b"\0\xff")
    assert len(unfinished(tmp_path)) == 1


def test_a_recording_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    Growing(tmp_path).close()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / FILE).write_bytes(b"00000000 {}\n")
    (tmp_path / "later").mkdir()
    with IndexWriter(tmp_path / "later" / FILE) as writer:
        writer.append([Began(99, "later", "kim", "", 1)])
    assert [one.recording for one in unfinished(tmp_path)] == [ID]


def test_half_a_line_is_not_part_of_the_index(tmp_path: Path) -> None:
    growing = Growing(tmp_path)
    whole = index_bytes(growing.folder)
    with (growing.folder / FILE).open("ab") as file:
        file.write(b"0123abcd {half")
    assert index_bytes(growing.folder) == whole


def test_what_is_stored_is_recorded_once(tmp_path: Path) -> None:
    growing = Growing(tmp_path)
    growing.seal(100)
    growing.seal(200, "720p")
    growing.close()
    for _ in range(2):
        record_stored(growing.folder, [("source", 1), ("720p", 2), ("source", 9)])
    records = index.read(growing.folder / FILE).records
    assert [one for one in records if isinstance(one, Stored)] == [
        Stored("720p", 2),
        Stored("source", 1),
    ]
    assert growing.read().closed is not None


def test_two_do_not_write_at_once(tmp_path: Path) -> None:
    growing = Growing(tmp_path)
    growing.seal(100)
    with pytest.raises(BlockingIOError):
        record_stored(growing.folder, [("source", 1)])
