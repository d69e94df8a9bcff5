"""What an index says of a recording, in numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from recorder.catalog.measured import Measured
from recorder.recording import Recording
from recorder.records import CloseReason, Gap, Mark, Record
from recorder.replay import Replay
from tests.recorder.catalog.world import NOW_MS, SECOND, records


def measure(found: Sequence[Record], *, live: bool = False) -> Measured:
    recording = Recording.of(found)
    return Measured.of(recording, Replay.of(recording), live=live)


def test_a_recording_that_ended_is_ready() -> None:
    assert measure(records("live-1")) == Measured(
        id="live-1",
        channel="live",
        title="A title",
        state="ready",
        trouble="",
        began_ms=NOW_MS,
        ended_ms=NOW_MS + 10_500,
        duration_ms=10_000,
        size_bytes=4 + 10 * 100,
        width=1_280,
        height=720,
    )


def test_while_it_grows_it_has_no_end() -> None:
    found = measure(records("live-1", closed=None), live=True)
    assert (found.state, found.ended_ms, found.duration_ms) == ("recording", None, 10_000)


def test_after_a_crash_it_ended_with_its_last_picture() -> None:
    found = measure(records("live-1", closed=None))
    assert (found.state, found.ended_ms) == ("ready", NOW_MS + 10_000)


@pytest.mark.parametrize(
    ("reason", "word"), [("disk full", "full"), ("write error", "could not be written")]
)
def test_why_it_ended_early_is_told(reason: CloseReason, word: str) -> None:
    found = measure(records("live-1", closed=reason))
    assert found.state == "trouble"
    assert word in found.trouble
    assert found.duration_ms == 10_000


def test_what_the_disk_was_too_slow_for_is_told() -> None:
    lost = Gap("source", 10, 0, 10 * SECOND, SECOND * 3 // 2, lost=True)
    never_there = Gap("source", 12, 0, 12 * SECOND, SECOND)
    found = measure(records("live-1", gaps=[lost, never_there]))
    assert found.trouble == "The disk was too slow: 1.5 s are missing."
    assert measure(records("live-1", gaps=[never_there])).state == "ready"


def test_one_without_a_picture_cannot_be_played() -> None:
    found = measure(records("live-1", seconds=0, closed=None))
    assert (found.state, found.duration_ms, found.ended_ms) == ("trouble", 0, NOW_MS)
    assert "Nothing" in found.trouble


def test_a_broadcast_without_a_title_has_the_first_that_it_was_given() -> None:
    marks = [
        Mark(NOW_MS, "marker", "not me"),
        Mark(NOW_MS, "title", "First"),
        Mark(NOW_MS, "title", "Second"),
    ]
    assert measure(records("live-1", title="", marks=marks)).title == "First"
    assert measure(records("live-1", title="")).title == ""
