"""When the server is started again, killed, and given up. Time is turned by hand."""

from __future__ import annotations

import pytest

from signaling.keeping import (
    AT_EASE_S,
    BACKOFF_S,
    BLIND_S,
    FORGOTTEN_S,
    LAST_WORDS_S,
    PARDONS,
    START_S,
    TRIES,
    End,
    Keeping,
    Kill,
    Start,
    Step,
    Wait,
    shell_code,
)

HANG_S = 10.0
END_S = 40.0
KILLED = -9


class World:
    """A keeper's core and a clock. The keeper wakes up once a second at least."""

    def __init__(self) -> None:
        self.keeping = Keeping(HANG_S, END_S)
        self.now = 1_000.0

    def next(self) -> Step:
        self.keeping.ticked(self.now)
        return self.keeping.next(self.now)

    def start(self, *, ready: bool = True) -> None:
        """Wait until it may be started, and start it."""
        step = self.next()
        if isinstance(step, Wait):
            self.now = step.until
            step = self.next()
        assert step == Start()
        if ready:
            self.keeping.heard("ready", self.now)

    def live(self, seconds: float) -> None:
        """Time in which the loop beats."""
        until = self.now + seconds
        while self.now < until:
            self.now += 0.5
            self.keeping.ticked(self.now)
            self.keeping.heard("beat", self.now)
            assert isinstance(self.keeping.next(self.now), Wait)

    def silent(self, limit_s: float) -> tuple[float, Step]:
        """How long until something is done although nothing is heard, and what."""
        begun = self.now
        while isinstance(step := self.next(), Wait):
            assert self.now - begun < limit_s, "nothing is done"
            self.now = min(step.until, self.now + 1.0)
        return self.now - begun, step


@pytest.fixture
def world() -> World:
    return World()


def test_it_is_started_at_once_and_left_alone_while_it_beats(world: World) -> None:
    world.start()
    world.live(300)
    assert world.keeping.starts == 1


def test_one_that_dies_is_started_again_later_each_time(world: World) -> None:
    world.start()
    waited = []
    for _ in range(len(BACKOFF_S) + 1):
        died = world.now
        world.keeping.exited(KILLED, world.now)
        world.start()
        waited.append(round(world.now - died, 3))
    assert waited == [*BACKOFF_S, BACKOFF_S[-1]]


def test_a_minute_of_life_makes_up_for_earlier_deaths(world: World) -> None:
    world.start()
    for _ in range(3):
        world.keeping.exited(KILLED, world.now)
        world.start()
    world.live(FORGOTTEN_S + 1)
    died = world.now
    world.keeping.exited(1, world.now)
    world.start()
    assert world.now - died == pytest.approx(BACKOFF_S[0])


@pytest.mark.parametrize("code", [KILLED, -11, 1, 3])
def test_any_death_while_it_serves_is_a_reason_to_start_again(world: World, code: int) -> None:
    world.start()
    world.keeping.exited(code, world.now)
    world.start()
    assert world.keeping.over is None


def test_an_end_in_order_is_the_end(world: World) -> None:
    world.start()
    world.keeping.exited(0, world.now)
    assert world.next() == End(0)


def test_what_cannot_start_is_not_tried_again(world: World) -> None:
    world.start(ready=False)
    world.keeping.heard("beat", world.now)
    world.keeping.heard("unfit", world.now)
    world.keeping.exited(1, world.now)
    assert world.next() == End(1)
    assert not world.keeping.gave_up


def test_after_it_has_served_a_start_that_fails_is_tried_again(world: World) -> None:
    """What the dead one left behind, such as a port, may be in the way."""
    world.start()
    world.keeping.exited(KILLED, world.now)
    world.start(ready=False)
    world.keeping.heard("unfit", world.now)
    world.keeping.exited(1, world.now)
    world.start()
    world.live(5)


def test_what_never_comes_to_serve_is_given_up(world: World) -> None:
    for _ in range(TRIES):
        world.start(ready=False)
        world.keeping.exited(-11, world.now)
    assert world.next() == End(139)
    assert world.keeping.gave_up
    assert world.keeping.starts == TRIES


def test_a_hung_one_may_say_where_and_is_killed_then(world: World) -> None:
    world.start()
    world.live(3)
    waited, step = world.silent(60)
    assert step == Kill(True, "its loop hangs")
    assert waited == pytest.approx(HANG_S)
    waited, step = world.silent(60)
    assert step == Kill(False, "its loop hangs")
    assert waited == pytest.approx(LAST_WORDS_S)


def test_one_that_is_being_killed_is_not_saved_by_a_late_beat(world: World) -> None:
    world.start()
    world.silent(60)
    world.keeping.heard("beat", world.now)
    waited, step = world.silent(60)
    assert step == Kill(False, "its loop hangs")
    assert waited == pytest.approx(LAST_WORDS_S)


def test_a_start_may_take_longer_than_a_beat(world: World) -> None:
    world.start(ready=False)
    world.live(HANG_S)
    waited, step = world.silent(START_S + 1)
    assert step == Kill(True, "it does not come to serve")
    assert waited == pytest.approx(START_S)


def test_a_machine_that_stood_still_is_nobodys_fault(world: World) -> None:
    world.start()
    world.live(3)
    world.now += 3_600
    assert isinstance(world.next(), Wait)
    world.keeping.heard("beat", world.now)
    world.live(3)
    world.now += 3_600
    waited, step = world.silent(60)
    assert isinstance(step, Kill)
    assert waited == pytest.approx(BLIND_S)


def test_a_machine_that_is_always_slow_excuses_a_hung_one_only_so_often(world: World) -> None:
    world.start()
    world.live(3)
    for _ in range(PARDONS):
        world.now += HANG_S + 1
        assert isinstance(world.next(), Wait)
    world.now += HANG_S + 1
    assert isinstance(world.next(), Kill)


def test_asked_to_end_it_ends_with_its_code(world: World) -> None:
    world.start()
    world.keeping.asked(world.now)
    world.live(END_S / 2)
    world.keeping.exited(-15, world.now)
    assert world.next() == End(143)


def test_an_end_that_takes_too_long_is_cut(world: World) -> None:
    world.start()
    world.keeping.asked(world.now)
    world.live(END_S - 1)
    world.keeping.asked(world.now)  # a second wish gives no more time
    waited, step = world.silent(60)
    assert step == Kill(False, "it did not end in time")
    assert waited == pytest.approx(1)


def test_one_that_hangs_while_it_ends_is_killed_as_any(world: World) -> None:
    world.start()
    world.keeping.asked(world.now)
    waited, step = world.silent(60)
    assert step == Kill(True, "its loop hangs")
    assert waited == pytest.approx(HANG_S)


def test_asked_to_end_between_two_lives_nothing_is_started(world: World) -> None:
    world.start()
    world.keeping.exited(KILLED, world.now)
    world.keeping.asked(world.now)
    assert world.next() == End(0)


def test_last_words_of_a_dead_one_are_not_taken_for_the_next(world: World) -> None:
    world.start()
    world.keeping.exited(KILLED, world.now)
    world.keeping.heard("unfit", world.now)
    world.start(ready=False)
    world.keeping.exited(1, world.now)
    world.start()


def test_exit_codes_are_those_of_shells() -> None:
    assert [shell_code(code) for code in (0, 1, -9)] == [0, 1, 137]


def test_it_is_at_ease_once_it_has_served_for_a_while() -> None:
    world = World()
    world.start(ready=False)
    world.live(2 * AT_EASE_S)
    assert not world.keeping.at_ease(world.now)
    world.keeping.heard("ready", world.now)
    world.live(AT_EASE_S - 0.5)
    world.keeping.heard("ready", world.now)  # it says so once, and may say it again
    assert not world.keeping.at_ease(world.now)
    world.live(0.5)
    assert world.keeping.at_ease(world.now)

    world.keeping.exited(KILLED, world.now)
    assert not world.keeping.at_ease(world.now)
    world.start()
    world.live(AT_EASE_S)
    assert world.keeping.at_ease(world.now)
    before = world.keeping.ending
    world.keeping.asked(world.now)
    assert (before, world.keeping.ending) == (False, True)
    assert not world.keeping.at_ease(world.now)
