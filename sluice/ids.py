"""The names things go by. Each is its own type, so that one cannot be passed for another."""

from __future__ import annotations

import re
import secrets
from typing import NewType

ChannelId = NewType("ChannelId", str)
"""A streamer's lasting place, as it stands in URLs: 1-64 of ``a-z 0-9 _ -``."""

PeerId = NewType("PeerId", int)
"""One WebRTC peer inside the media engine. Never shown to strangers: see SessionId."""

SessionId = NewType("SessionId", str)
"""The unguessable last part of a WHIP or WHEP session URL (RFC 9725 section 4.2)."""

CHANNEL_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def parse_channel_id(text: str) -> ChannelId | None:
    """Return the channel id, or None when ``text`` cannot be one."""
    return ChannelId(text) if CHANNEL_PATTERN.fullmatch(text) else None


def new_session_id() -> SessionId:
    """128 random bits: a session URL is also the permission to end the session."""
    return SessionId(secrets.token_urlsafe(16))
