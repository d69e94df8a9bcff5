"""The real process: started, fed, killed, started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from bridge.transcode.process import TranscodeProcess
from bridge.transcode.wire import (
    Configured,
    FromChild,
    Plan,
    Ready,
    Trouble,
)
from sluice.media import Codec
from tests.bridge.transcode.sources import SMALL, encoded, in_order, sound, video

T = TypeVar("T")


class Owner:
    """What the bridge would be: it remembers what it was told."""

    def __init__(self, plan: Plan | None) -> None:
        self.said: list[FromChild] = []
        self.deaths = 0
        self._changed = asyncio.Event()
        self.process = TranscodeProcess(plan, self._hear, self._mourn)

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not happened():
                self._changed.clear()
                await self._changed.wait()

    async def ready(self, times: int = 1) -> Ready:
        await self.until(lambda: len(self.of(Ready)) >= times)
        return self.of(Ready)[-1]

    def of(self, kind: type[T]) -> list[T]:
        return [one for one in self.said if isinstance(one, kind)]

    def _hear(self, message: FromChild) -> None:
        self.said.append(message)
        self._changed.set()

    def _mourn(self) -> None:
        self.deaths += 1
        self._changed.set()


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    one = Owner(Plan(SMALL))
    one.process.start()
    yield one
    await one.process.stop()


async def test_what_is_fed_comes_back_encoded(owner: Owner) -> None:
    for unit in in_order(video(Codec.VP8, 30), sound(50)):
        owner.process.feed(unit)
    await owner.until(lambda: len(encoded(owner.said, "audio")) > 40)
    await owner.until(lambda: len(encoded(owner.said, "source")) == 30)
    assert isinstance(owner.said[0], Ready)
    assert {"open-files", "memory", "dies-with-parent"} <= set(owner.said[0].sandbox)
    assert {one.rendition for one in owner.of(Configured)} == {"source", "90p", "audio"}


async def test_killed_it_comes_back_and_goes_on_with_the_next_keyframe(owner: Owner) -> None:
    units = video(Codec.VP8, 30)
    for unit in units[:10]:
        owner.process.feed(unit)
    await owner.until(lambda: len(encoded(owner.said, "source")) == 10)
    assert owner.process.pid is not None
    os.kill(owner.process.pid, signal.SIGKILL)
    await owner.until(lambda: owner.deaths == 1)
    owner.process.feed(units[10])
    assert isinstance(owner.said[-1], Trouble), "a keyframe is asked for at once"
    for unit in video(Codec.VP8, 30, start_us=3_000_000):
        owner.process.feed(unit)
    await owner.until(lambda: len(encoded(owner.said, "source")) == 40)
    assert encoded(owner.said, "source")[10].keyframe
    assert len(owner.of(Ready)) == 2


async def test_a_message_that_is_none_ends_the_process_and_not_the_bridge(owner: Owner) -> None:
    await owner.ready()
    owner.process._outbox.put(Ready("that is for the other way"))  # type: ignore[arg-type]
    owner.process.feed(video(count=1)[0])
    await owner.until(lambda: owner.deaths == 1)
    await owner.ready(2)


async def test_a_plan_may_come_later_and_change() -> None:
    owner = Owner(None)
    owner.process.start()
    for unit in video(count=10):
        owner.process.feed(unit)
    owner.process.plan(Plan([SMALL[1]]))
    await owner.until(lambda: len(encoded(owner.said, "90p")) == 10)
    owner.process.plan(Plan([SMALL[0]]))
    owner.process.reset()
    for unit in video(count=10, start_us=500_000):
        owner.process.feed(unit)
    await owner.until(lambda: len(encoded(owner.said, "source")) >= 10)
    await owner.process.stop()
    assert not owner.of(Trouble)
    assert owner.deaths == 0


async def test_stopping_ends_the_process_for_good(owner: Owner) -> None:
    await owner.ready()
    pid = owner.process.pid
    assert pid is not None
    await owner.process.stop()
    await owner.process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert owner.process.pid is None
    assert owner.deaths == 0


async def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.transcode.process.SILENCE_S", 2.0)
    owner = Owner(Plan([]))
    owner.process.start()
    await owner.ready()
    assert owner.process.pid is not None
    os.kill(owner.process.pid, signal.SIGSTOP)
    await owner.until(lambda: owner.deaths >= 1)
    await owner.process.stop()


async def test_feeding_never_waits_even_when_nobody_reads() -> None:
    owner = Owner(Plan(SMALL))
    first, *others = video(count=30)
    for unit in [first, *others * 100]:
        owner.process.feed(unit)
    assert owner.process.dropped > 0
    assert any(one.kind == "keyframe-wanted" for one in owner.of(Trouble))


async def test_secrets_of_the_environment_stay_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_SECRET", "hush")
    owner = Owner(Plan([]))
    owner.process.start()
    await owner.ready()
    environment = await asyncio.to_thread(Path(f"/proc/{owner.process.pid}/environ").read_bytes)
    await owner.process.stop()
    assert b"hush" not in environment
    assert b"PYTHONPATH" in environment
