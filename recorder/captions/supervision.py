"""When a caption process counts as hung, when it is started again, and when that is given up.

Pure: every call gets the time, in seconds of any clock that only rises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Before each try after a death; when they are used up, it is given up."""
STEADY_S: Final = 60.0
"""A life of so long, and the next death counts as the first."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until it counts as hung."""

    open_s: float = 120.0
    """While it loads its model."""
    silence_s: float = 30.0
    """Without a sign of life."""
    answer_s: float = 60.0
    """Without an answer, while it has sound."""


class Supervision:
    """Of one broadcast."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0
        self._born_s = 0.0
        self._ready = False
        self._said_s = 0.0
        self._owed_s: float | None = None
        """Since when it has sound and gave no answer."""
        self.deaths = 0

    def born(self, now_s: float) -> None:
        self._born_s = self._said_s = now_s
        self._ready = False
        self._owed_s = None

    def ready(self) -> None:
        """Its model is loaded."""
        self._ready = True

    def said(self, now_s: float) -> None:
        """It said something, whatever it was."""
        self._said_s = now_s

    def owes(self, now_s: float, flying: bool, answered: bool = False) -> None:
        """Whether it has sound that it did not answer for; `answered`: it just did, for some."""
        if not flying:
            self._owed_s = None
        elif answered or self._owed_s is None:
            self._owed_s = now_s

    def hung(self, now_s: float) -> str:
        """Why it must be ended; empty: it need not."""
        if not self._ready:
            if now_s - self._born_s > self._patience.open_s:
                return "its model is not loaded after so long"
        elif now_s - self._said_s > self._patience.silence_s:
            return "it is silent"
        elif self._owed_s is not None and now_s - self._owed_s > self._patience.answer_s:
            return "it does not answer"
        return ""

    def died(self, now_s: float) -> float | None:
        """Seconds to wait before it is started again; None: it is given up."""
        self.deaths += 1
        if now_s - self._born_s >= STEADY_S:
            self._failures = 0
        self._failures += 1
        return BACKOFF_S[self._failures - 1] if self._failures <= len(BACKOFF_S) else None
