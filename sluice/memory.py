"""How often Python looks for cycles in a process that serves thousands."""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (50_000, 20, 100)
"""Of the three generations; Python's own are 700, 10 and 10."""


def settle() -> None:
    """Once, when everything that stays is there: look at what is new only, and less often.

    What thousands of connections hold is looked through again and again otherwise, for a tenth
    of a second each time, while everybody waits.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
