"""Tests whose real part is missing: skipped and named for people, failed in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

SOURCE = """
import pytest

@pytest.mark.needs("no-such-program")
def test_needs_a_program() -> None:
    raise AssertionError("ran without its program")

@pytest.mark.needs("sh")
def test_has_its_program() -> None: ...

def test_sees_no_settings_from_outside() -> None:
    import os
    assert "SLUICE_SERVER__PORT" not in os.environ
"""


def run_pytest(folder: Path, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_marks.py").write_text(SOURCE)
    (folder / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    options = [
        "-p",
        "no:cacheprovider",
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(folder),
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, folder / "test_marks.py"],
        env={**os.environ, "CI": ci, "SLUICE_SERVER__PORT": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )


def test_a_missing_part_is_skipped_and_named(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, ci="")
    assert result.returncode == 0, result.stdout
    assert "2 passed, 1 skipped" in result.stdout
    assert "NOT PROVEN HERE" in result.stdout
    assert "missing: no-such-program" in result.stdout


def test_a_missing_part_fails_in_ci(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, ci="true")
    assert result.returncode == 1
    assert "2 passed, 1 error" in result.stdout or "1 failed, 2 passed" in result.stdout
    assert "CI=true: a missing part fails" in result.stdout


@pytest.mark.parametrize("mark", ["browser", "netns", "needs"])
def test_the_marks_are_registered(mark: str, pytestconfig: pytest.Config) -> None:
    lines = pytestconfig.getini("markers")
    assert any(line.startswith((f"{mark}:", f"{mark}(")) for line in lines)
