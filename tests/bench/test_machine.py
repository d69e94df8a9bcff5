"""When the machine was not the bench's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench.machine import Moment, doubt, moment


def test_the_busy_time_is_all_but_idle_and_waiting(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 20 30 9999 888 4 5 6 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    assert moment(stat).busy_s == pytest.approx(165 / os.sysconf("SC_CLK_TCK"))


def test_only_what_others_used_is_a_doubt() -> None:
    before, after = Moment(100.0, 0.0), Moment(115.0, 10.0)
    assert doubt(before, after, ours_s=15.0) is None
    assert doubt(before, after, ours_s=14.0) is None
    assert doubt(before, after, ours_s=10.0) == "others used 50 % of a core meanwhile"
