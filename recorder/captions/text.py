"""Text that may be shown: what could break a file, or turn a page's text around, is left out."""

from __future__ import annotations

from typing import Final

TURNING: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Embeddings, overrides and isolates of direction. Left to themselves, letters of right-to-left
scripts stand right; the marks (LRM, RLM, ALM) that help them stay."""
INVISIBLE: Final = "\ufeff\ufff9\ufffa\ufffb\u200b\u2060"
SPACES: Final = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"

_TABLE: Final = (
    dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
    | dict.fromkeys(map(ord, TURNING + INVISIBLE))
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    | dict.fromkeys(map(ord, SPACES), " ")
)


def clean(text: str) -> str:
    """The same in one line, without control characters."""
    return text.translate(_TABLE)
