"""What a walk found, and what it looked at: a rule that nothing was held against proves nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the facts that does not hold."""

    row: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.row}: {self.where}: {self.detail}"


@dataclass(slots=True)
class Report:
    findings: list[Finding] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    """How often each row was looked at."""

    def expect(self, row: str, holds: bool, where: str, detail: object = "") -> bool:
        """Note that a row was looked at, and a finding where it does not hold."""
        self.checked[row] += 1
        if not holds:
            self.findings.append(Finding(row, where, str(detail)[:300]))
        return holds

    def __str__(self) -> str:
        rows = [f"{count:6}  {row}" for row, count in sorted(self.checked.items())]
        return "\n".join([*rows, *(f"FINDING {one}" for one in self.findings)])
