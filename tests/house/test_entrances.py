"""The ways in: README's two commands, the Makefile's help, and CI through the same targets."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.house.tree import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
README = (ROOT / "README.md").read_text()


def test_readme_opens_with_the_two_commands() -> None:
    first_block = README.split("```")[1]
    commands = [line.split("#")[0].strip() for line in first_block.splitlines()[1:]]
    assert [command for command in commands if command] == ["make run", "make test"]
    assert len(README.split("```")[0].splitlines()) <= 8, "the commands come right away"


def test_every_make_command_in_the_texts_is_a_target() -> None:
    for document in ROOT.glob("*.md"):
        for target in re.findall(r"`?make ([a-z-]+)`", document.read_text()):
            assert target in targets(), f"{document.name}: make {target}"


def test_plain_make_prints_a_help_line_for_every_target() -> None:
    printed = subprocess.run(
        ["make", "-C", str(ROOT)],
        capture_output=True,
        text=True,
        check=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
    ).stdout
    for target in targets() - INNER:
        assert re.search(rf"^  make {target} +\S", printed, re.MULTILINE), target


INNER = {"tools"}
"""Targets that other targets call; nobody types them."""


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))


def test_every_target_is_phony_or_a_stamp() -> None:
    phony = set(re.findall(r"^\.PHONY: ([a-z-]+)$", MAKEFILE, re.MULTILINE))
    assert targets() == phony


def test_ci_calls_the_same_targets_as_people() -> None:
    commands = [
        line.split("#")[0].split("|")[0].split("2>")[0].strip()
        for line in (ROOT / ".ci/run").read_text().splitlines()
    ]
    assert "make check" in commands
    assert "make test" in commands
    assert "make faults FAULT_FLAGS=" in commands  # each three times, and nothing written
    assert not any(re.match(r"(pytest|ruff|mypy|cargo) ", command) for command in commands)


def test_ci_scripts_are_executable_and_stop_at_the_first_error() -> None:
    for name in ("run", "nightly", "lock", "check-tools"):
        script = ROOT / ".ci" / name
        assert os.access(script, os.X_OK), name
        assert "\nset -euo pipefail\n" in script.read_text(), name
        assert subprocess.run(["bash", "-n", script]).returncode == 0, name


def test_debian_packages_are_named_once_and_only_in_the_list() -> None:
    lines = (ROOT / ".ci/packages.txt").read_text().splitlines()
    names = [line.split("#")[0].strip() for line in lines]
    names = [name for name in names if name]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name) for name in names)
    assert "packages.txt" in (ROOT / ".ci/run").read_text()


def test_the_check_for_tools_names_what_is_missing(tmp_path: Path) -> None:
    """With a PATH of nothing but the basics, it asks for cargo and a C compiler at once."""
    for program in ("bash", "dirname", "sed", "cut", "sort", "head"):
        found = subprocess.run(["which", program], capture_output=True, text=True, check=True)
        (tmp_path / program).symlink_to(found.stdout.strip())
    result = subprocess.run(
        [tmp_path / "bash", ROOT / ".ci/check-tools", "python9"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    for named in ("Python 3.11", "python9", "cargo", "C compiler"):
        assert named in result.stderr
