"""Waiting for something real: looked at again and again, never longer than said."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_S = 0.05


def until(what: str, look: Callable[[], T | None], within_s: float) -> T:
    """The first truthy value of `look`.

    Raises TimeoutError, with `what` was waited for and what was seen last.
    """
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:g} s: {what} (last seen: {seen!r})")
        time.sleep(LOOK_S)
    return seen
