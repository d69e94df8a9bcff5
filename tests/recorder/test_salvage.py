"""A chunk tells what it holds, whatever happened to some of its bytes."""

from __future__ import annotations

import os
from binascii import crc32
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.note import PART_NOTE, PartNote, write_part_note
from recorder.records import Part
from recorder.salvage import (
    RENDITION,
    chunk_files,
    digest,
    is_whole,
    opened,
    parts_in,
    read_head,
)
from tests.recorder.chunk import CHUNK, DATA, KEY, PARTS, SESSION, flipped
from tests.recorder.studio import BEGAN


def found(path: Path, data: bytes, begin: int = 0) -> list[Part]:
    """Whole parts."""
    path.write_bytes(data)
    with opened(path) as file:
        parts = list(parts_in(file, KEY, begin, len(data)))
        return [part for part in parts if is_whole(file, part)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / KEY.file


def test_all_parts_are_found_as_the_index_has_them(path: Path) -> None:
    assert found(path, DATA) == PARTS
    assert found(path, DATA, PARTS[2].o) == PARTS[2:]


def test_the_head_tells_the_recording_the_session_and_the_chunk(path: Path) -> None:
    path.write_bytes(DATA)
    with opened(path) as file:
        head = read_head(file)
    assert head is not None
    assert head.chunk == CHUNK
    assert (head.note.began, head.note.session) == (BEGAN, SESSION)
    assert head.size == PARTS[0].o


def test_a_damaged_init_segment_leaves_the_note(path: Path) -> None:
    path.write_bytes(flipped(DATA, 100))
    with opened(path) as file:
        head = read_head(file)
    assert head is not None
    assert (head.init, head.chunk) == (None, None)
    assert head.note.with_init(CHUNK.init) == CHUNK


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, DATA[:200], flipped(DATA, len(CHUNK.init) + 30)]
)
def test_a_damaged_note_tells_nothing(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with opened(path) as file:
        assert read_head(file) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(0, len(DATA)))
def test_of_a_file_that_ends_anywhere_all_whole_parts_are_found(path: Path, size: int) -> None:
    assert found(path, DATA[:size]) == [part for part in PARTS if part.o + part.n <= size]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, len(DATA) - 1), min_size=1, max_size=4))
def test_wrong_bits_cost_the_parts_that_they_are_in_and_no_others(
    path: Path, places: list[int]
) -> None:
    hit = [part for part in PARTS if any(part.o <= at < part.o + part.n for at in set(places))]
    changed = flipped(DATA, *set(places))
    assert found(path, changed) == [part for part in PARTS if part not in hit]


@pytest.mark.parametrize("hole", [1, 7, 8, 100, 5_000, 3 << 20])
def test_parts_behind_a_hole_of_zeros_are_found(path: Path, hole: int) -> None:
    """As a disk without power leaves a file: longer, and not yet filled."""
    at = PARTS[2].o
    data = DATA[: at + 50] + bytes(hole) + DATA[PARTS[3].o :]
    moved = [part.o - PARTS[3].o + at + 50 + hole for part in PARTS[3:]]
    there = found(path, data)
    assert there[:2] == PARTS[:2]
    assert [part.o for part in there[2:]] == moved


def test_a_box_size_that_leads_too_far_hides_nothing(path: Path) -> None:
    """The first part says that it is as large as three."""
    far = PARTS[0].n + PARTS[1].n + PARTS[2].n
    changed = DATA[: PARTS[0].o] + far.to_bytes(4, "big") + DATA[PARTS[0].o + 4 :]
    assert found(path, changed) == PARTS[1:]


def test_a_note_inside_of_a_picture_is_none(path: Path) -> None:
    """A streamer may send any bytes."""
    inner = b"inner"
    fake = inner + write_part_note(PartNote(9, 9, 9, 9, len(inner), crc32(inner), True, False))
    mdat = (8 + len(fake)).to_bytes(4, "big") + b"mdat" + fake
    note = PartNote(1, 0, 0, 45_000, len(mdat), crc32(mdat), True, False)
    assert [part.s for part in found(path, mdat + write_part_note(note))] == [1]


def test_a_note_across_two_blocks_is_found(path: Path) -> None:
    block = 1 << 20
    for shift in range(4, PART_NOTE, 5):
        data = bytes(block - shift)
        note = PartNote(1, 0, 0, 45_000, len(data), crc32(data), True, False)
        assert [part.s for part in found(path, data + write_part_note(note))] == [1]


def test_a_digest_is_of_so_many_bytes(path: Path) -> None:
    path.write_bytes(DATA)
    with opened(path) as file:
        assert digest(file, 1_000) == sha256(DATA[:1_000]).hexdigest()
        assert digest(file, len(DATA)) == sha256(DATA).hexdigest()


def test_chunks_of_a_folder_are_in_order(tmp_path: Path) -> None:
    names = ["source-000010.mp4", "source-000002.mp4", "720p-1000000.mp4", "a-b-000001.mp4"]
    others = [
        "index.log",
        "source-1.mp4",
        "Source-000001.mp4",
        "source-000001.mp4.damaged",
        "x.mp4",
    ]
    for name in [*names, *others]:
        (tmp_path / name).touch()
    assert [key.file for key in chunk_files(tmp_path)] == [
        "720p-1000000.mp4",
        "a-b-000001.mp4",
        "source-000002.mp4",
        "source-000010.mp4",
    ]


def test_names_of_renditions() -> None:
    assert all(RENDITION.fullmatch(name) for name in ("source", "720p", "audio", "a_b-c"))
    assert not any(RENDITION.fullmatch(name) for name in ("", "-a", "A", "a/b", ".", "a" * 33))


def test_a_file_is_closed_in_the_end(path: Path) -> None:
    path.write_bytes(b"x")
    with opened(path) as file:
        assert os.pread(file, 1, 0) == b"x"
    with pytest.raises(OSError, match="Bad file"):
        os.pread(file, 1, 0)
