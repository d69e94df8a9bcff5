"""`make fuzz`: every target for a while, one after the other, and a table of what came of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz import native, sdp
from tests.fuzz.outcome import Outcome, table
from tests.house.tree import ROOT

FOUND = ROOT / ".build/fuzz"
"""Outside git: what was learned, and what broke a target."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--binary", type=Path, required=True, help="the media plane's fuzzer")
    parser.add_argument("--only", action="append", help="only this target; may be repeated")
    wanted = parser.parse_args()

    outcomes: list[Outcome] = []
    for target in wanted.only or [*native.TARGETS, *sdp.TARGETS]:
        print(f"{target}: {wanted.seconds:.0f} s", file=sys.stderr, flush=True)
        crashes = FOUND / "crashes" / target
        if target in sdp.TARGETS:
            outcomes.append(sdp.fuzz(target, wanted.seconds, crashes))
        else:
            corpus = FOUND / "corpus" / target
            outcomes.append(native.fuzz(target, wanted.binary, wanted.seconds, corpus, crashes))
    print(table(outcomes))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
