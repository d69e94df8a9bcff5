"""What donors write, by the room's rules for texts."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from chat.moderation.parts import LinkPart, Part, TextPart, split
from chat.moderation.settings import EMOTES
from chat.moderation.text import Unfit, clean
from chat.moderation.words import Words

TEXT_LONGEST: Final = 300
NAME_LONGEST: Final = 40


class Wording:
    """Word lists and emotes as rooms have them."""

    def __init__(self, words: Words | None = None, emotes: Container[str] = EMOTES) -> None:
        self._words = words or Words()
        self._emotes = emotes

    def message(self, text: str) -> str:
        """As it is kept; may be empty. Raises Unfit: before anybody pays for it."""
        return self._clean(text, TEXT_LONGEST)

    def name(self, text: str) -> str:
        """As it is shown. Empty: the donor wants to stay unknown. Raises Unfit."""
        name = self._clean(text, NAME_LONGEST)
        if self._words.find(name) is not None:
            raise Unfit("Please choose another name.")
        return name

    def parts(self, message: str) -> list[Part] | None:
        """As a room shows it; None: it is not to be shown, since no moderator has seen it.

        Addresses stay plain text, and nobody is called: money must not buy either.
        """
        if self._words.find(message) is not None:
            return None
        return [
            TextPart(part.v) if isinstance(part, LinkPart) else part
            for part in split(message, self._emotes, lambda name: None)
        ]

    def _clean(self, text: str, longest: int) -> str:
        if not text.strip():
            return ""
        cleaned = clean(text, longest, longest * 4)
        if self._words.find(cleaned) == "block":
            raise Unfit("It holds a word that is not for this room.")
        return cleaned
