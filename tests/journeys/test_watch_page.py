"""The measure of smoothness itself: what it forgives and what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import pytest

from tests.journeys.watch_page import Frame, Run

SECONDS_5 = 150


@pytest.mark.parametrize(
    ("steps", "whole"),
    [
        ([1] * 150, True),
        ([1] * 149, False),  # too short to tell
        ([2] * 20 + [1] * 150, True),  # a hiccup before it
        ([1] * 30 + [2] + [1] * 30 + [2] + [1] * 120, True),
        ([1, 1, 1, 1, 2] * 60, False),  # one of six is missing, all the time
        ([1] * 140 + [11] + [1] * 140, False),
    ],
)
def test_a_whole_stretch(steps: Sequence[int], whole: bool) -> None:
    frames = [Frame(counter, 0, 0, 0) for counter in accumulate(steps, initial=0)]
    assert Run(frames).has_whole_stretch(SECONDS_5) is whole
