"""What players tell about themselves in each request: CMCD (CTA-5004), as a query argument.

A stranger wrote it, so it is bounded, typed, and used for sums only: no value in it becomes a
name of anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

LONGEST: Final = 1_024
"""Characters, decoded."""
MOST_KEYS: Final = 40
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?", re.ASCII)
_PAIR: Final = re.compile(r'([a-zA-Z][a-zA-Z0-9.-]{0,63})(?:=("(?:[^"\\]|\\.)*"|[^",]*))?(?:,|$)')


@dataclass(frozen=True, slots=True)
class Quality:
    """How playing goes, by the player's own word; None where it says nothing."""

    buffer_ms: int | None = None
    """`bl`: media in the buffer."""
    starved: bool = False
    """`bs`: the buffer ran empty since the last request: a stall."""
    startup: bool = False
    """`su`: the request is for the start, after a seek or a stall."""
    measured_kbps: int | None = None
    """`mtp`: throughput."""
    encoded_kbps: int | None = None
    """`br`: of the rung that is asked for."""
    top_kbps: int | None = None
    """`tb`: of the best rung that it could play."""
    maximum_kbps: int | None = None
    """`rtp`: more than this it does not need."""
    deadline_ms: int | None = None
    """`dl`: until the buffer is empty."""
    duration_ms: int | None = None
    """`d`: of what is asked for."""
    rate: float | None = None
    """`pr`: 1 is real time, 0 is paused."""
    kind: str = ""
    """`ot`: m(anifest), a(udio), v(ideo), av, i(nit), c(aption), tt, k(ey), o(ther)."""
    format: str = ""
    """`sf`: d(ASH), h(LS), s(mooth), o(ther)."""
    live: bool | None = None
    """`st`."""
    session: str = ""
    """`sid`: at most 64 characters. For telling sessions apart, never for a label."""


_KINDS: Final = frozenset({"m", "a", "v", "av", "i", "c", "tt", "k", "o"})
_FORMATS: Final = frozenset({"d", "h", "s", "o"})


def read_cmcd(query: str) -> Quality | None:
    """What the CMCD argument of a query says; None when there is none. Never raises: what is
    malformed or unknown is passed over.
    """
    at = 0 if query.startswith("CMCD=") else query.find("&CMCD=") + 1
    if at == 0 and not query.startswith("CMCD="):
        return None
    raw = query[at + 5 : at + 5 + 3 * LONGEST].partition("&")[0]
    return parse_cmcd(unquote_plus(raw, errors="replace")[:LONGEST])


def parse_cmcd(text: str) -> Quality:
    """The decoded value of a CMCD argument or header."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text) and len(found) < MOST_KEYS:
        match = _PAIR.match(text, at)
        if match is None:
            at = text.find(",", at) + 1
            if at == 0:
                break
            continue
        # A key without a value is true.
        found.setdefault(match[1], "true" if match[2] is None else match[2])
        at = match.end()
    stream = found.get("st", "")
    return Quality(
        buffer_ms=_number(found, "bl"),
        starved=found.get("bs") == "true",
        startup=found.get("su") == "true",
        measured_kbps=_number(found, "mtp"),
        encoded_kbps=_number(found, "br"),
        top_kbps=_number(found, "tb"),
        maximum_kbps=_number(found, "rtp"),
        deadline_ms=_number(found, "dl"),
        duration_ms=_number(found, "d"),
        rate=_decimal(found, "pr"),
        kind=_one_of(found, "ot", _KINDS),
        format=_one_of(found, "sf", _FORMATS),
        live={"l": True, "v": False}.get(stream),
        session=_text(found, "sid")[:64],
    )


def _number(found: dict[str, str], key: str) -> int | None:
    text = found.get(key, "")
    return int(text) if _NUMBER.fullmatch(text) else None


def _decimal(found: dict[str, str], key: str) -> float | None:
    text = found.get(key, "")
    return float(text) if _DECIMAL.fullmatch(text) else None


def _one_of(found: dict[str, str], key: str, allowed: frozenset[str]) -> str:
    text = found.get(key, "")
    return text if text in allowed else ""


def _text(found: dict[str, str], key: str) -> str:
    text = found.get(key, "")
    if len(text) < 2 or not text.startswith('"'):
        return ""
    return re.sub(r"\\(.)", r"\1", text[1:-1])
