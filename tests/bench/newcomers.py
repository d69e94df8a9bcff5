"""People who come while others watch: how long until the picture, and what stood in their way.

Each has a load client of its own, so that its times are its own, and does what a player does:
where it is refused it comes again when `Retry-After` says so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from signaling.load_client import LoadClient
from signaling.load_door import Clock
from tests.bench.bad_http import Caller

PATIENCE_S: Final = 20.0
LOOK_S: Final = 0.01
AGAIN_S: Final = 1.0
"""Where the answer does not say when."""
SDP: Final = {"Content-Type": "application/sdp"}


@dataclass(slots=True)
class Newcomers:
    """All that came."""

    path: str
    """Of the WHEP endpoint."""
    caller: Callable[[], Caller]
    """A connection for one of them."""
    load: Callable[[], LoadClient]
    """A client for one viewer."""
    clock: Clock
    joined_ms: list[float] = field(default_factory=list)
    """From the first try to the first whole keyframe."""
    first_try: int = 0
    """Joined without a refusal."""
    given_up: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Tries, by status or error."""

    async def come(self, count: int, seconds: float) -> None:
        """Evenly over the time."""
        start = self.clock.now()
        async with asyncio.TaskGroup() as work:
            for number in range(count):
                await self.clock.sleep(start + number * seconds / count - self.clock.now())
                work.create_task(self.one())

    async def one(self) -> None:
        """Until the picture is there, or patience ends; then it leaves."""
        load, caller, start = self.load(), self.caller(), self.clock.now()
        location = None
        try:
            tries = 0
            while location is None and self.clock.now() - start < PATIENCE_S:
                tries += 1
                location = await self._try(load, caller)
            if location is not None and await self._sees(load, start):
                self.joined_ms.append(1000 * (self.clock.now() - start))
                self.first_try += tries == 1
            else:
                self.given_up += 1
        finally:
            await asyncio.to_thread(load.stop)
            if location is not None:
                await self._leave(caller, location)
            caller.close()

    async def _try(self, load: LoadClient, caller: Caller) -> str | None:
        """The session's address, or None after the time that a refusal asks for."""
        viewer, offer = await asyncio.to_thread(load.offer)
        wait_s = AGAIN_S
        try:
            answer = await caller.ask("POST", self.path, offer.encode(), SDP)
        except (OSError, EOFError) as error:
            self.refused[type(error).__name__] += 1
        else:
            if answer.status == 201 and answer.location is not None:
                await asyncio.to_thread(load.answer, viewer, answer.body.decode())
                return answer.location
            self.refused[str(answer.status)] += 1
            wait_s = answer.retry_after_s or AGAIN_S
        await asyncio.to_thread(load.remove, viewer)
        await self.clock.sleep(wait_s)
        return None

    async def _sees(self, load: LoadClient, start: float) -> bool:
        while self.clock.now() - start < PATIENCE_S:
            if (await asyncio.to_thread(load.report)).join_keyframe_ms:
                return True
            await self.clock.sleep(LOOK_S)
        return False

    async def _leave(self, caller: Caller, location: str) -> None:
        try:
            await caller.ask("DELETE", location)
        except (OSError, EOFError) as error:
            self.refused[f"DELETE: {type(error).__name__}"] += 1
