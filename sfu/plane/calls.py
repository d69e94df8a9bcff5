"""Calls to the media plane that wait for their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Final, TypeVar

import msgspec

from sfu.engine import EngineBusy, OfferRefused
from sfu.plane.wire import Busy, Call, Refused, Reply, WireError, opened

CALL_S: Final = 5.0
"""More than the media plane's own patience with its threads."""
MOST: Final = 8_192
"""Unanswered at a time."""

T = TypeVar("T")


class Gone(EngineBusy):
    """There is no media plane to answer now."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    open: Callable[[msgspec.Raw], None]
    fail: Callable[[Exception], None]
    given_up: Callable[[], bool]


class Calls:
    """Numbers them and gives each its answer, or an end."""

    def __init__(self, send: Callable[[Call], bool], patience_s: float = CALL_S) -> None:
        """`send` says whether there is somebody to hear it."""
        self._send = send
        self._patience_s = patience_s
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def next_number(self) -> int:
        """For a call."""
        return next(self._numbers)

    async def ask(self, call: Call, decoder: msgspec.msgpack.Decoder[T]) -> T:
        """The answer. Raises Gone, EngineBusy or OfferRefused."""
        if len(self._waiting) >= MOST:
            raise EngineBusy("The media plane has too much to answer.")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting[call.call] = _Waiting(
            open=lambda body: answer.set_result(opened(decoder, body)),
            fail=answer.set_exception,
            given_up=answer.done,
        )
        try:
            if not self._send(call):
                raise Gone("The media plane starts again.")
            async with asyncio.timeout(self._patience_s):
                return await answer
        except TimeoutError:
            raise Gone("The media plane did not answer in time.") from None
        finally:
            self._waiting.pop(call.call, None)

    def hear(self, message: Reply | Refused | Busy) -> bool:
        """An answer came; False when nobody waits for it any more. Raises WireError."""
        waiting = self._waiting.pop(message.call, None)
        if waiting is None or waiting.given_up():
            return False
        match message:
            case Reply(_, body):
                try:
                    waiting.open(body)
                except WireError:
                    waiting.fail(Gone("The media plane talks nonsense."))
                    raise
            case Refused(_, code, detail):
                waiting.fail(OfferRefused(code, detail))
            case Busy(_, detail):
                waiting.fail(EngineBusy(detail))
        return True

    def lose(self) -> None:
        """The media plane is gone, and no answer comes any more."""
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            if not one.given_up():
                one.fail(Gone("The media plane was restarted."))
