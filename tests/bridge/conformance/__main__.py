"""`python -m tests.bridge.conformance URL [SEGMENTS]` walks a live server and says what it saw."""

from __future__ import annotations

import asyncio
import sys

from tests.bridge.conformance.walk import check


def main(arguments: list[str]) -> int:
    """0 when every row holds, 1 when one does not."""
    segments = int(arguments[1]) if len(arguments) > 1 else 2
    report = asyncio.run(check(arguments[0], segments=segments))
    print(report)
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
