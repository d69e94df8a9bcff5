"""Which part goes into which chunk."""

from __future__ import annotations

from binascii import crc32
from hashlib import sha256

import pytest

from recorder.cutter import Cutter, Init, Media, Step, Track
from recorder.note import read_chunk_note, read_part_note
from recorder.records import Chunk, Closed, Gap, Mark, Part, Record, Sealed, Session, Stored
from tests.recorder.studio import BEGAN

VIDEO = Track("avc1.64001f", 90_000, 1280, 720, 30.0)
SESSION = Session(1, "one", 1_790_000_000_000)
INIT = Init("source", 0, b"init segment", VIDEO)


def part(msn: int, part: int = 0, time: int | None = None, name: str = "source") -> Media:
    """Of two in a segment of a second."""
    begin = msn * 90_000 + part * 45_000 if time is None else time
    return Media(name, msn, part, begin, 45_000, part == 0, False, b"data %d.%d" % (msn, part))


@pytest.fixture
def cutter() -> Cutter:
    cutter = Cutter(BEGAN, 3_000, {})
    take(cutter, SESSION, INIT)
    return cutter


def take(cutter: Cutter, *items: Init | Media | Session | Gap | Mark | Closed) -> list[Step]:
    return [step for item in items for step in cutter.take(item)]


def kinds(steps: list[Step]) -> list[str]:
    """Of each record a word, with the chunk's number."""
    return [_word(step.record) for step in steps]


def _word(record: Record) -> str:
    match record:
        case Part():
            return f"{record.r} {record.c}: {record.s}.{record.p}"
        case Chunk() | Sealed():
            return f"{type(record).__name__} {record.rendition} {record.number}"
        case _:
            return type(record).__name__


def test_a_chunk_begins_with_the_first_part(cutter: Cutter) -> None:
    begin, added = take(cutter, part(5))
    assert begin.record == Chunk(
        "source", 1, 1, 0, b"init segment", "avc1.64001f", 90_000, 1280, 720, 30.0
    )
    assert begin.file == added.file == "source-000001.mp4"
    init, head = begin.data
    data, note = added.data
    assert init == INIT.init
    told = read_chunk_note(head)
    assert told is not None
    assert told.with_init(init) == begin.record
    assert (told.began, told.session) == (BEGAN, SESSION)
    offset = len(init) + len(head)
    size = len(data) + len(note)
    assert added.record == Part(
        "source", 1, 5, 0, 450_000, 45_000, offset, size, crc32(data + note), True
    )
    says = read_part_note(note)
    assert says is not None
    assert says.record("source", 1, offset + size, note) == added.record


def test_parts_lie_behind_each_other(cutter: Cutter) -> None:
    steps = take(cutter, *(part(msn, half) for msn in range(3) for half in range(2)))
    size = 0
    for step in steps:
        if isinstance(step.record, Part):
            assert step.record.o == size
        size += sum(map(len, step.data))


def test_a_chunk_ends_where_a_segment_begins_and_it_is_long_enough(cutter: Cutter) -> None:
    steps = take(cutter, *(part(msn, half) for msn in range(4) for half in range(2)))
    assert kinds(steps) == [
        "Chunk source 1",
        *(f"source 1: {msn}.{half}" for msn in range(3) for half in range(2)),
        "Sealed source 1",
        "Chunk source 2",
        "source 2: 3.0",
        "source 2: 3.1",
    ]


def test_a_long_segment_stays_in_one_chunk(cutter: Cutter) -> None:
    steps = take(cutter, *(part(1, half, 45_000 * half) for half in range(20)))
    assert kinds(steps).count("Chunk source 1") == 1
    assert len(steps) == 21


def test_a_seal_is_the_digest_of_all_that_was_appended(cutter: Cutter) -> None:
    steps = take(cutter, part(0), part(0, 1), Closed(1, "end"))
    data = b"".join(b"".join(step.data) for step in steps)
    assert steps[-2].record == Sealed("source", 1, len(data), sha256(data).hexdigest())
    assert steps[-2].file == "source-000001.mp4"
    assert steps[-1].record == Closed(1, "end")


def test_another_init_segment_begins_a_chunk_even_within_a_segment(cutter: Cutter) -> None:
    steps = take(cutter, part(0), Init("source", 1, b"other", VIDEO), part(0, 1))
    assert kinds(steps) == [
        "Chunk source 1",
        "source 1: 0.0",
        "Sealed source 1",
        "Chunk source 2",
        "source 2: 0.1",
    ]
    assert isinstance(steps[3].record, Chunk)
    assert (steps[3].record.map, steps[3].record.init) == (1, b"other")


@pytest.mark.parametrize("time", [-1, 90_000 * 3_600])
def test_a_jump_in_time_begins_a_chunk(cutter: Cutter, time: int) -> None:
    steps = take(cutter, part(0), part(1, 0, time))
    assert kinds(steps)[-1] == "source 2: 1.0"


def test_a_session_seals_all_chunks_and_numbers_go_on(cutter: Cutter) -> None:
    audio = Init("audio", 0, b"sound", Track("mp4a.40.2", 48_000, channels=2))
    take(cutter, audio, part(0), part(0, name="audio"))
    steps = take(cutter, Session(2, "two", 1_790_000_100_000), INIT, part(0))
    assert kinds(steps) == [
        "Sealed source 1",
        "Sealed audio 1",
        "Session",
        "Chunk source 2",
        "source 2: 0.0",
    ]
    assert isinstance(steps[3].record, Chunk)
    assert steps[3].record.session == 2


def test_numbers_go_on_behind_chunks_that_are_there() -> None:
    cutter = Cutter(BEGAN, 3_000, {"source": 41})
    steps = take(cutter, SESSION, INIT, part(0))
    assert kinds(steps)[1] == "Chunk source 42"


def test_what_has_no_media_is_only_written_down(cutter: Cutter) -> None:
    gap, mark = Gap("source", 1, 0, 0, 45_000), Mark(5, "marker", "goal")
    stored = Stored("source", 1)
    steps = [step for item in (gap, mark, stored) for step in cutter.take(item)]
    assert steps == [Step(gap), Step(mark), Step(stored)]


def test_a_part_without_a_session_is_refused() -> None:
    cutter = Cutter(BEGAN, 3_000, {})
    with pytest.raises(ValueError, match="no session"):
        take(cutter, INIT, part(0))


def test_sound_that_begins_a_frame_early_ends_its_chunk_with_the_picture(cutter: Cutter) -> None:
    steps = take(cutter, part(0, 0, 100), part(1), part(2), part(3), part(4))
    assert kinds(steps)[-2:] == ["source 2: 3.0", "source 2: 4.0"]
