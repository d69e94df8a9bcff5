"""The way between the pretend provider and us, as bad as wished: it doubles, reorders, delays and
loses, and it tries again until it is heard.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from chat.donations.provider_fake import Letter

RETRY_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances from 0 to 1, and the longest delay of a letter."""

    duplicate: float = 0.0
    lose: float = 0.0
    delay_ms: int = 0


@dataclass(order=True, slots=True)
class _Sending:
    due_ms: int
    lot: float
    """Breaks ties at random: letters of one moment arrive in any order."""
    letter: Letter = field(compare=False)


class FakeDelivery:
    """Sans I/O: `post` letters, carry what is `due`, and say what was `heard` (answered by 2xx).

    A letter that was not heard is sent again, as often as it takes; one that was heard may still
    come again where the weather doubles it.
    """

    def __init__(self, chance: random.Random, weather: Weather) -> None:
        self._chance = chance
        self._weather = weather
        self._sendings: list[_Sending] = []
        self._unheard: dict[str, Letter] = {}

    @property
    def unheard(self) -> int:
        """Letters that are not known to have been heard."""
        return len(self._unheard)

    @property
    def next_ms(self) -> int | None:
        """When something is due next."""
        return min(self._sendings).due_ms if self._sendings else None

    def post(self, letter: Letter, now_ms: int) -> None:
        self._unheard[letter.event] = letter
        self._send(letter, now_ms)
        if self._chance.random() < self._weather.duplicate:
            self._send(letter, now_ms)

    def due(self, now_ms: int) -> Sequence[Letter]:
        """What arrives now. What is lost on the way is tried again later."""
        ready = sorted(one for one in self._sendings if one.due_ms <= now_ms)
        self._sendings = [one for one in self._sendings if one.due_ms > now_ms]
        arrived = []
        for sending in ready:
            if self._chance.random() < self._weather.lose:
                self.unanswered(sending.letter, now_ms)
            else:
                arrived.append(sending.letter)
        return arrived

    def heard(self, letter: Letter) -> None:
        """It was answered by 2xx."""
        self._unheard.pop(letter.event, None)

    def unanswered(self, letter: Letter, now_ms: int) -> None:
        """It was not, or the answer was another one."""
        if letter.event in self._unheard:
            self._send(letter, now_ms + RETRY_MS)

    def _send(self, letter: Letter, now_ms: int) -> None:
        due_ms = now_ms + self._chance.randint(0, self._weather.delay_ms)
        self._sendings.append(_Sending(due_ms, self._chance.random(), letter))
