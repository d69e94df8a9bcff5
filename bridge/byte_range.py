"""The Range header (RFC 9110 section 14), for bodies whose length is known."""

from __future__ import annotations

import re
from typing import Final

_ONE: Final = re.compile(r"bytes=\s*([0-9]{0,15})-([0-9]{0,15})\s*")


class NotSatisfiable(Exception):
    """The range lies behind the end: 416."""


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last. None: answer with the whole, which a server may
    always do, and which is also the answer to what cannot be read and to more than one range.

    Raises NotSatisfiable.
    """
    form = _ONE.fullmatch(header) if header is not None and len(header) < 100 else None
    if form is None or not (form[1] or form[2]):
        return None
    if not form[1]:
        suffix = int(form[2])
        if suffix == 0 or size == 0:
            raise NotSatisfiable(header)
        return max(0, size - suffix), size
    first, last = int(form[1]), int(form[2]) if form[2] else size - 1
    if form[2] and last < first:
        return None
    if first >= size:
        raise NotSatisfiable(header)
    return first, min(last + 1, size)
