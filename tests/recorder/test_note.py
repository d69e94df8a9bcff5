"""Chunks and parts say of themselves what they are, and a damaged note says nothing."""

from __future__ import annotations

from binascii import crc32
from io import BytesIO

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.note import (
    PART_NOTE,
    ChunkNote,
    PartNote,
    read_chunk_note,
    read_part_note,
    write_chunk_note,
    write_part_note,
)
from recorder.records import Chunk, Part, Session
from tests.recorder.fragments import picture
from tests.recorder.studio import BEGAN

SESSION = Session(2, "epoch", 1_790_000_000_000)
CHUNK = Chunk("source", 7, 2, 1, b"an init segment", "avc1.64001f", 90_000, 1280, 720, 30.0)

notes = st.builds(
    PartNote,
    msn=st.integers(0, 2**64 - 1),
    part=st.integers(0, 2**32 - 1),
    time=st.integers(-(2**63), 2**63 - 1),
    ticks=st.integers(0, 2**64 - 1),
    size=st.integers(0, 2**32 - 1),
    crc=st.integers(0, 2**32 - 1),
    keyframe=st.booleans(),
    broken=st.booleans(),
)


def test_a_chunk_note_tells_the_recording_the_session_and_the_chunk() -> None:
    note = ChunkNote.of(BEGAN, SESSION, CHUNK)
    assert read_chunk_note(write_chunk_note(note)) == note
    assert (note.began, note.session) == (BEGAN, SESSION)
    assert note.with_init(CHUNK.init) == CHUNK
    assert (note.init_size, note.init_crc) == (len(CHUNK.init), crc32(CHUNK.init))
    assert CHUNK.init not in write_chunk_note(note), "it stands in front of the note"


@given(notes)
def test_a_part_note_is_read_as_it_was_written(note: PartNote) -> None:
    box = write_part_note(note)
    assert len(box) == PART_NOTE
    assert read_part_note(box) == note


@given(notes, st.integers(0, PART_NOTE - 1), st.integers(0, 7))
def test_a_note_with_a_wrong_bit_is_none(note: PartNote, at: int, bit: int) -> None:
    box = bytearray(write_part_note(note))
    box[at] ^= 1 << bit
    assert read_part_note(bytes(box)) is None


@pytest.mark.parametrize("box", [b"", b"\0", bytes(PART_NOTE), bytes(500)])
def test_other_bytes_are_no_notes(box: bytes) -> None:
    assert read_part_note(box) is None
    assert read_chunk_note(box) is None


def test_a_chunk_note_that_says_something_else_is_none() -> None:
    box = write_chunk_note(ChunkNote.of(BEGAN, SESSION, CHUNK))
    assert read_part_note(box) is None
    assert read_chunk_note(box[:-1]) is None
    assert read_chunk_note(box.replace(b"source", b"sourcf")) is None


def test_a_part_of_impossible_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="not a part"):
        write_part_note(PartNote(-1, 0, 0, 0, 0, 0, True, False))


def test_the_record_of_a_part_holds_its_note_too() -> None:
    data = b"moof and mdat"
    note = PartNote(5, 1, 90, 45, len(data), crc32(data), True, False)
    box = write_part_note(note)
    size = len(data) + len(box)
    expected = Part("source", 3, 5, 1, 90, 45, 1_000 - size, size, crc32(data + box), True)
    assert note.record("source", 3, 1_000, box) == expected


def test_players_skip_notes() -> None:
    reel = picture()
    shots = reel.segment(0)
    note = write_part_note(PartNote(0, 0, 0, 0, 0, 0, True, False))
    head = write_chunk_note(ChunkNote.of(BEGAN, SESSION, CHUNK))
    data = reel.init + head + b"".join(shot.data + note for shot in shots)
    with av.open(BytesIO(data), "r") as container:
        frames = sum(1 for _ in container.decode(video=0))
    assert frames == sum(shot.frames for shot in shots)
