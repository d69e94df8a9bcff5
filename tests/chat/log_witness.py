"""Clients of a room on several nodes that hold what they see against what all others see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from chat.entry import Entry, Epoch
from chat.log import Head, LogError, News, RoomLog
from tests.chat.log_conformance import GARDEN, T0, draft, texts


@dataclass(slots=True)
class Witness:
    """What all clients ever saw, and what writers were promised."""

    seen: dict[tuple[Epoch, int], bytes] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    """By text: the number."""
    refused: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def write(self, log: RoomLog, texts: Sequence[str]) -> None:
        """Say them one after another, each again until it is acknowledged."""
        for text in texts:
            while text not in self.acknowledged:
                try:
                    [appended] = await log.append(GARDEN, [draft(text, T0, key=text)])
                except LogError:
                    self.refused += 1
                    await asyncio.sleep(0)
                    continue
                self.acknowledged[text] = appended.seq
                await self.changed()

    async def changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, true: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(true)

    async def until_acknowledged(self, count: int) -> None:
        await self.until(lambda: len(self.acknowledged) >= count)

    def lost(self, final: Sequence[Entry]) -> dict[str, int]:
        """What was acknowledged and is not there, by text, with its number."""
        kept = dict(zip(texts(final), final, strict=True))
        assert len(kept) == len(final), "nothing is there twice"
        return {text: seq for text, seq in self.acknowledged.items() if text not in kept}


class Client:
    """Keeps the room as the news tell it. Raises AssertionError where they break a promise."""

    def __init__(self, witness: Witness, news: AsyncIterator[News], head: Head | None) -> None:
        self._witness = witness
        self._news = news
        self.entries: list[Entry] = []
        self.retracted: list[Entry] = []
        self.heads: list[Head] = [] if head is None else [head]

    async def follow(self, last: str) -> None:
        """Until the entry with this text has come."""
        while last not in texts(self.entries[-40:]):
            news = await anext(self._news)
            if news.head is not None:
                self._step(news.head)
            for entry in news.entries:
                self._take(entry)
            await self._witness.changed()

    def _take(self, entry: Entry) -> None:
        assert entry.seq == len(self.entries) + 1, "without holes and without repeats"
        same = self._witness.seen.setdefault((entry.epoch, entry.seq), entry.body)
        assert same == entry.body, "no number of one epoch stands for two entries"
        known = {self.heads[-1].position.epoch, *(end.epoch for end in self.heads[-1].chain)}
        assert entry.epoch in known, "an epoch is told of before its entries"
        self.entries.append(entry)

    def _step(self, head: Head) -> None:
        assert head.position.seq <= len(self.entries)
        void = self.entries[head.position.seq :]
        for entry in void:
            ends = [end.last for end in head.chain if end.epoch == entry.epoch]
            assert not ends or entry.seq > ends[0], "only what the chain does not count is void"
        self.retracted += void
        del self.entries[head.position.seq :]
        self.heads.append(head)
