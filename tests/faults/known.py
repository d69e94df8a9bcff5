"""Targets that are known to be missed, each with its reason. Short, and meant to become empty.

A row that gets worse than its target and does not stand here makes the suite fail.
"""

from __future__ import annotations

from typing import Final

KNOWN: Final[dict[tuple[str, str], str]] = {
    ("NAT rebind of the publisher", "freeze"): (
        "aiortc sends a check each 5 s, and the server believes in no new address without one; "
        "browsers check twice as often"
    ),
}
"""By the row's name and the figure's."""
