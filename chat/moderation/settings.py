"""What a room is set to by whoever runs the server; its moderators' choices are `Modes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from chat.moderation.rates import RateSettings
from chat.moderation.words import Words

EMOTES: Final[Mapping[str, str]] = MappingProxyType(
    {"heart": "❤️", "fire": "🔥", "clap": "👏", "laugh": "😂", "wow": "😮", "sad": "😢"}
)


@dataclass(frozen=True, slots=True)
class RoomSettings:
    emotes: Mapping[str, str] = field(default_factory=lambda: EMOTES)
    """Name to what is shown: a character, or an address."""
    words: Words = field(default_factory=Words)
    rates: RateSettings = field(default_factory=RateSettings)
    own_delete_ms: int = 600_000
    """How long people may take back what they said."""
    dvr_ms: int = 7_200_000
    """How far back a sender's player can be: `seen` is not believed beyond it."""
    timeout_s: int = 600
    """A timeout that does not say how long."""
    lines: int = 5_000
    """Messages in memory; others are read from the log where a frame is about them."""
