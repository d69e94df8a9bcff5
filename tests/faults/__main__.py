"""`python -m tests.faults`: every fault that we can think of, with its target and its figure.

Prints progress while it runs, then a table and, as its last line, one JSON object. Exit code 1
when a row is worse than its target and not among the known misses.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.bench import rig
from tests.bench.page import store
from tests.faults import suite, table, verdict
from tests.faults.attempt import apart
from tests.faults.known import KNOWN

PAGE = Path("docs/reliability.md")


def main(arguments: Sequence[str] | None = None, attempt: suite.Attempting = apart) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="runs of each row")
    parser.add_argument("--only", metavar="NAME", help="rows with this in their name, or a family")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the JSON object there too")
    parser.add_argument("--store", action="store_true", help=f"write the table into {PAGE}")
    options = parser.parse_args(arguments)
    try:
        rows = table.chosen(options.only)
    except ValueError as error:
        parser.error(str(error))
    progress, began, load = Console(stderr=True), time.monotonic(), os.getloadavg()[0]
    outcomes = suite.run(
        rows, options.seeds, lambda text: progress.print(escape(text)), attempt=attempt
    )
    minutes = (time.monotonic() - began) / 60
    lines = verdict.lines(outcomes, KNOWN)
    shown = Table(*verdict.HEADER, title=f"{len(rows)} faults, {minutes:.0f} minutes")
    for line in lines:
        shown.add_row(*map(escape, line.cells))
    Console().print(shown)
    figures = json.dumps(verdict.figures(outcomes, lines, options.seeds))
    if options.json is not None:
        options.json.write_text(figures + "\n", encoding="utf-8")
    if options.store:
        about = rig.about(
            f"{len(rows)} faults, {options.seeds} seeds, {minutes:.0f} minutes, "
            f"load average {load:.1f} at the start.",
            f"python -m tests.faults --seeds {options.seeds} --store",
        )
        store("faults", about, verdict.HEADER, [line.cells for line in lines], page=PAGE)
    print(figures)
    return verdict.exit_code(lines, all_must_run=os.environ.get("CI", "").lower() == "true")


if __name__ == "__main__":
    sys.exit(main())
