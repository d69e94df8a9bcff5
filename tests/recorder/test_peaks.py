"""When a chat is loud, against what is usual for it."""

from __future__ import annotations

import numpy as np

from recorder.peaks import peaks
from tests.recorder.timelines import ORIGIN_S, replay

HOUR = replay((0, 3_600))


def chat(*bursts: tuple[int, int, int], rate: float = 0.5) -> list[tuple[int, float]]:
    """An hour of a calm chat with bursts: (second, length in seconds, messages a second)."""
    calm = np.random.default_rng(3).poisson(rate, 3_600)
    for at, length, messages in bursts:
        calm[at : at + length] += messages
    return [(ORIGIN_S + second, float(count)) for second, count in enumerate(calm)]


def test_a_calm_chat_has_no_peak() -> None:
    for rate in (0.0, 0.05, 0.5, 20.0):
        assert peaks(chat(rate=rate), HOUR) == []


def test_a_peak_is_where_the_chat_began_to_rise() -> None:
    (peak,) = peaks(chat((1_800, 30, 6)), HOUR)
    assert 1_780_000 <= peak.at_ms <= 1_805_000


def test_a_huge_peak_does_not_hide_a_smaller_one() -> None:
    found = peaks(chat((900, 20, 200), (1_300, 20, 5)), HOUR)
    assert [one.at_ms // 100_000 for one in found] in ([8, 12], [8, 13], [9, 12], [9, 13])
    assert found[0].score > found[1].score


def test_what_is_usual_changes_with_the_hour() -> None:
    """The chat becomes ten times as lively for good: that is no peak for half an hour."""
    found = peaks(chat((1_800, 1_800, 5)), HOUR)
    assert len(found) <= 3


def test_two_bursts_within_a_minute_are_one() -> None:
    assert len(peaks(chat((1_800, 10, 8), (1_830, 10, 9)), HOUR)) == 1


def test_a_handful_of_messages_is_no_peak() -> None:
    counts = [(ORIGIN_S + 600, 4.0)]
    assert peaks(counts, HOUR) == []


def test_peaks_are_in_vod_time() -> None:
    broken = replay((0, 1_000), (2_000, 1_600))
    (peak,) = peaks(chat((2_500, 20, 9), rate=0.1), broken)
    assert abs(peak.at_ms - 1_500_000) <= 20_000
    assert peaks([], replay()) == []
