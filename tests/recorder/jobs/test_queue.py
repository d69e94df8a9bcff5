"""The queue of one machine, with real children: what goes well, and all that goes wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.jobs.queue import LocalQueue, QueueDown
from recorder.jobs.wire import MediaFrom
from recorder.recording import NotARecording
from recorder.work.task import Spec
from tests.recorder.jobs import world
from tests.recorder.jobs.world import (
    LIMITS,
    OTHER,
    RECORDING,
    SETTINGS,
    halfway,
    in_derived,
    make_recording,
    outputs,
    pid_of,
    queue_on,
    settled,
    spec,
    until,
    watched,
    work,
)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    make_recording(tmp_path)
    return tmp_path


async def test_a_job_leaves_its_output_and_what_it_knows_of_it(storage: Path) -> None:
    async with queue_on(storage, "writes") as queue:
        job = await settled(queue, spec(at=3))

    assert (job.state, job.progress, job.attempts, job.error) == ("done", 1.0, 1, "")
    folder = outputs(storage).find(job.key)
    assert folder is not None
    assert (folder / "poster.jpg").read_bytes() == b"initpart"
    assert (folder / "more" / "deep.txt").read_text() == "deep"
    assert outputs(storage).facts(job.key) == {"bytes": 8, "title": "Roses", "exact": True}
    assert in_derived(storage) == {job.key, "done.log"}


async def test_progress_is_told(storage: Path) -> None:
    async with queue_on(storage, "stands_still") as queue:
        changes = queue.changes()
        made = await queue.submit(spec())
        states = []
        async with asyncio.timeout(world.PATIENCE_S):
            async for job in changes:
                states.append((job.state, job.progress))
                if halfway(job):
                    break
        found = await queue.find(made.key)

    assert states[-2:] == [("running", 0.0), ("running", 0.5)]
    assert found is not None
    assert found.progress == 0.5
    assert found.begun_ms is not None


async def test_the_same_submitted_again_is_the_same_job(storage: Path) -> None:
    async with queue_on(storage, "writes") as queue:
        first, second = await asyncio.gather(queue.submit(spec()), queue.submit(spec()))
        other = await queue.submit(spec(at=1))
        done = await settled(queue, spec())
        after = await queue.submit(spec())
        known = await queue.of(RECORDING)

    assert first.id == second.id == done.id == after.id
    assert after.state == "done"
    assert [job.id for job in known] == [first.id, other.id]


async def test_an_output_that_was_deleted_is_made_again(storage: Path) -> None:
    async with queue_on(storage, "writes") as queue:
        first = await settled(queue, spec())
        outputs(storage).remove(first.key)
        assert outputs(storage).find(first.key) is None
        second = await settled(queue, spec())

    assert (second.id, second.attempts) == (first.id, 2)
    assert outputs(storage).find(first.key) is not None


async def test_an_output_without_a_job_counts(storage: Path) -> None:
    async with queue_on(storage, "writes") as queue:
        job = await settled(queue, spec())
    (storage / "jobs.db").unlink()

    async with queue_on(storage, "refuses") as queue:
        known = await queue.submit(spec())

    assert (known.key, known.state, known.attempts) == (job.key, "done", 0)


async def test_what_cannot_be_made_fails_at_once(storage: Path) -> None:
    async with queue_on(storage, "refuses") as queue:
        job = await settled(queue, spec())
        same = await queue.submit(spec())

    assert (job.state, job.attempts) == ("failed", 1)
    assert job.error == "There is no picture in it."
    assert same.state == "failed"
    assert in_derived(storage) == set()


async def test_what_failed_is_tried_anew_when_asked(storage: Path) -> None:
    async with queue_on(storage, "refuses") as queue:
        job = await settled(queue, spec())
        changes = queue.changes()
        again = await queue.submit(spec(), again=True)
        second = await until(changes, lambda job: job.settled)

    assert (again.state, again.error) == ("waiting", "")
    assert (second.id, second.state, second.attempts) == (job.id, "failed", 2)


async def test_an_error_is_tried_again(storage: Path) -> None:
    async with queue_on(storage, "first_raises") as queue:
        job = await settled(queue, spec())

    assert (job.state, job.attempts, job.error) == ("done", 2, "")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raises", "ValueError: a slip"),
        ("crashes", "Its process was ended by SIGSEGV."),
        ("leaves", "Its process ended with code 7."),
        ("bombs", "It needs more memory than it may have."),
        ("no_such_function", "NoSuchWork: "),
    ],
)
async def test_what_fails_again_and_again_is_given_up(storage: Path, name: str, error: str) -> None:
    async with queue_on(storage, name, replace(SETTINGS, attempts=2)) as queue:
        job = await settled(queue, spec())

    assert (job.state, job.attempts) == ("failed", 2)
    assert job.error.startswith(error)
    assert in_derived(storage) == set()


async def test_a_child_that_hangs_is_ended(storage: Path) -> None:
    settings = replace(SETTINGS, attempts=1, limits=replace(LIMITS, silence_s=0.3))
    async with queue_on(storage, "stands_still", settings) as queue:
        job = await settled(queue, spec())

    assert (job.state, job.error) == ("failed", "It made no progress for 0.3 s.")
    assert in_derived(storage) == set()


async def test_a_killed_child_is_tried_again_and_done_once(storage: Path) -> None:
    async with queue_on(storage, "first_stands_still") as queue:
        changes = queue.changes()
        await queue.submit(spec())
        running = await until(changes, halfway)
        assert outputs(storage).find(running.key) is None, "half an output can be seen"
        os.kill(pid_of(storage, running), signal.SIGKILL)
        failed = await until(changes, lambda job: job.error != "")
        job = await until(changes, lambda job: job.settled)

    assert failed.error == "Its process was ended by SIGKILL."
    assert (job.state, job.attempts) == ("done", 2)
    assert (storage / "recordings" / RECORDING / "derived/done.log").read_text() == (
        f".{job.key}.2\n"
    )
    assert in_derived(storage) == {job.key, "done.log"}


async def test_stopping_gives_the_job_back_and_counts_nothing(storage: Path) -> None:
    async with queue_on(storage, "first_stands_still", replace(SETTINGS, attempts=1)) as queue:
        changes = queue.changes()
        await queue.submit(spec())
        running = await until(changes, halfway)
        with watched(pid_of(storage, running)) as ended:
            await queue.stop()
            ended()

    assert in_derived(storage) == set()
    async with queue_on(storage, "first_stands_still", replace(SETTINGS, attempts=1)) as queue:
        job = await settled(queue, spec())

    assert (job.state, job.attempts) == ("done", 2)


SERVER = """
import asyncio, sys
from pathlib import Path
from tests.recorder.jobs import world

async def main():
    storage = Path(sys.argv[1])
    async with world.queue_on(storage, "first_stands_still") as queue:
        changes = queue.changes()
        await queue.submit(world.spec())
        running = await world.until(changes, world.halfway)
        print(world.pid_of(storage, running), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_after_the_server_was_killed_its_job_goes_on(storage: Path) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(storage), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    with watched(int(await server.stdout.readline())) as child_ended:
        os.kill(server.pid, signal.SIGKILL)
        await asyncio.to_thread(child_ended)
    await server.wait()
    assert len(in_derived(storage)) == 1, "it left its half an output"

    async with queue_on(storage, "first_stands_still", replace(SETTINGS, lease_s=0.5)) as queue:
        job = await settled(queue, spec())

    assert (job.state, job.attempts) == ("done", 2)
    assert in_derived(storage) == {job.key, "done.log"}


async def test_two_queues_never_run_one_job_twice_at_once(storage: Path) -> None:
    settings = replace(SETTINGS, concurrency=2)
    async with AsyncExitStack() as stack:
        queues = [
            await stack.enter_async_context(queue_on(storage, "alone", settings)) for _ in "12"
        ]
        jobs = await asyncio.gather(
            *(settled(queues[number % 2], spec(number=number)) for number in range(8))
        )

    assert {(job.state, job.attempts) for job in jobs} == {("done", 1)}
    log = (storage / "recordings" / RECORDING / "derived/done.log").read_text().split()
    assert sorted(log) == sorted(f".{job.key}.1" for job in jobs)


async def test_a_queue_that_does_not_work_sees_what_the_others_do(storage: Path) -> None:
    """As a command line does that submits and shows a bar."""
    async with (
        queue_on(storage, "writes", replace(SETTINGS, concurrency=0)) as watching,
        queue_on(storage, "writes"),
    ):
        job = await settled(watching, spec())

    assert job.state == "done"


async def test_a_job_whose_lease_was_lost_is_ended_here(storage: Path) -> None:
    async with queue_on(storage, "stands_still", replace(SETTINGS, lease_s=0.5)) as queue:
        changes = queue.changes()
        await queue.submit(spec())
        running = await until(changes, halfway)
        with watched(pid_of(storage, running)) as ended:
            await queue.forget(RECORDING)
            await asyncio.to_thread(ended)
        assert await queue.of(RECORDING) == []


async def test_of_two_outputs_the_first_stays(storage: Path) -> None:
    async with queue_on(storage, "another_is_quicker") as queue:
        job = await settled(queue, spec())

    assert job.state == "done"
    assert outputs(storage).facts(job.key) == {"by": "the other"}
    assert in_derived(storage) == {job.key, "done.log"}


async def test_an_output_with_a_link_in_it_is_refused(storage: Path) -> None:
    async with queue_on(storage, "links") as queue:
        job = await settled(queue, spec())

    assert (job.state, job.attempts) == ("failed", 1)
    assert "poster.jpg" in job.error
    assert in_derived(storage) == set()


async def test_chunks_may_be_elsewhere_and_secrets_go_through_a_pipe(storage: Path) -> None:
    source = MediaFrom("tests.recorder.jobs.works:elsewhere", {"secret": "s3cr3tkey"})
    async with queue_on(storage, "writes", media=source) as queue:
        job = await settled(queue, spec())
    folder = outputs(storage).find(job.key)
    assert folder is not None
    assert (folder / "poster.jpg").read_text() == "s3cr3tke"
    assert b"s3cr3t" not in (storage / "jobs.db").read_bytes()


async def test_priority_goes_first_and_channels_take_turns(storage: Path) -> None:
    make_recording(storage, OTHER)
    asked = [spec(at=1), spec(at=2), spec(at=3), spec(OTHER, at=4), spec(at=5)]
    queue = LocalQueue(storage, SETTINGS, work("writes"))
    jobs = [await queue.submit(one) for one in asked[:4]]
    jobs.append(await queue.submit(asked[4], priority=1))
    try:
        changes = queue.changes()
        await queue.start()
        order: list[int] = []
        while len(order) < len(asked):
            job = await until(changes, lambda job: job.state == "done")
            order.append(jobs.index(next(one for one in jobs if one.id == job.id)) + 1)
    finally:
        await queue.stop()

    assert order == [5, 4, 1, 2, 3]


async def test_a_click_does_not_wait_for_what_takes_long(storage: Path) -> None:
    works = work("stands_still") | {"clip": "tests.recorder.jobs.works:writes"}
    queue = LocalQueue(storage, SETTINGS, works)
    await queue.start()
    try:
        changes = queue.changes()
        long = await queue.submit(spec())
        await until(changes, halfway)
        usual = await queue.submit(Spec("clip", RECORDING, {"at": 1}))
        click = await queue.submit(Spec("clip", RECORDING, {"at": 2}), priority=1)
        await until(changes, lambda job: job.state == "done", click.key)
        states = [job.state for job in await queue.of(RECORDING)]
    finally:
        await queue.stop()

    assert [long.id, usual.id, click.id] == [1, 2, 3]
    assert states == ["running", "waiting", "done"]


@pytest.mark.parametrize("name", ["no-such-recording", "../elsewhere", ""])
async def test_what_is_no_recording_is_refused(storage: Path, name: str) -> None:
    async with queue_on(storage, "writes") as queue:
        with pytest.raises(NotARecording):
            await queue.submit(Spec("poster", name))


async def test_a_table_that_cannot_be_used_is_told(storage: Path) -> None:
    async with queue_on(storage, "writes", replace(SETTINGS, concurrency=0)) as queue:
        await queue.stop()
        with pytest.raises(QueueDown):
            await queue.find("0" * 32)
