"""Latency, loss and freezes are what the stamps say."""

from __future__ import annotations

import pytest

from mobile_sim.stamp import Stamp
from mobile_sim.viewing import Viewing

START = 1_790_000_000_000
FRAME = 1 / 30


def see(viewing: Viewing, counters: list[int | None], latency_ms: int = 100) -> None:
    """Show pictures at 30 a second, each captured `latency_ms` before it arrives."""
    for index, counter in enumerate(counters):
        unix_ms = START + round(index * FRAME * 1000)
        read = None if counter is None else Stamp(counter, (unix_ms - latency_ms) % 2**40)
        viewing.feed(index * FRAME, unix_ms, read)


def test_a_clean_stream_has_latency_and_nothing_else() -> None:
    viewing = Viewing()
    see(viewing, list(range(100)), latency_ms=87)
    report = viewing.total()
    assert (report.frames, report.lost, report.freezes, report.unreadable) == (100, 0, 0, 0)
    assert report.latency_ms_min == report.latency_ms_p50 == report.latency_ms_max == 87


@pytest.mark.parametrize(
    ("counters", "lost", "repeated", "breaks"),
    [
        ([1, 2, 5, 6], 2, 0, 0),
        ([65_534, 65_535, 0, 1], 0, 0, 0),
        ([65_534, 1], 2, 0, 0),
        ([7, 7, 8], 0, 1, 0),
        ([7, 5000, 5001], 0, 0, 1),
        ([5000, 3, 4], 0, 0, 1),
        ([1, None, 3], 1, 0, 0),
    ],
)
def test_the_counter_tells_loss_from_repeats_and_new_beginnings(
    counters: list[int | None], lost: int, repeated: int, breaks: int
) -> None:
    viewing = Viewing()
    see(viewing, counters)
    report = viewing.total()
    assert (report.lost, report.repeated, report.breaks) == (lost, repeated, breaks)


def test_pictures_without_a_stamp_are_counted_and_have_no_latency() -> None:
    viewing = Viewing()
    see(viewing, [None] * 5)
    report = viewing.total()
    assert (report.frames, report.unreadable, report.latency_ms_p50) == (5, 5, None)


def test_a_long_gap_is_a_freeze_and_a_jitter_is_none() -> None:
    viewing = Viewing()
    see(viewing, list(range(60)))
    end = 59 * FRAME
    viewing.feed(end + 0.15, START, Stamp(60, 0))
    assert viewing.total().freezes == 0
    viewing.feed(end + 0.15 + 0.9, START, Stamp(61, 0))
    report = viewing.total()
    assert (report.freezes, report.frozen_ms, report.longest_gap_ms) == (1, 900, 900)


def test_recent_figures_begin_anew_each_time() -> None:
    viewing = Viewing()
    see(viewing, [1, 2, 4])
    assert (viewing.recent().frames, viewing.recent().frames) == (3, 0)
    assert (viewing.total().frames, viewing.total().lost) == (3, 1)


def test_percentiles_are_those_of_the_pictures() -> None:
    viewing = Viewing()
    for latency in range(1, 101):
        viewing.feed(latency * FRAME, START, Stamp(latency, (START - latency) % 2**40))
    report = viewing.total()
    assert (report.latency_ms_p50, report.latency_ms_p95, report.latency_ms_max) == (50, 95, 100)


def test_a_clock_that_is_behind_gives_no_negative_latency() -> None:
    viewing = Viewing()
    viewing.feed(0, START, Stamp(1, (START + 40) % 2**40))
    assert viewing.total().latency_ms_min == 0
