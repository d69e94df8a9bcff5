"""Who may have what an edge keeps. Asked for every request, in front of the cache.

With the shared secret an edge checks grants by itself. Whether a channel needs one at all, and
everything without the secret, it asks the origin at `/live-grant/{channel}` and remembers.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from bridge.edge.upstream import OriginLost
from bridge.signed import Signer, expiry
from sluice.clock import Clock
from sluice.errors import Problem
from sluice.tasks import Tasks

OPEN_S: Final = 5.0
"""For how long an open channel is taken to be still open."""
REFUSED_S: Final = 2.0
STALE_S: Final = 60.0
"""For how long the last word of an origin that is lost counts."""
MOST: Final = 100_000
"""Verdicts remembered."""

RETRY_S: Final = 1.0
"""A lost origin is not asked about the same more often."""

Asker = Callable[[str, str | None], Awaitable[int]]
"""Channel and grant to the status of the origin's answer. Raises OriginLost."""
_Question = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class _Word:
    """What the origin said."""

    status: int
    until_s: float
    """Not asked again before."""
    ends_s: float
    """Counts until then where the origin is lost."""


class Gate:
    """Remembers verdicts; the time is the wall clock's, as grants end by it."""

    def __init__(self, ask: Asker, signer: Signer | None, clock: Clock) -> None:
        self._ask = ask
        self._signer = signer
        self._clock = clock
        self._known: OrderedDict[_Question, _Word] = OrderedDict()
        self._asking: dict[_Question, asyncio.Event] = {}
        self._tasks = Tasks()

    def is_open(self, channel: str, grant: str | None) -> bool:
        """Whether that is known without asking. Costs two look-ups."""
        now_s = self._clock.wall_ms() / 1_000
        if grant is not None and self._says((channel, grant), now_s) == 204:
            return True
        if grant is None or self._signer is None:
            return self._says((channel, grant), now_s) == 204
        if self._signer.verify(grant, channel, now_s):
            ends_s = float(expiry(grant) or 0)
            self._remember((channel, grant), _Word(204, ends_s, ends_s))
            return True
        return self._says((channel, None), now_s) == 204

    async def admit(self, channel: str, grant: str | None) -> None:
        """Raises Problem when this grant, or none, does not open the channel."""
        if self.is_open(channel, grant):
            return
        now_s = self._clock.wall_ms() / 1_000
        # A grant that cannot be good is as good as none: it costs no question.
        hopeless = self._signer is not None or grant is None or (expiry(grant) or 0) <= now_s
        question = (channel, None if hopeless else grant)
        status = self._says(question, now_s)
        if status is None:
            status = await self._answer(question)
        if status == 204:
            return
        if grant is None:
            raise Problem("unauthorized", "This channel needs a signed address.")
        raise Problem("forbidden", "The signed address is not valid, or not any more.")

    async def close(self) -> None:
        await self._tasks.close()

    async def _answer(self, question: _Question) -> int:
        """The origin's word, asked for once by all who need it. Raises Problem."""
        done = self._asking.get(question)
        if done is None:
            done = self._asking[question] = asyncio.Event()
            self._tasks.spawn(self._inquire(question, done), f"grant for {question[0]}")
        await done.wait()
        now_s = self._clock.wall_ms() / 1_000
        word = self._known.get(question)
        if word is not None and now_s < word.ends_s:
            return word.status
        raise Problem("busy", "The origin cannot say who may watch.", retry_after_s=1)

    async def _inquire(self, question: _Question, done: asyncio.Event) -> None:
        try:
            status = await self._ask(*question)
            # What is no channel is nobody's secret: the origin says so better than we could.
            status = 204 if status in (200, 204, 404) else status
            if status < 500:
                until_s = self._until_s(question, status)
                self._remember(question, _Word(status, until_s, until_s + STALE_S))
            else:
                self._hold_on(question)
        except OriginLost:
            self._hold_on(question)
        finally:
            del self._asking[question]
            done.set()

    def _until_s(self, question: _Question, status: int) -> float:
        now_s = self._clock.wall_ms() / 1_000
        if status != 204:
            return now_s + REFUSED_S
        ends_s = expiry(question[1]) if question[1] is not None else None
        return float(ends_s) if ends_s is not None else now_s + OPEN_S

    def _says(self, question: _Question, now_s: float) -> int | None:
        word = self._known.get(question)
        return word.status if word is not None and now_s < word.until_s else None

    def _hold_on(self, question: _Question) -> None:
        """Nothing new was heard: what is known counts a little longer, but not for ever."""
        word = self._known.get(question)
        if word is not None:
            until_s = min(word.ends_s, self._clock.wall_ms() / 1_000 + RETRY_S)
            self._known[question] = replace(word, until_s=until_s)

    def _remember(self, question: _Question, word: _Word) -> None:
        self._known[question] = word
        self._known.move_to_end(question)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
