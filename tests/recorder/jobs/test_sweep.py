"""What is missing and what is left over."""

from __future__ import annotations

from recorder.jobs.key import Extent, Keys
from recorder.jobs.sweep import left_over, missing
from tests.recorder.jobs.world import spec, work

KEYS = Keys(Extent(4, 2_000_000), work("writes"))
ROSE, TULIP, OAK = spec(of="rose"), spec(of="tulip"), spec(of="oak")


def test_what_is_not_there_is_missing_once_and_in_order() -> None:
    assert missing([OAK, ROSE, TULIP, OAK], {KEYS.of(ROSE)}, KEYS) == [OAK, TULIP]


def test_nothing_is_missing_where_everything_is_there() -> None:
    assert missing([ROSE, OAK], {KEYS.of(OAK), KEYS.of(ROSE), "other"}, KEYS) == []


def test_outputs_of_less_of_the_recording_are_left_over() -> None:
    before = Keys(Extent(3, 1_500_000), work("writes"))
    there = {before.of(ROSE), KEYS.of(ROSE)}
    assert left_over([ROSE, OAK], there, KEYS) == {before.of(ROSE)}
