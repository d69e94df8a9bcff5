"""Captions and chapters as samples of a file."""

from __future__ import annotations

from recorder.mp4.text import (
    MOST_NERO,
    ChapterMark,
    TextCue,
    TextSample,
    caption_samples,
    chapter_marks,
    chapter_samples,
    nero_chapters,
)

SECOND = 1_000_000
EMPTY = b"\0\0"


def told(samples: list[TextSample]) -> list[tuple[int, int, str]]:
    at = 0
    for sample in samples:
        assert sample.time == at
        assert sample.duration > 0
        assert int.from_bytes(sample.data[:2], "big") == len(sample.data) - 2
        at += sample.duration
    return [(one.time, one.time + one.duration, one.data[2:].decode()) for one in samples]


def cue(begin: float, end: float, text: str) -> TextCue:
    return TextCue(round(begin * SECOND), round(end * SECOND), text)


def test_between_captions_there_is_an_empty_one() -> None:
    samples = caption_samples([cue(1, 2, "a"), cue(2, 2.5, "b"), cue(4, 5, "c")], 0, 6 * SECOND)
    assert told(samples) == [
        (0, 1_000, ""),
        (1_000, 2_000, "a"),
        (2_000, 2_500, "b"),
        (2_500, 4_000, ""),
        (4_000, 5_000, "c"),
        (5_000, 6_000, ""),
    ]


def test_a_caption_ends_where_the_next_one_begins() -> None:
    samples = caption_samples([cue(2, 9, "b"), cue(0, 3, "a"), cue(2, 3, "c")], 0, 4 * SECOND)
    assert told(samples) == [(0, 2_000, "a"), (2_000, 3_000, "c"), (3_000, 4_000, "")]


def test_captions_of_a_stretch_count_from_its_beginning() -> None:
    cues = [cue(0, 1, "gone"), cue(1, 3, "a"), cue(4, 9, "b"), cue(9, 10, "gone")]
    assert told(caption_samples(cues, 2 * SECOND, 5 * SECOND)) == [
        (0, 1_000, "a"),
        (1_000, 2_000, ""),
        (2_000, 3_000, "b"),
    ]


def test_captions_that_last_no_time_or_less_are_left_out() -> None:
    assert told(caption_samples([cue(1, 1, "a"), cue(2, 1, "b")], 0, SECOND)) == [(0, 1_000, "")]


def test_a_long_caption_is_cut_at_a_character() -> None:
    (sample, _) = caption_samples([cue(0, 1, "ä" * 5_000)], 0, 2 * SECOND)
    assert sample.data[2:].decode() == "ä" * 2_048


def test_the_chapter_that_goes_on_is_the_first_of_a_stretch() -> None:
    marks = [ChapterMark(n * SECOND, str(n)) for n in (0, 4, 2, 8)]
    assert chapter_marks(marks, 0, 9 * SECOND)[1] == ChapterMark(2 * SECOND, "2")
    assert chapter_marks(marks, 3 * SECOND, 8 * SECOND) == [
        ChapterMark(0, "2"),
        ChapterMark(SECOND, "4"),
    ]


def test_chapters_last_until_the_next_one() -> None:
    marks = [ChapterMark(SECOND, "One"), ChapterMark(3 * SECOND, "Two")]
    samples = chapter_samples(marks, 10 * SECOND)
    assert [(one.time, one.duration) for one in samples] == [(1_000, 2_000), (3_000, 7_000)]
    assert samples[0].data == b"\0\x03One" + b"\0\0\0\x0cencd\0\0\x01\0"


def test_neros_list_has_an_end() -> None:
    marks = [ChapterMark(n * SECOND, "é" * 200) for n in range(300)]
    box = nero_chapters(marks)
    assert box[4:8] == b"chpl"
    assert box[16] == MOST_NERO
    assert int.from_bytes(box[17:25], "big") == 0
    assert box[25] == 254  # of 255, as no character is cut
    second = 26 + 254
    assert int.from_bytes(box[second : second + 8], "big") == 10_000_000
    assert len(box) == 17 + MOST_NERO * (9 + 254)
