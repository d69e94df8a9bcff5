"""The media plane's readers under libFuzzer."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from tests.fuzz.outcome import Outcome
from tests.house.tree import ROOT

SEEDS = ROOT / "sfu/rust/fuzz/seeds"
TARGETS = sorted(folder.name for folder in SEEDS.iterdir())
LONGEST = 4096
"""Bytes of an input; datagrams are shorter."""
OPTIONS = ("-timeout=5", "-rss_limit_mb=1024", f"-max_len={LONGEST}", "-print_final_stats=1")

RUNS = re.compile(r"stat::number_of_executed_units: (\d+)")
CRASH = re.compile(r"Test unit written to (\S+)")


def fuzz(target: str, binary: Path, seconds: float, corpus: Path, crashes: Path) -> Outcome:
    """Run one target for so long, or until an input breaks it.

    What it learns stays in `corpus`, so the next run goes on from there.
    """
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    result = subprocess.run(
        [
            binary.resolve(),
            corpus,
            SEEDS / target,
            f"-max_total_time={seconds:.0f}",
            f"-artifact_prefix={crashes}/",
            *OPTIONS,
        ],
        env={**os.environ, "FUZZ_TARGET": target},
        capture_output=True,
        text=True,
        errors="replace",
    )
    return outcome(target, result.returncode, result.stderr, time.monotonic() - begin)


def outcome(target: str, status: int, said: str, seconds: float) -> Outcome:
    """What libFuzzer's last words mean."""
    runs = RUNS.findall(said)
    crash = CRASH.findall(said)
    detail = ""
    if status:
        panics = re.findall(r"panicked at .*(?:\n.*)?", said)
        last = said.strip().splitlines()[-1:] or [f"exit status {status}"]
        detail = " ".join((panics or last)[0].split())
    return Outcome(
        target,
        int(runs[-1]) if runs else 0,
        seconds,
        Path(crash[-1]) if crash else None,
        detail,
    )
