"""The table alone, with a clock of the test's own: states, leases, fences, pauses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.jobs.job import Job
from recorder.jobs.settings import JobSettings
from recorder.jobs.table import DIED, Table
from recorder.work.task import Spec

SETTINGS = JobSettings(attempts=3, pauses_s=(5.0, 60.0), lease_s=10.0, keep_days=7)
DAY_MS = 86_400_000
NOW = 100 * DAY_MS
ROSE, TULIP = "a" * 32, "b" * 32
POSTER = Spec("poster", "garden-20260301-180000-abc234", {"at_us": 5})


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    table = Table(tmp_path, SETTINGS)
    yield table
    table.close()


def submit(table: Table, key: str = ROSE, now_ms: int = NOW, priority: int = 0) -> Job:
    return table.submit(key, POSTER, 2, now_ms, priority=priority)


def claimed(table: Table, now_ms: int = NOW, worker: str = "w") -> Job:
    job = table.claim(worker, now_ms)
    assert job is not None
    return job


def now_is(table: Table, job: Job) -> Job:
    found = table.find(job.key)
    assert found is not None
    return found


def test_a_job_from_its_making_to_its_end(table: Table) -> None:
    made = submit(table)
    assert made == Job(1, ROSE, POSTER, 2, "waiting", 0.0, 0, 0, NOW)

    job = claimed(table, NOW + 5)
    assert (job.state, job.attempts, job.begun_ms, job.worker) == ("running", 1, NOW + 5, "w")
    assert table.claim("v", NOW + 6) is None
    assert table.beat(job, 0.25, NOW + 7)
    assert now_is(table, job).progress == 0.25
    assert table.running() == {(ROSE, 1)}

    table.done(job, NOW + 9)
    done = now_is(table, job)
    assert (done.state, done.progress, done.ended_ms) == ("done", 1.0, NOW + 9)
    assert done.settled
    assert table.running() == set()


def test_it_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Table(tmp_path, SETTINGS)
    made = submit(first)
    first.close()
    second = Table(tmp_path, SETTINGS)
    assert second.find(ROSE) == made
    assert second.of(POSTER.recording) == [made]
    second.close()


def test_pauses_grow_and_attempts_end(table: Table) -> None:
    submit(table)
    now_ms = NOW
    for attempt, pause_ms in ((1, 5_000), (2, 60_000)):
        job = claimed(table, now_ms)
        table.failed(job, "a slip", True, now_ms)
        after = now_is(table, job)
        assert (after.state, after.attempts, after.error) == ("waiting", attempt, "a slip")
        assert table.claim("w", now_ms + pause_ms - 1) is None
        now_ms += pause_ms
    job = claimed(table, now_ms)
    table.failed(job, "the last slip", True, now_ms)

    failed = now_is(table, job)
    assert (failed.state, failed.attempts, failed.error) == ("failed", 3, "the last slip")
    assert table.claim("w", now_ms + DAY_MS) is None


def test_what_would_not_help_is_not_tried_again(table: Table) -> None:
    submit(table)
    table.failed(claimed(table), "no picture", False, NOW + 1)
    job = submit(table)
    assert (job.state, job.attempts, job.ended_ms) == ("failed", 1, NOW + 1)


def test_asked_for_again_it_gets_all_its_attempts_anew(table: Table) -> None:
    submit(table)
    table.failed(claimed(table), "no picture", False, NOW)
    job = table.submit(ROSE, POSTER, 2, NOW, again=True)
    assert (job.state, job.error, job.ended_ms) == ("waiting", "", None)
    for _ in range(SETTINGS.attempts):
        job = claimed(table, NOW)
        table.failed(job, "a slip", True, NOW - 60_000)
    assert (now_is(table, job).state, job.attempts) == ("failed", 4)


def test_asked_for_again_a_pause_is_over(table: Table) -> None:
    submit(table)
    table.failed(claimed(table), "a slip", True, NOW)
    table.submit(ROSE, POSTER, 2, NOW, again=True)
    assert claimed(table, NOW).attempts == 2


def test_a_worker_that_is_silent_loses_its_job_and_cannot_come_back(table: Table) -> None:
    submit(table)
    first = claimed(table, NOW, "first")
    assert table.claim("second", NOW + 10_000) is None
    second = claimed(table, NOW + 10_001, "second")
    assert (second.id, second.attempts, second.error) == (first.id, 2, DIED)

    assert not table.beat(first, 0.9, NOW + 10_002)
    table.done(first, NOW + 10_002)
    table.failed(first, "too late", False, NOW + 10_002)
    assert now_is(table, second) == second
    assert table.beat(second, 0.1, NOW + 10_003)


def test_a_heartbeat_keeps_the_job(table: Table) -> None:
    submit(table)
    job = claimed(table)
    for now_ms in range(NOW, NOW + 50_000, 9_000):
        assert table.claim("v", now_ms) is None
        assert table.beat(job, 0.5, now_ms)


def test_who_dies_again_and_again_fails(table: Table) -> None:
    submit(table)
    for lease in range(SETTINGS.attempts):
        job = claimed(table, NOW + lease * 10_001)
    assert table.claim("w", NOW + 3 * 10_001) is None
    assert (now_is(table, job).state, now_is(table, job).error) == ("failed", DIED)


def test_given_back_it_counts_as_not_begun(table: Table) -> None:
    submit(table)
    for attempt in range(1, 10):
        assert claimed(table).attempts == attempt
        table.release("v")
        assert now_is(table, submit(table)).state == "running", "it is not v's"
        table.release("w")
    assert now_is(table, submit(table)).state == "waiting"


def test_a_clock_that_was_set_back_holds_nothing_up(table: Table) -> None:
    submit(table)
    submit(table, TULIP)
    table.failed(claimed(table), "a slip", True, NOW)
    claimed(table)

    earlier = NOW - DAY_MS

    assert {claimed(table, earlier).key, claimed(table, earlier).key} == {ROSE, TULIP}


def test_an_output_that_is_there_needs_no_work(table: Table) -> None:
    job = table.submit(ROSE, POSTER, 2, NOW, there=True)
    assert (job.state, job.progress, job.ended_ms) == ("done", 1.0, NOW)
    assert table.claim("w", NOW) is None

    submit(table, TULIP)
    table.failed(claimed(table), "a slip", False, NOW)
    assert table.submit(TULIP, POSTER, 2, NOW, there=True).state == "done"


def test_an_output_that_vanished_is_made_again(table: Table) -> None:
    submit(table)
    table.done(claimed(table), NOW)
    assert submit(table).state == "waiting"
    assert claimed(table).attempts == 2


def test_a_running_job_is_left_alone_by_submitting(table: Table) -> None:
    submit(table)
    job = claimed(table)
    for there in (True, False):
        assert table.submit(ROSE, POSTER, 2, NOW, there=there, again=True, priority=9) == job


def test_priority_can_be_raised_and_not_lowered(table: Table) -> None:
    submit(table, ROSE)
    submit(table, TULIP, priority=1)
    assert submit(table, ROSE, priority=2).priority == 2
    assert submit(table, ROSE, priority=0).priority == 2
    assert [claimed(table).key, claimed(table).key] == [ROSE, TULIP]


def test_channels_take_turns(table: Table) -> None:
    garden = [f"{number:032x}" for number in range(3)]
    for key in garden:
        submit(table, key)
    other = Spec("poster", "terrace-20260301-180000-abc234")
    table.submit(TULIP, other, 2, NOW)
    order = [claimed(table, NOW + number).key for number in range(4)]
    assert order == [garden[0], TULIP, garden[1], garden[2]]


def test_old_ends_are_forgotten(table: Table) -> None:
    for key in (ROSE, TULIP):
        submit(table, key)
    table.done(claimed(table), NOW)
    table.failed(claimed(table), "no picture", False, NOW + DAY_MS)
    submit(table, "c" * 32)

    assert table.prune(NOW + 7 * DAY_MS) == 0
    assert table.prune(NOW + 7 * DAY_MS + 1) == 1
    assert table.find(ROSE) is None
    assert table.prune(NOW + 100 * DAY_MS) == 1
    assert [job.key for job in table.of(POSTER.recording)] == ["c" * 32]


def test_forgotten_jobs_cannot_be_kept_by_their_workers(table: Table) -> None:
    submit(table)
    job = claimed(table)
    table.forget(POSTER.recording)
    assert not table.beat(job, 0.5, NOW)
    assert submit(table).id != job.id


def test_each_change_is_seen_by_the_others(table: Table, tmp_path: Path) -> None:
    other = Table(tmp_path, SETTINGS)
    seen, jobs = other.changed(0)
    assert jobs == []
    made = submit(table)
    submit(table, TULIP)
    seen, jobs = other.changed(seen)
    assert [job.key for job in jobs] == [ROSE, TULIP]

    job = claimed(table)
    table.beat(job, 0.5, NOW)
    seen, jobs = other.changed(seen)
    assert jobs == [replace(job, progress=0.5)]

    table.forget(POSTER.recording)
    again = submit(table)
    seen, jobs = other.changed(seen)
    assert jobs == [again]
    assert again.id > made.id
    assert other.changed(seen) == (seen, [])
    other.close()


def test_what_only_a_newer_version_understands_is_passed_over(table: Table, tmp_path: Path) -> None:
    submit(table)
    with sqlite3.connect(tmp_path / "jobs.db") as db:
        db.execute("UPDATE jobs SET spec = replace(spec, 'poster', 'hologram')")
    db.close()
    submit(table, TULIP)

    assert table.find(ROSE) is None
    assert claimed(table).key == TULIP
    assert table.claim("w", NOW) is None


def test_nobody_else_may_read_it(table: Table, tmp_path: Path) -> None:
    assert (tmp_path / "jobs.db").stat().st_mode & 0o077 == 0
