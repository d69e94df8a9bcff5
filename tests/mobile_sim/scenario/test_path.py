"""A path that dies is restarted first; when that does not help, a new session is made."""

from __future__ import annotations

import random

from mobile_sim.scenario.path import RESTARTS_FOR_S, Path
from mobile_sim.scenario.timeline import Connected

TICK_S = 0.1
RTT_S = 0.08


class Walk:
    def __init__(self, seed: int = 1) -> None:
        self.path = Path(random.Random(seed))
        self.now_s = 0.0

    def go(self, seconds: float, passes: bool, address: int = 1) -> list[Connected]:
        states = []
        for _ in range(round(seconds / TICK_S)):
            states.append(self.path.feed(self.now_s, address, passes, RTT_S))
            self.now_s += TICK_S
        return states


def test_a_path_that_passes_stays() -> None:
    walk = Walk()
    assert set(walk.go(60, True)) == {Connected.LIVE}
    assert (walk.path.restarts, walk.path.posts) == (0, 0)


def test_a_short_hole_is_sat_out() -> None:
    walk = Walk()
    walk.go(5, True)
    assert set(walk.go(2.5, False) + walk.go(5, True)) == {Connected.LIVE}


def test_a_new_address_is_restarted_at_once() -> None:
    walk = Walk()
    walk.go(5, True)
    states = walk.go(3, True, address=2)
    assert states[0] is Connected.RESTARTING
    assert states.index(Connected.LIVE) * TICK_S < 1
    assert (walk.path.restarts, walk.path.posts) == (1, 0)


def test_silence_is_restarted_after_a_while() -> None:
    walk = Walk()
    walk.go(5, True)
    states = walk.go(6, False)
    assert 2.5 < states.index(Connected.RESTARTING) * TICK_S < 3.5
    assert walk.go(3, True)[-1] is Connected.LIVE
    assert (walk.path.restarts, walk.path.posts) == (1, 0)


def test_a_long_outage_costs_the_session() -> None:
    walk = Walk()
    walk.go(5, True)
    states = walk.go(40, False)
    lost = states.index(Connected.RECONNECTING) * TICK_S
    assert RESTARTS_FOR_S < lost < RESTARTS_FOR_S + 8
    assert walk.go(20, True)[-1] is Connected.LIVE
    assert (walk.path.restarts, walk.path.posts) == (0, 1)


def test_a_new_network_ends_the_waiting() -> None:
    walk = Walk()
    walk.go(5, True)
    walk.go(4.9, False)
    states = walk.go(1.2, True, address=2)
    assert Connected.LIVE in states


def test_phones_do_not_come_back_at_the_same_moment() -> None:
    def back_at(seed: int) -> float:
        walk = Walk(seed)
        walk.go(5, True)
        walk.go(60, False)
        states = walk.go(60, True)
        return states.index(Connected.LIVE) * TICK_S

    assert len({back_at(seed) for seed in range(8)}) > 4
