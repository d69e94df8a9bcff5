"""What waits for the process is bounded, and what is left out is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recorder.captions.backlog import FLYING_MS, KEPT_MS, MOST_MS, Backlog
from recorder.captions.wire import LONGEST, Begin, Flush, Part


def filled(count: int, length_ms: int = 500) -> Backlog:
    backlog = Backlog()
    backlog.begin(b"init")
    for number in range(count):
        backlog.put(number * length_ms, length_ms, b"part")
    return backlog


def taken(backlog: Backlog) -> list[Begin | Part | Flush]:
    found = []
    while (message := backlog.take()) is not None:
        found.append(message)
    return found


def test_parts_come_behind_their_init_segment() -> None:
    backlog = filled(2)
    backlog.begin(b"other")
    backlog.put(1_000, 500, b"part")
    assert taken(backlog) == [
        Begin(b"init"),
        Part(1, 0, 500, b"part"),
        Part(2, 500, 500, b"part"),
        Begin(b"other"),
        Part(3, 1_000, 500, b"part"),
    ]


def test_only_some_seconds_fly_until_there_is_an_answer() -> None:
    backlog = filled(12)
    first = [one for one in taken(backlog) if isinstance(one, Part)]
    assert sum(one.length_ms for one in first) == FLYING_MS + 500
    assert backlog.flying
    backlog.answered(first[1].number)
    assert len(taken(backlog)) == 2
    assert backlog.behind_ms == 10 * 500


def test_when_too_much_waits_the_oldest_is_left_out_at_once() -> None:
    backlog = filled(MOST_MS // 500)
    assert backlog.skipped_ms == 0
    backlog.put(99_000, 500, b"newest")
    assert backlog.skipped_ms == MOST_MS + 500 - KEPT_MS
    parts = [one for one in taken(backlog) if isinstance(one, Part)]
    assert parts[0].time_ms == MOST_MS + 500 - KEPT_MS


def test_a_flush_is_never_left_out() -> None:
    backlog = filled(3)
    number = backlog.flush()
    for at in range(100):
        backlog.put(at * 500, 500, b"part")
    assert any(isinstance(one, Flush) and one.number == number for one in taken(backlog))


def test_after_a_death_what_flew_is_lost_and_the_init_segment_comes_again() -> None:
    backlog = filled(12)
    flown = [one for one in taken(backlog) if isinstance(one, Part)]
    backlog.begin_anew()
    assert backlog.skipped_ms == 500 * len(flown)
    assert not backlog.flying
    assert taken(backlog)[:2] == [
        Begin(b"init"),
        Part(len(flown) + 1, 500 * len(flown), 500, b"part"),
    ]


def test_a_flush_that_flew_is_asked_again() -> None:
    backlog = filled(1)
    number = backlog.flush()
    taken(backlog)
    backlog.begin_anew()
    backlog.put(9_000, 500, b"part")
    assert taken(backlog) == [Flush(number), Begin(b"init"), Part(3, 9_000, 500, b"part")]


def test_what_cannot_be_sent_is_left_out() -> None:
    backlog = Backlog()
    backlog.put(0, 500, b"before the init segment")
    backlog.begin(b"init")
    backlog.put(0, 400, bytes(LONGEST))
    assert backlog.skipped_ms == 900
    assert taken(backlog) == []


def test_at_the_end_everything_is_left_out() -> None:
    backlog = filled(20)
    taken(backlog)
    backlog.clear()
    assert (backlog.skipped_ms, backlog.behind_ms) == (10_000, 0)


@given(st.lists(st.integers(0, 4), max_size=300), st.integers(20, 3_000))
def test_no_part_is_both_heard_and_left_out(steps: list[int], length_ms: int) -> None:
    backlog = filled(0)
    put_ms = answered_ms = 0
    flown: list[Part | Flush] = []
    for step in steps:
        match step:
            case 0 | 1:
                backlog.put(put_ms, length_ms, b"part")
                put_ms += length_ms
            case 2:
                flown += [one for one in taken(backlog) if not isinstance(one, Begin)]
            case 3 if flown:
                done = flown.pop(0)
                answered_ms += done.length_ms
                backlog.answered(done.number)
            case 4:
                backlog.begin_anew()
                flown.clear()
        assert backlog.behind_ms <= MOST_MS + FLYING_MS + 2 * length_ms
        assert backlog.skipped_ms + answered_ms + backlog.behind_ms == put_ms
