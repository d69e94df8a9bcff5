"""One child from start to end: its bounds, what it is given, and that it is gone afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.jobs.attempt import attempt
from recorder.jobs.settings import Limits
from recorder.jobs.wire import Finished, Order, Refused
from tests.recorder.jobs.world import LIMITS, PATIENCE_S, make_recording, spec, watched


def ignore(done: float) -> None:
    """For tests that do not look at it."""


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., Order]:
    def made(name: str, limits: Limits = LIMITS, version: int = 3) -> Order:
        folder = make_recording(tmp_path)
        out = folder / "derived" / ".key.1"
        out.mkdir(parents=True)
        return Order(
            spec(), version, f"tests.recorder.jobs.works:{name}", str(folder), str(out),
            limits.memory_bytes, limits.cpu_s,
        )  # fmt: skip

    return made


async def test_a_child_says_how_far_it_is_and_what_it_made(order: Callable[..., Order]) -> None:
    told: list[float] = []
    asked = order("writes")

    result = await attempt(asked, LIMITS, told.append)

    assert result == Finished({"bytes": 8, "title": "Roses", "exact": True})
    assert told == [0.5]
    assert (Path(asked.out) / "facts.json").is_file()


async def test_what_libraries_print_is_no_word_of_it(order: Callable[..., Order]) -> None:
    assert isinstance(await attempt(order("babbles"), LIMITS, ignore), Finished)


async def test_a_child_has_few_rights_and_no_secrets(
    order: Callable[..., Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_STORE__SECRET", "s3cr3t")
    before = os.getpriority(os.PRIO_PROCESS, 0)

    result = await attempt(order("tells"), LIMITS, ignore)

    assert isinstance(result, Finished)
    assert result.facts["nice"] == min(before + 10, 19)
    assert result.facts["core"] == "0"
    assert "SLUICE" not in str(result.facts["environment"])
    assert result.facts["arguments"] == f"-P -m recorder.work.run {os.getpid()}"


async def test_a_child_that_takes_too_long_is_ended(order: Callable[..., Order]) -> None:
    result = await attempt(order("stands_still"), replace(LIMITS, time_s=0.3), ignore)
    assert result == Refused("It took longer than 0.3 s.", again=True)


async def test_a_child_that_burns_the_processor_is_ended(order: Callable[..., Order]) -> None:
    limits = replace(LIMITS, cpu_s=1)
    result = await attempt(order("burns", limits), limits, ignore)
    assert result == Refused("It took more than 1 s of processor time.", again=True)


async def test_other_code_makes_nothing(order: Callable[..., Order]) -> None:
    result = await attempt(order("writes", version=2), LIMITS, ignore)
    assert result == Refused("This worker makes version 3, not 2.", again=True)


async def test_cancelled_it_leaves_no_process_behind(order: Callable[..., Order]) -> None:
    asked = order("stands_still_with_child")
    standing = asyncio.Event()
    trying = asyncio.create_task(attempt(asked, LIMITS, lambda done: standing.set()))
    async with asyncio.timeout(PATIENCE_S):
        await standing.wait()
    pids = [int((Path(asked.out) / name).read_text()) for name in ("pid", "child")]

    with watched(pids[0]) as ended, watched(pids[1]) as child_ended:
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
        ended()
        child_ended()
