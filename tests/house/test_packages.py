"""What lies in the source folders: our own typed code, in files of one noun each."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import CODE, PACKAGES, ROOMS, ROOT, files, files_ending, text

MOST_LINES = 450

EXCUSED: dict[str, str] = {}
"""Longer files that are one noun all the same, each with the reason."""

VENDORED = re.compile(
    r"(^|/)(vendor|third_party|node_modules)/|\.min\.(js|css)$|(^|/)(hls|dash)\.(?!py$)"
)


def too_long() -> set[str]:
    return {
        str(path)
        for path in files()
        if path.suffix in CODE and len((text(path) or "").splitlines()) > MOST_LINES
    }


def test_no_file_grows_past_one_noun() -> None:
    assert too_long() - EXCUSED.keys() == set()


def test_no_excuse_outlives_its_reason() -> None:
    assert EXCUSED.keys() <= too_long()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_that_it_is_typed(package: str) -> None:
    folder = PACKAGES[package]
    assert (folder / "__init__.py").is_file()
    assert (folder / "py.typed").is_file()


def test_the_distribution_holds_every_room() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert tuple(project["tool"]["maturin"]["python-packages"]) == ROOMS
    assert set(project["tool"]["importlinter"]["root_packages"]) == PACKAGES.keys()


def test_both_distributions_refuse_to_be_uploaded() -> None:
    for name in ("pyproject.toml", "mobile-sim/pyproject.toml"):
        project = tomllib.loads((ROOT / name).read_text())
        assert "Private :: Do Not Upload" in project["project"]["classifiers"], name


def test_nothing_is_vendored() -> None:
    assert [path for path in files() if VENDORED.search(path.as_posix())] == []


@pytest.mark.parametrize("path", ["web/vendor/a.js", "node_modules/x/a.js", "web/hls.min.js"])
def test_a_vendored_file_is_found(path: str) -> None:
    assert VENDORED.search(path)


def test_vague_names_are_not_used() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    assert [path for path in files_ending(*CODE) if path.stem.lower() in vague] == []


def test_sources_hold_no_built_files() -> None:
    built = {".so", ".pyc", ".whl", ".egg-info"}
    assert [path for path in files() if path.suffix in built or "target" in path.parts] == []


def test_every_module_says_what_it_is() -> None:
    """A Python file of ours opens with a docstring; a Rust file with `//!`."""
    silent = [
        path
        for path in files_ending(".py", ".rs")
        if not opens_with_words(path, (text(path) or "").lstrip())
    ]
    assert silent == []


def opens_with_words(path: Path, source: str) -> bool:
    if path.suffix == ".rs":
        return source.startswith(("//!", "/*!"))
    return not source or source.startswith(('"""', 'r"""', "#!"))
