"""The real process with the real engine: fed, killed, stopped, and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from recorder.captions.process import CaptionProcess
from recorder.captions.supervision import Patience
from recorder.captions.wire import Heard, Open
from recorder.captions.words import Word
from tests.recorder.captions.speech import (
    HELLO,
    Coded,
    assert_rising,
    both,
    coded,
    silence,
    spoken,
    texts,
)

ORIGIN = 1_790_000_000_000
STEP_MS = 3_000
POCKETSPHINX = Open("pocketsphinx", "en")


class Owner:
    """What a broadcast would be: it remembers what it was told."""

    def __init__(self, engine: Open = POCKETSPHINX, patience: Patience = Patience()) -> None:  # noqa: B008
        self.heard: list[Heard] = []
        self.ends: list[str] = []
        self._changed = asyncio.Event()
        self.process = CaptionProcess(engine, self._hear, self._end, patience=patience)

    @property
    def words(self) -> list[Word]:
        return [word for one in self.heard for word in one.words]

    def feed(self, sound: Coded, begin_ms: int) -> None:
        self.process.begin(sound.init)
        for part in sound.fragments:
            self.process.feed(begin_ms + part.ms, part.length_ms, part.data)

    async def feed_in_step(self, sound: Coded, begin_ms: int) -> None:
        """As much as it can take, whatever the length."""
        self.process.begin(sound.init)
        for part in sound.fragments:
            await self.until(lambda: self.process.numbers.behind_ms < STEP_MS)
            self.process.feed(begin_ms + part.ms, part.length_ms, part.data)

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not happened():
                self._changed.clear()
                await self._changed.wait()

    def _hear(self, message: Heard) -> None:
        self.heard.append(message)
        self._changed.set()

    def _end(self, reason: str) -> None:
        self.ends.append(reason)
        self._changed.set()


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    one = Owner()
    one.process.start()
    yield one
    await one.process.stop()


QUIET = coded(silence(1, 48_000))


@pytest.mark.needs("espeak-ng")
async def test_speech_becomes_words_with_stream_times(owner: Owner) -> None:
    await owner.feed_in_step(coded(both(48_000)), ORIGIN)
    assert await owner.process.finish(60)
    assert_rising(owner.words)
    assert {"welcome", "live", "stream", "music", "today"} <= set(texts(owner.words))
    first = next(word for word in owner.words if word.text == "welcome")
    assert first.from_ms - ORIGIN == pytest.approx(560, abs=150)
    assert [one.until_ms for one in owner.heard] == sorted(one.until_ms for one in owner.heard)
    assert owner.heard[-1].until_ms >= owner.words[-1].to_ms
    numbers = owner.process.numbers
    assert (numbers.deaths, numbers.skipped_ms, numbers.broken, numbers.behind_ms) == (0, 0, 0, 0)


@pytest.mark.needs("espeak-ng")
async def test_killed_it_comes_back_and_hears_what_comes_then(owner: Owner) -> None:
    owner.feed(QUIET, ORIGIN)
    await owner.until(lambda: len(owner.heard) == len(QUIET.fragments))
    first = owner.process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    # Its answer comes from the next one, whether or not this one still takes the question.
    assert await owner.process.finish(60)
    assert owner.process.pid not in {None, first}
    owner.feed(coded(spoken(HELLO, 48_000)), ORIGIN + 60_000)
    assert await owner.process.finish(60)
    assert owner.process.numbers.deaths == 1
    assert {"welcome", "live", "stream"} <= set(texts(owner.words))
    assert owner.words[0].from_ms >= ORIGIN + 60_000


async def test_one_that_hangs_is_ended_and_started_again() -> None:
    owner = Owner(patience=Patience(silence_s=3.0))
    owner.process.start()
    owner.feed(QUIET, ORIGIN)
    await owner.until(lambda: len(owner.heard) == len(QUIET.fragments))
    first = owner.process.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    owner.feed(QUIET, ORIGIN + 60_000)
    assert await owner.process.finish(60)
    numbers = owner.process.numbers
    assert numbers.deaths >= 1
    # What it had been sent is lost, and told.
    assert numbers.skipped_ms == sum(part.length_ms for part in QUIET.fragments)
    assert owner.process.pid not in {None, first}
    owner.feed(QUIET, ORIGIN + 90_000)
    assert await owner.process.finish(60)
    assert owner.heard[-1].until_ms > ORIGIN + 90_000
    await owner.process.stop()


async def test_what_it_cannot_hear_in_time_is_left_out_and_counted() -> None:
    owner = Owner()
    for second in range(60):
        owner.feed(QUIET, ORIGIN + second * 1_000)
    numbers = owner.process.numbers
    assert numbers.skipped_ms > 30_000
    assert numbers.behind_ms <= 20_000


async def test_a_broken_part_is_counted_and_kills_nothing(owner: Owner) -> None:
    owner.process.begin(QUIET.init)
    owner.process.feed(ORIGIN, 500, b"\0\0\0\x10moofjunkjunk")
    owner.feed(QUIET, ORIGIN + 500)
    assert await owner.process.finish(60)
    assert owner.process.numbers.broken == 1
    assert owner.process.numbers.deaths == 0


async def test_an_engine_that_is_not_there_is_given_up_at_once() -> None:
    owner = Owner(Open("pocketsphinx", "de"))
    owner.process.start()
    await owner.until(lambda: bool(owner.ends))
    assert "needs a model for 'de'" in owner.ends[0]
    assert owner.process.ended == owner.ends[0]
    owner.feed(QUIET, ORIGIN)
    assert not await owner.process.finish()
    assert owner.process.numbers.deaths == 0
    await owner.process.stop()


async def test_one_that_dies_again_and_again_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorder.captions.supervision.BACKOFF_S", (0.0, 0.0))
    monkeypatch.setattr("recorder.captions.process.sys.executable", "false")
    owner = Owner()
    owner.process.start()
    await owner.until(lambda: bool(owner.ends))
    assert owner.ends == ["The caption engine failed 3 times, at last: exit code 1."]
    await owner.process.stop()


async def test_stopping_ends_the_process_for_good(owner: Owner) -> None:
    owner.feed(QUIET, ORIGIN)
    await owner.until(lambda: bool(owner.heard))
    pid = owner.process.pid
    assert pid is not None
    environment = await asyncio.to_thread(Path(f"/proc/{pid}/environ").read_bytes)
    assert b"HOME=" not in environment
    await owner.process.stop()
    await owner.process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert (owner.process.pid, owner.ends) == (None, [])
