"""How bad one thing is, without flicker: worse after a while, better after a longer one."""

from __future__ import annotations


class Alarm:
    """0 is quiet, 1 a warning, 2 urgent. It rises after `raise_ms` and falls after `calm_ms` in
    which every reading said so.

    A reading is two severities: `up` by the values at which one is alarmed, `stay` by the milder
    ones at which one still is; between them nothing changes.
    """

    def __init__(self, raise_ms: int, calm_ms: int) -> None:
        self._raise_ms = raise_ms
        self._calm_ms = calm_ms
        self.severity = 0
        self._worse: tuple[int, int] | None = None
        """How bad at least, and since when."""
        self._better: tuple[int, int] | None = None
        """How bad at most, and since when."""

    def read(self, up: int, stay: int, now_ms: int) -> int:
        """Take a reading; the severity from now on."""
        stay = max(stay, up)
        if up > self.severity:
            least, since_ms = self._worse or (up, now_ms)
            self._worse, self._better = (min(least, up), since_ms), None
            if now_ms - since_ms >= self._raise_ms:
                # What was seen all the time; more of it may follow.
                self.severity, self._worse = self._worse[0], None
        elif stay < self.severity:
            most, since_ms = self._better or (stay, now_ms)
            self._better, self._worse = (max(most, stay), since_ms), None
            if now_ms - since_ms >= self._calm_ms:
                self.severity, self._better = self._better[0], None
        else:
            self._worse = self._better = None
        return self.severity
