"""When a media plane counts as hung, and how long is waited between two."""

from __future__ import annotations

import pytest

from sfu.plane.pulse import LOOK_S, SILENCE_S, START_S, WORKERS_S, Backoff, Pulse


def looks(pulse: Pulse, seconds: float) -> list[str]:
    """What is found wrong in so many seconds, looked at in time."""
    found = [pulse.look(LOOK_S) for _ in range(round(seconds / LOOK_S))]
    return [trouble for trouble in found if trouble is not None]


def running() -> Pulse:
    pulse = Pulse()
    pulse.started()
    return pulse


def test_a_start_may_take_its_time_but_not_all_of_it() -> None:
    pulse = Pulse()
    assert looks(pulse, START_S - LOOK_S) == []
    assert looks(pulse, LOOK_S) == ["it was silent for 30.0 s"]


def test_silence_is_noticed_and_a_beat_ends_it() -> None:
    pulse = running()
    assert looks(pulse, SILENCE_S - LOOK_S) == []
    pulse.beat(0.1)
    assert looks(pulse, SILENCE_S - LOOK_S) == []
    assert looks(pulse, LOOK_S) == [f"it was silent for {SILENCE_S:.1f} s"]


def test_threads_that_do_not_answer_are_noticed_though_it_talks() -> None:
    pulse = running()
    pulse.beat(WORKERS_S - 0.1)
    assert looks(pulse, LOOK_S) == []
    pulse.beat(WORKERS_S)
    assert looks(pulse, LOOK_S) == [f"its media threads did not answer for {WORKERS_S:.1f} s"]


def test_who_stood_still_itself_blames_nobody() -> None:
    pulse = running()
    assert pulse.look(60.0) is None
    assert pulse.look(60.0) is None


@pytest.mark.parametrize(
    ("lives", "waits"),
    [
        ([5, 5, 5, 5, 5, 5, 5], [0, 0.2, 0.5, 1, 2, 2, 2]),
        ([5, 5, 40, 5], [0, 0.2, 0, 0.2]),
    ],
)
def test_each_death_soon_after_the_last_waits_longer(
    lives: list[float], waits: list[float]
) -> None:
    backoff = Backoff()
    assert [backoff.died(lived_s) for lived_s in lives] == waits
