"""What an index says, gathered by rendition."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder import index
from recorder.index import encode
from recorder.recording import ID, NotARecording, Recording
from recorder.records import (
    VERSION,
    Began,
    Chunk,
    Closed,
    Gap,
    Mark,
    Part,
    Record,
    Sealed,
    Session,
    Stored,
)
from tests.recorder.studio import BEGAN

ONE = Session(1, "one", 1_000_000)
VIDEO = Chunk("source", 1, 1, 0, bytes(100), "avc1", 90_000, 1280, 720)
SOUND = Chunk("audio", 1, 1, 0, bytes(50), "mp4a.40.2", 48_000, channels=2)


def part(rendition: str, chunk: int, n: int, size: int = 10) -> Part:
    return Part(rendition, chunk, n // 2, n % 2, n * 45, 45, 100 + n * size, size, 0, n % 2 == 0)


def test_the_first_record_names_it() -> None:
    recording = Recording.of([BEGAN])
    assert (recording.id, recording.channel) == (BEGAN.recording, "garden")
    assert (recording.title, recording.began_ms) == ("Roses", BEGAN.wall_ms)
    assert (recording.sessions, recording.renditions, recording.closed) == ({}, {}, None)
    assert (recording.size, recording.ended_ms) == (0, BEGAN.wall_ms)


@pytest.mark.parametrize("found", [[], [ONE], [ONE, BEGAN]])
def test_without_its_name_it_is_none(found: list[Record]) -> None:
    with pytest.raises(NotARecording, match="does not begin"):
        Recording.of(found)


def test_a_later_version_is_refused() -> None:
    with pytest.raises(NotARecording, match="update Sluice"):
        Recording.of([Began(VERSION + 1, "r", "c", "t", 0)])


def test_renditions_have_their_chunks_and_spans() -> None:
    gap = Gap("source", 1, 0, 90, 45)
    spans: list[Part | Gap] = [part("source", 1, 0), part("source", 1, 1), gap]
    recording = Recording.of([BEGAN, ONE, VIDEO, *spans, SOUND, part("audio", 1, 0)])
    assert list(recording.renditions) == ["source", "audio"]
    source, audio = recording.renditions.values()
    assert source.spans == [(1, span) for span in spans]
    assert source.is_video
    assert not audio.is_video
    assert source.chunks[1].size == 120, "up to the end of its last part"
    assert source.chunks[1].name == "source-000001.mp4"
    assert recording.size == 120 + 110


def test_a_chunk_without_parts_is_as_long_as_its_init_segment() -> None:
    recording = Recording.of([BEGAN, ONE, VIDEO])
    assert recording.renditions["source"].chunks[1].size == 100


def test_a_part_of_an_unknown_chunk_is_passed_over() -> None:
    recording = Recording.of([BEGAN, ONE, part("source", 1, 0)])
    assert recording.renditions["source"].spans == []


def test_spans_know_their_session() -> None:
    later = Chunk("source", 2, 2, 0, bytes(100), "avc1", 90_000, 1280, 720)
    gap = Gap("source", 9, 0, 0, 45)
    found: list[Record] = [BEGAN, ONE, VIDEO, part("source", 1, 0)]
    found += [Session(2, "two", 9), gap, later, part("source", 2, 0)]
    recording = Recording.of(found)
    assert [session for session, _ in recording.renditions["source"].spans] == [1, 2, 2]
    assert {number: one.epoch for number, one in recording.sessions.items()} == {1: "one", 2: "two"}


def test_seals_and_the_store_are_noted() -> None:
    sealed = Sealed("source", 1, 110, "ab")
    recording = Recording.of([BEGAN, ONE, VIDEO, sealed, Stored("source", 1), Stored("source", 2)])
    assert recording.renditions["source"].chunks[1].sealed == sealed
    assert recording.renditions["source"].chunks[1].stored


def test_marks_are_kept_in_order() -> None:
    marks = [Mark(5, "marker", "a"), Mark(3, "title", "b", "ann")]
    assert Recording.of([BEGAN, *marks]).marks == marks


def test_a_session_opens_a_closed_recording_again() -> None:
    closed = Closed(5, "end")
    assert Recording.of([BEGAN, ONE, closed]).closed == closed
    assert Recording.of([BEGAN, ONE, closed, Session(2, "two", 9)]).closed is None


def test_it_ends_with_its_last_part() -> None:
    second: list[Record] = [VIDEO, part("source", 1, 0), SOUND, part("audio", 1, 0)]
    recording = Recording.of([BEGAN, Session(1, "one", BEGAN.wall_ms + 500), *second])
    assert recording.ended_ms == BEGAN.wall_ms + 500 + 45 * 1_000 // 48_000
    far = Part("source", 1, 1, 0, 90_000, 45_000, 110, 10, 0)
    recording = Recording.of([BEGAN, Session(1, "one", BEGAN.wall_ms), *second, far])
    assert recording.ended_ms == BEGAN.wall_ms + 1_500


def test_a_folder_is_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recording.read(tmp_path)
    (tmp_path / index.FILE).write_bytes(encode(BEGAN) + encode(ONE) + b"torn")
    assert Recording.read(tmp_path).sessions == {1: ONE}


@pytest.mark.parametrize("name", ["garden-20260921-120000-abcdef", "a_b", "0-0"])
def test_a_name_can_be_a_folder(name: str) -> None:
    assert ID.fullmatch(name)


@pytest.mark.parametrize("name", ["", "ab", "../x", "a/b", "Aaa", "-abc", ".abc", "äbc", "a" * 129])
def test_other_names_are_refused(name: str) -> None:
    assert ID.fullmatch(name) is None
