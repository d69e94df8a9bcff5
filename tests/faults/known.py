"""Targets that are known to be missed, each with its reason. Short, and meant to become empty.

A row that gets worse than its target and does not stand here makes the suite fail.
"""

from __future__ import annotations

from typing import Final

KNOWN: Final[dict[tuple[str, str], str]] = {
    ("blocking reloads", "honest answers, p99"): (
        "600 requests that come at the same moment keep the event loop for a tenth of a second"
    ),
}
"""By the row's name and the figure's."""
