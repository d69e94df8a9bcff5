"""What /proc says of a process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from signaling.process_meter import ProcessGone, ProcessMeter


def write_stat(proc: Path, *, ticks: int = 250, pages: int = 100, started: int = 7) -> None:
    """`stat` of proc(5): state, 10 fields, utime, stime, 6 fields, start, size, pages, rest."""
    rest = ["S", *["0"] * 10, str(ticks - 50), "50", *["0"] * 6, str(started), "0", str(pages)]
    (proc / "42").mkdir(exist_ok=True)
    (proc / "42" / "stat").write_text(f"42 (odd ) name) {' '.join(rest)} 0 0\n")


def test_cpu_time_and_memory_are_read_whatever_the_name(tmp_path: Path) -> None:
    write_stat(tmp_path)
    usage = ProcessMeter(42, tmp_path).read()
    assert usage.cpu_s == pytest.approx(250 / os.sysconf("SC_CLK_TCK"))
    assert usage.rss_kb == 100 * os.sysconf("SC_PAGE_SIZE") // 1024


def test_a_process_that_took_over_the_number_is_not_the_same(tmp_path: Path) -> None:
    write_stat(tmp_path)
    meter = ProcessMeter(42, tmp_path)
    write_stat(tmp_path, started=8)
    with pytest.raises(ProcessGone, match="another"):
        meter.read()


def test_a_process_that_is_not_there_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ProcessGone, match="42"):
        ProcessMeter(42, tmp_path)


def test_this_very_process_has_used_some_of_both() -> None:
    usage = ProcessMeter(os.getpid()).read()
    assert usage.cpu_s > 0
    assert usage.rss_kb > 1000
