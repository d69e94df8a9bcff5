"""Amounts as people read and write them: lengths, moments, sizes."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from rich import filesize

_MOMENT: Final = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6})(?:\.(\d{1,6}))?", re.ASCII)


def length(ms: int) -> str:
    """Such as 0:07, 2:34 or 1:02:03."""
    minutes, seconds = divmod(ms // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def moment_us(text: str) -> int:
    """Microseconds of 83, 1:23, 1:23.5 or 1:02:03. Raises ValueError."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time: write it like 83, 1:23, 1:23.5 or 1:02:03.")
    hours, minutes, seconds = (int(part or 0) for part in found.group(1, 2, 3))
    if found[2] is not None and (seconds > 59 or (found[1] is not None and minutes > 59)):
        raise ValueError(f"{text!r} is no time: what stands after a colon is 59 at most.")
    fraction = int((found[4] or "").ljust(6, "0"))
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction


def date(ms: int, *, seconds: bool = False) -> str:
    """Of Unix milliseconds, on the clock of this machine."""
    pattern = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
    return datetime.fromtimestamp(ms / 1_000).astimezone().strftime(pattern)


def size(count: int) -> str:
    """Of bytes, such as 1.2 GB."""
    return filesize.decimal(count)
