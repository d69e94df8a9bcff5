"""Tasks that are kept, watched and ended together."""

from __future__ import annotations

import asyncio
import gc

from sluice.tasks import Tasks


async def test_a_task_survives_a_garbage_collection() -> None:
    tasks = Tasks()
    done: list[int] = []

    async def work() -> None:
        # Nothing but Tasks refers to this future's waiter.
        await asyncio.get_running_loop().run_in_executor(None, gc.collect)
        done.append(1)

    for _ in range(20):
        tasks.spawn(work(), "work")
    gc.collect()
    await tasks.settle()
    assert len(done) == 20
    assert len(tasks) == 0


async def test_a_failure_is_counted_and_hurts_no_other_task() -> None:
    tasks = Tasks()

    async def fail() -> None:
        raise ValueError("on purpose")

    async def succeed() -> None: ...

    tasks.spawn(fail(), "fail")
    other = tasks.spawn(succeed(), "succeed")
    await tasks.settle()
    assert tasks.failures == 1
    assert other.exception() is None


async def test_close_cancels_what_runs_and_waits_for_its_end() -> None:
    tasks = Tasks()
    ended = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks.spawn(forever(), "forever")
    await asyncio.sleep(0)
    await tasks.close()
    assert ended.is_set()
    assert tasks.failures == 0
