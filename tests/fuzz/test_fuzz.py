"""The fuzz targets take their seeds, and a target that breaks is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import native, sdp
from tests.fuzz.outcome import Outcome, table

DONE = "Done 528632 runs in 9 second(s)\nstat::number_of_executed_units: 528632\n"
BROKEN = """
thread '<unnamed>' panicked at core/src/x.rs:7:5:
attempt to add with overflow
SUMMARY: libFuzzer: deadly signal
artifact_prefix='x/'; Test unit written to x/crash-0123
stat::number_of_executed_units: 12
"""


@pytest.mark.parametrize("target", sdp.TARGETS)
def test_a_target_takes_its_seeds_whole_and_cut_short(target: str) -> None:
    found = sdp.seeds(target)
    assert found
    for body in found:
        for end in range(len(body) + 1):
            sdp.TARGETS[target](body[:end])


def test_every_folder_of_seeds_has_its_target() -> None:
    assert {folder.name for folder in sdp.SEEDS.iterdir()} == sdp.TARGETS.keys()


def test_a_reader_that_holds_is_fuzzed_to_the_end_of_its_time(tmp_path: Path) -> None:
    outcome = sdp.fuzz("sdpfrag", 0, tmp_path)
    assert outcome.passed
    assert outcome.runs >= sdp.BATCH
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_breaks_leaves_its_input_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(body: bytes) -> None:
        if b"candidate" in body:
            raise ZeroDivisionError

    monkeypatch.setitem(sdp.TARGETS, "sdpfrag", breaks)
    outcome = sdp.fuzz("sdpfrag", 600, tmp_path / "new")
    assert outcome.crash is not None
    assert b"candidate" in outcome.crash.read_bytes()
    assert not outcome.passed
    assert "ZeroDivisionError" in outcome.detail


def test_what_libfuzzer_says_is_understood() -> None:
    assert native.outcome("rtcp", 0, DONE, 9) == Outcome("rtcp", 528632, 9)
    broken = native.outcome("rtcp", 77, BROKEN, 2)
    assert (broken.runs, broken.crash) == (12, Path("x/crash-0123"))
    assert "core/src/x.rs:7:5: attempt to add with overflow" in broken.detail
    assert not native.outcome("rtcp", 1, "", 0).passed


def test_the_table_names_what_broke() -> None:
    lines = table(
        [Outcome("rtcp", 1000, 2), Outcome("demux", 1, 0, Path("x/crash-1"), "overflow")]
    ).splitlines()
    assert lines[0].split() == ["target", "runs", "runs/s", "result"]
    assert lines[1].split() == ["rtcp", "1000", "500", "ok"]
    assert lines[2].split() == ["demux", "1", "0", "BROKEN", "x/crash-1", "overflow"]
