"""What was said lately: by whom and when (slow mode, repeats), and in which words (unique chat)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import regex

from chat.moderation.skeleton import skeletons
from chat.people import UserId

UNIQUE_MS: Final = 600_000
"""In unique chat, nobody says what was said in this time."""
REPEAT_MS: Final = 300_000
"""So long a message may be sent again. The log knows its key for longer, so that what counts as
sent again here is never appended again there."""
_PEOPLE: Final = 50_000
_IDS: Final = 32
"""Of one person: more than may be said in half a minute."""
_TEXTS: Final = 20_000


class Said:
    """Bounded memory of a room's messages. What it forgets is as if it had not been said."""

    def __init__(self) -> None:
        self._people: OrderedDict[UserId, _Pace] = OrderedDict()
        self._texts: OrderedDict[str, int] = OrderedDict()

    def note(self, user: UserId, id: str, now_ms: int) -> None:
        """A message was let through, or came from the log. May be told twice."""
        pace = self._people.setdefault(user, _Pace())
        self._people.move_to_end(user)
        pace.last_ms = max(pace.last_ms, now_ms)
        if not pace.knows(id, now_ms):
            pace.ids.pop(id, None)
            pace.ids[id] = now_ms
            if len(pace.ids) > _IDS:
                del pace.ids[next(iter(pace.ids))]
        if len(self._people) > _PEOPLE:
            self._people.popitem(last=False)

    def note_text(self, text: str, now_ms: int) -> None:
        """What it said; only needed while the chat is unique."""
        for gist in _gists(text):
            self._texts[gist] = max(now_ms, self._texts.pop(gist, 0))
        while len(self._texts) > _TEXTS:
            self._texts.popitem(last=False)

    def repeats(self, user: UserId, id: str, now_ms: int) -> bool:
        """The client sends a message again, because it does not know what became of it."""
        pace = self._people.get(user)
        return pace is not None and pace.knows(id, now_ms)

    def slow_ms(self, user: UserId, every_ms: int, now_ms: int) -> int:
        """How long the user has to wait where everybody speaks once in `every_ms`."""
        pace = self._people.get(user)
        return 0 if pace is None else max(0, pace.last_ms + every_ms - now_ms)

    def is_new(self, text: str, now_ms: int) -> bool:
        """Nobody said it lately, nor the same with other signs and spaces."""
        return all(
            gist not in self._texts or self._texts[gist] + UNIQUE_MS <= now_ms
            for gist in _gists(text)
        )


@dataclass(slots=True)
class _Pace:
    last_ms: int = 0
    ids: dict[str, int] = field(default_factory=dict)
    """Messages by the sender's key, with the time of each."""

    def knows(self, id: str, now_ms: int) -> bool:
        said_ms = self.ids.get(id)
        return said_ms is not None and now_ms < said_ms + REPEAT_MS


_SIGN: Final = regex.compile(r"[\s\p{P}]+")


def _gists(text: str) -> set[str]:
    """What two messages have in common that say the same; signs alone are what they are."""
    return {_SIGN.sub("", view) or view for view in skeletons(text)}
