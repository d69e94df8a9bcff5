"""Works by their names: imported by children, and only read by everybody else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recorder.work import kinds
from recorder.work.kinds import NoSuchWork
from tests.recorder.jobs import works


def test_a_work_is_loaded_with_its_version() -> None:
    assert kinds.load("tests.recorder.jobs.works:writes") == (works.writes, works.VERSION)
    assert kinds.version("tests.recorder.jobs.works:writes") == works.VERSION


@pytest.mark.parametrize(
    ("source", "version"),
    [
        ("VERSION = 7\n", 7),
        ("from typing import Final\nVERSION: Final = 8\nOTHER = 1\n", 8),
        ("from typing import Final\nVERSION: Final[int] = 9\n", 9),
    ],
)
def test_a_version_is_read_without_running_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, version: int
) -> None:
    name = f"heavy_{version}"
    (tmp_path / f"{name}.py").write_text(source + "raise AssertionError('it was run')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert kinds.version(f"{name}:run") == version
    assert name not in sys.modules


@pytest.mark.parametrize("source", ["", "VERSION = make()\n", "VERSION = 'one'\n"])
def test_a_module_without_a_version_is_no_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    name = f"without_{len(source)}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NoSuchWork, match=name):
        kinds.version(f"{name}:run")


@pytest.mark.parametrize(
    "work", ["no_such_module:run", "tests.recorder.jobs.works:nothing", "json:loads", "", "json:"]
)
def test_what_is_no_work_is_refused(work: str) -> None:
    with pytest.raises(NoSuchWork):
        kinds.load(work)


def test_every_kind_has_a_work() -> None:
    assert all(work.endswith(f".{kind}:run") for kind, work in kinds.WORKS.items())
