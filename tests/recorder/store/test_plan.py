"""The plan of uploads, in virtual time: order, backoff, indexes, and what it says of itself."""

from __future__ import annotations

import random

import pytest

from recorder.records import Sealed
from recorder.store.plan import INDEX_BYTES_S, INDEX_MS, MOST_MS, Job, UploadPlan


def chunk(number: int, rendition: str = "source") -> Sealed:
    return Sealed(rendition, number, 1_000 * number, "00")


def plan(*chunks: Sealed, parallel: int = 2) -> UploadPlan:
    made = UploadPlan(1, parallel=parallel)
    made.open("kim", 0)
    for one in chunks:
        made.sealed("kim", one, 0)
    return made


def taken(plan: UploadPlan, now_ms: int) -> Job:
    job = plan.take(now_ms)
    assert job is not None
    return job


def test_the_oldest_goes_first_and_no_more_at_once_than_allowed() -> None:
    uploads = plan(chunk(1), chunk(2), chunk(3))
    first, second = taken(uploads, 0), taken(uploads, 0)
    assert (first.sealed, second.sealed) == (chunk(1), chunk(2))
    assert uploads.take(0) is None
    assert uploads.due_ms(0) is None, "only an end makes room"
    uploads.done(second, 0)
    index = taken(uploads, 0)
    assert index == Job("kim", None), "without it the chunk is no use"


def test_what_was_told_is_not_told_again() -> None:
    uploads = plan(chunk(1))
    uploads.sealed("kim", chunk(1), 0, again=True)
    uploads.done(taken(uploads, 0), 0)
    uploads.sealed("kim", chunk(1), 0)
    uploads.sealed("nobody", chunk(1), 0)
    assert taken(uploads, 0).sealed is None
    assert uploads.take(0) is None


def test_an_index_that_grows_goes_now_and_then() -> None:
    uploads = plan(chunk(1))
    uploads.done(taken(uploads, 0), 0)
    uploads.done(taken(uploads, 0), 0, size=1_000)
    uploads.sealed("kim", chunk(2), 1_000)
    uploads.done(taken(uploads, 1_000), 1_000)
    assert uploads.take(1_000) is None
    assert uploads.due_ms(1_000) == INDEX_MS
    assert taken(uploads, INDEX_MS).sealed is None


def test_a_large_index_goes_less_often() -> None:
    uploads = plan(chunk(1), chunk(2))
    uploads.done(taken(uploads, 0), 0)
    uploads.done(taken(uploads, 0), 0, size=100 * INDEX_BYTES_S)
    uploads.done(taken(uploads, 0), 0)
    assert uploads.due_ms(0) == 100_000


def test_a_chunk_that_came_while_the_index_was_under_way_gets_one_too() -> None:
    uploads = plan(chunk(1), chunk(2))
    uploads.done(taken(uploads, 0), 0)
    index, other = taken(uploads, 0), taken(uploads, 0)
    uploads.done(other, 0)
    uploads.done(index, 10)
    assert uploads.due_ms(10) == 10 + INDEX_MS


def test_at_the_close_the_last_index_follows_the_last_chunk() -> None:
    uploads = plan(chunk(1), chunk(2))
    one, other = taken(uploads, 0), taken(uploads, 0)
    uploads.close("kim", 5)
    uploads.done(one, 5)
    assert uploads.take(5) is None
    uploads.done(other, 6)
    last = taken(uploads, 6)
    assert last == Job("kim", None, last=True), "at once, not after the usual pause"
    assert not uploads.is_finished("kim")
    uploads.done(last, 7)
    assert uploads.is_finished("kim")
    assert uploads.take(10**9) is None


def test_an_index_under_way_at_the_close_is_not_the_last() -> None:
    uploads = plan(chunk(1))
    uploads.done(taken(uploads, 0), 0)
    index = taken(uploads, 0)
    uploads.close("kim", 1)
    uploads.done(index, 2)
    assert not uploads.is_finished("kim")
    assert taken(uploads, 2).last


def test_a_recording_without_chunks_still_has_its_index() -> None:
    uploads = plan()
    assert uploads.take(0) is None
    uploads.close("kim", 0)
    uploads.done(taken(uploads, 0), 0)
    assert uploads.is_finished("kim")


def test_one_that_goes_on_after_its_close_gets_another_last_index() -> None:
    uploads = plan(chunk(1))
    uploads.done(taken(uploads, 0), 0)
    uploads.close("kim", 1)
    last = taken(uploads, 1)
    uploads.open("kim", 2)
    uploads.failed(last, 3, "no")
    again = taken(uploads, 3 + MOST_MS)
    assert not again.last
    uploads.done(again, 40_000)
    assert not uploads.is_finished("kim")
    uploads.close("kim", 50_000)
    uploads.done(taken(uploads, 50_000), 50_000)
    assert uploads.is_finished("kim")


def test_while_the_store_fails_one_at_a_time_is_tried_ever_less_often() -> None:
    uploads = plan(*[chunk(number) for number in range(1, 9)])
    now_ms, waits = 0, []
    for _ in range(12):
        job = taken(uploads, now_ms)
        assert now_ms == 0 or uploads.take(now_ms) is None
        uploads.failed(job, now_ms, "The store is away.")
        assert uploads.take(now_ms) is None
        due_ms = uploads.due_ms(now_ms)
        assert due_ms is not None
        waits.append(due_ms - now_ms)
        now_ms = due_ms
    for wait_ms, most_ms in zip(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000], strict=False):
        assert most_ms / 2 <= wait_ms <= most_ms
    assert all(MOST_MS / 2 <= wait_ms <= MOST_MS for wait_ms in waits[6:])


def test_once_the_store_takes_something_all_go_on() -> None:
    uploads = plan(chunk(1), chunk(2), chunk(3), chunk(4))
    one, other = taken(uploads, 0), taken(uploads, 0)
    uploads.failed(one, 0, "The store is away.")
    uploads.failed(other, 0, "The store is away.")
    assert uploads.health(0).failures == 1, "both failed for one reason"
    due_ms = uploads.due_ms(0)
    assert due_ms is not None
    uploads.done(taken(uploads, due_ms), due_ms)
    assert uploads.health(due_ms).failures == 0
    assert [taken(uploads, due_ms), taken(uploads, due_ms)]


def test_what_failed_may_be_there_all_the_same() -> None:
    uploads = plan(chunk(1))
    first = taken(uploads, 0)
    assert not first.again
    uploads.failed(first, 0, "The store did not answer in time.")
    assert taken(uploads, MOST_MS).again


def test_one_object_that_always_fails_does_not_hold_up_the_others() -> None:
    uploads = plan(*[chunk(number) for number in range(1, 50)], parallel=1)
    now_ms = 0
    stored = 0
    while stored < 48 and now_ms < 600_000:
        job = uploads.take(now_ms)
        if job is None:
            due_ms = uploads.due_ms(now_ms)
            assert due_ms is not None
            now_ms = due_ms
        elif job.sealed == chunk(1):
            uploads.failed(job, now_ms, "500")
        else:
            uploads.done(job, now_ms)
            stored += job.sealed is not None
    assert stored == 48
    assert now_ms < 60_000


def test_trouble_of_this_machine_is_not_the_stores() -> None:
    uploads = plan(chunk(1), chunk(2))
    uploads.failed(taken(uploads, 0), 0, "The file cannot be read.", store=False)
    assert uploads.health(0).failures == 0
    assert taken(uploads, 0).sealed == chunk(2)


def test_a_chunk_that_is_given_up_does_not_hold_up_the_end() -> None:
    uploads = plan(chunk(1), chunk(2))
    uploads.close("kim", 0)
    uploads.refused(taken(uploads, 0), 0, "source-000001.mp4 is damaged.")
    uploads.done(taken(uploads, 0), 0)
    uploads.done(taken(uploads, 0), 0)
    assert uploads.is_finished("kim")
    assert not uploads.is_whole("kim")
    assert uploads.stored_of("kim") == {("source", 2)}
    assert uploads.health(0).refused == ("source-000001.mp4 is damaged.",)
    uploads.open("kim", 1)
    uploads.sealed("kim", chunk(1), 1)
    assert taken(uploads, 1).sealed == chunk(1), "after a repair it may come again"


def test_what_was_dropped_is_forgotten_while_it_is_under_way() -> None:
    uploads = plan(chunk(1), chunk(2), parallel=1)
    job = taken(uploads, 0)
    uploads.drop("kim")
    uploads.open("kim", 0)
    uploads.sealed("kim", chunk(1), 0)
    again = taken(uploads, 0)
    uploads.done(job, 0)
    assert uploads.health(0).running == 1, "the end of the old one is not the end of the new one"
    uploads.done(again, 0)
    assert uploads.health(0).running == 0


def test_recordings_take_turns_by_age() -> None:
    uploads = plan(chunk(1), parallel=1)
    uploads.open("mia", 5)
    uploads.sealed("mia", chunk(1), 5)
    uploads.sealed("kim", chunk(2), 9)
    order = []
    while (job := uploads.take(10)) is not None:
        uploads.done(job, 10)
        if job.sealed:
            order.append((job.recording, job.sealed.number))
    assert order == [("kim", 1), ("mia", 1), ("kim", 2)]


def test_health() -> None:
    uploads = plan(chunk(1), chunk(2))
    job = taken(uploads, 0)
    uploads.failed(job, 700, "The store is full.")
    health = uploads.health(800)
    assert (health.waiting, health.waiting_bytes, health.oldest_ms) == (2, 3_000, 800)
    assert (health.failures, health.failed, health.stored) == (1, 1, 0)
    assert health.error == "The store is full."
    assert 0 < health.retry_ms <= 500
    uploads.done(taken(uploads, 5_000), 5_000)
    health = uploads.health(5_000)
    assert (health.failures, health.error, health.retry_ms, health.stored) == (0, "", 0, 1)


@pytest.mark.parametrize("seed", range(50))
def test_everything_gets_there_in_the_end(seed: int) -> None:
    """A store that fails at random, recordings that come and end: the plan never gets stuck."""
    chance = random.Random(seed)
    uploads = UploadPlan(seed, parallel=chance.randint(1, 4))
    names = ["kim", "mia", "zoe"]
    waiting = {name: chance.randint(0, 12) for name in names}
    sealed = dict.fromkeys(names, 0)
    running: list[Job] = []
    indexed: dict[str, int] = {}
    now_ms = 0
    for name in names:
        uploads.open(name, 0)
    for _ in range(20_000):
        name = chance.choice(names)
        if chance.random() < 0.1:
            if waiting[name]:
                waiting[name] -= 1
                sealed[name] += 1
                uploads.sealed(name, chunk(sealed[name]), now_ms)
            else:
                uploads.close(name, now_ms)
        while (job := uploads.take(now_ms)) is not None:
            running.append(job)
        if running and chance.random() < 0.6:
            job = running.pop(chance.randrange(len(running)))
            if chance.random() < 0.3:
                uploads.failed(job, now_ms, "no", store=chance.random() < 0.8)
            else:
                if job.last:
                    indexed[job.recording] = len(uploads.stored_of(job.recording))
                uploads.done(job, now_ms, size=chance.randrange(10**6))
        elif not running:
            due_ms = uploads.due_ms(now_ms)
            now_ms = due_ms if due_ms is not None else now_ms + 1_000
        if all(map(uploads.is_finished, names)):
            break
    assert all(map(uploads.is_finished, names))
    assert indexed == sealed, "the last index came after the last chunk"
    health = uploads.health(now_ms)
    assert (health.waiting, health.running) == (0, 0)
