"""Attacks that need a peer which lies in its every word: tests of the media plane make them.

Their figures stand in the tests as bounds; a row here runs them, and says how many failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.faults.row import BUSY, Measured, NotRun, Row, Target
from tests.faults.world import World

FAMILY = "media plane"
MANIFEST = Path(__file__).parents[2] / "sfu/rust/Cargo.toml"
RESULT = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed")
LIMIT_S = 900.0
"""The first time they are compiled."""


def run(world: World, seed: int, file: str, names: tuple[str, ...]) -> Measured:
    """The tests of one file with these words in their names."""
    command = ["cargo", "test", "--manifest-path", str(MANIFEST), "--locked", "--release"]
    command += ["--quiet", "-p", "sluice-media-io", "--test", file, "--", *names]
    done = subprocess.run(
        command,
        env={**os.environ, "PYO3_PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    found = RESULT.search(done.stdout)
    if found is None:
        raise NotRun(f"cargo: {(done.stderr or done.stdout).strip()[-200:]}")
    del world, seed
    return Measured({"tests that fail": int(found[2]), "tests": int(found[1]) + int(found[2])})


def _row(name: str, file: str, *names: str) -> Row:
    return Row(
        name,
        FAMILY,
        (Target("tests that fail", 0), Target("tests", len(names), least=True)),
        partial(run, file=file, names=names),
        ("cargo",),
        LIMIT_S,
        once=True,
        cores=BUSY,
    )


ROWS = (
    _row(
        "forged TWCC and REMB",
        "forged",
        "acknowledging_what_was_never_sent",
        "acknowledging_twice",
        "absurd_limits_gain_nothing",
        "absurd_limits_are_no_news",
        "extreme_losses",
    ),
    _row("forged and repeated RTCP", "forged", "replayed_and_forged_reports", "keeps_no_viewer"),
    _row("a viewer that stops to read (TCP)", "slow", "a_viewer_that_stops_to_read"),
    _row("a panic in one peer", "peers", "a_panic_in_one_viewer", "a_panic_in_a_publisher"),
)
