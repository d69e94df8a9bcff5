"""The log in memory: it behaves as every log, and keeps what it says it keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chat.log import RoomLog
from chat.log_memory import MemoryLog
from tests.chat.log_conformance import (
    GARDEN,
    T0,
    OwnerConformance,
    closed_after,
    collect,
    draft,
    seqs,
)
from tests.chat.log_erasing import ErasingConformance


class TestMemoryLog(OwnerConformance, ErasingConformance):
    @pytest.fixture
    async def log(self) -> AsyncIterator[RoomLog]:
        async with closed_after(MemoryLog()) as [log]:
            yield log


async def test_only_the_newest_entries_are_kept() -> None:
    log = MemoryLog(kept=80)
    for _ in range(30):
        await log.append(GARDEN, [draft() for _ in range(10)])
    head = await log.open(GARDEN)
    assert head.position.seq == 300
    assert 80 <= 301 - head.oldest <= 90
    assert seqs(await log.after(GARDEN, 0, 1)) == [head.oldest]


async def test_a_follower_is_told_of_what_is_kept_no_more_by_the_numbers() -> None:
    log = MemoryLog(kept=100)
    follower = log.follow(GARDEN)
    for _ in range(100):
        await log.append(GARDEN, [draft() for _ in range(100)])
    entries = await collect(follower, 100)
    assert seqs(entries) == list(range(9_901, 10_001))


async def test_keys_that_are_free_are_forgotten() -> None:
    log = MemoryLog()
    for n in range(200):
        await log.append(GARDEN, [draft(t_recv=T0 + 60_000 * n, key=f"kim:{n}")])
    assert len(log._rooms[GARDEN].keys) <= 12
