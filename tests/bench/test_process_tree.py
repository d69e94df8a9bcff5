"""What a process and all that it started use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from signaling.process_meter import ProcessGone
from tests.bench.process_tree import TreeMeter, by_role, role, tree

TICK = os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


def process(proc: Path, pid: int, parent: int, *words: str, ticks: int = 10) -> None:
    """`ticks` of its own, and twice as many of children that ended."""
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    for number in range(2):
        (folder / "fd" / str(number)).touch()
    rest = ["S", str(parent), *["0"] * 9, str(ticks), "0", str(ticks * 2), "0", "0", "0", "3"]
    rest += ["0", "7", "0", "100"]
    (folder / "stat").write_text(f"{pid} (a ) b) {' '.join(rest)} 0\n")
    (folder / "cmdline").write_bytes(b"\0".join(word.encode() for word in words) + b"\0")


def test_a_tree_is_a_process_and_all_below_it_and_no_other(tmp_path: Path) -> None:
    process(tmp_path, 5, 1, "/venv/bin/python", "/venv/bin/sluice", "serve", "--config", "x")
    process(tmp_path, 6, 5, "/usr/bin/python3", "-P", "-m", "bridge.transcode", "3")
    process(tmp_path, 7, 6, "/usr/bin/ffmpeg", "-i")
    process(tmp_path, 8, 1, "/usr/bin/other")
    (tmp_path / "self").mkdir()
    found = tree(5, tmp_path)
    assert {one.pid for one in found} == {5, 6, 7}
    assert {one.files for one in found} == {2}
    assert {one.threads for one in found} == {3}
    assert by_role(found) == dict.fromkeys(
        ("sluice serve", "bridge.transcode", "ffmpeg"), 100 * PAGE_KB
    )


def test_the_time_of_children_that_ended_is_not_forgotten(tmp_path: Path) -> None:
    process(tmp_path, 5, 1, "a")
    process(tmp_path, 6, 5, "b", ticks=TICK)
    usage = TreeMeter(5, tmp_path).read()
    assert usage.cpu_s == pytest.approx(3 + 30 / TICK)
    assert usage.rss_kb == 200 * PAGE_KB


def test_a_root_that_is_not_there_is_gone(tmp_path: Path) -> None:
    process(tmp_path, 5, 1, "a")
    with pytest.raises(ProcessGone, match="9"):
        TreeMeter(9, tmp_path)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "?"),
        (["/bin/python3.11", "/x/sluice", "serve"], "sluice serve"),
        (["/bin/python3.11", "-I", "-m", "a.b", "-m", "c"], "a.b"),
        (["/bin/python3.11"], "python3.11"),
    ],
)
def test_a_role_is_what_a_command_line_runs(words: list[str], name: str) -> None:
    assert role(words) == name


def test_this_process_is_the_root_of_its_tree() -> None:
    found = tree(os.getpid())
    assert found[0].pid == os.getpid()
    assert found[0].rss_kb > 1_000
    assert found[0].files > 0
