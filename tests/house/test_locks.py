"""The lock files pin everything that the two pyproject.toml files ask for."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; [^\\]+)? \\$", re.MULTILINE)
RUN, DEVELOP = "requirements.txt", "requirements-dev.txt"


def pins(lock: str) -> dict[str, str]:
    found = PIN.findall((ROOT / lock).read_text())
    return {canonicalize_name(name): version for name, version in found}


def wanted(*extras: str) -> list[Requirement]:
    lines: list[str] = []
    for name in ("pyproject.toml", "mobile-sim/pyproject.toml"):
        document = tomllib.loads((ROOT / name).read_text())
        project = document["project"]
        lines += document["build-system"]["requires"]
        lines += project["dependencies"]
        for extra in extras:
            lines += project.get("optional-dependencies", {}).get(extra, [])
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(
    ("lock", "extras"), [(RUN, ("build",)), (DEVELOP, ("build", "dev"))], ids=[RUN, DEVELOP]
)
def test_a_lock_satisfies_what_is_asked_for(lock: str, extras: tuple[str, ...]) -> None:
    pinned = pins(lock)
    for requirement in wanted(*extras):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in {lock}: make lock"
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement}"


def test_the_development_lock_holds_the_same_versions() -> None:
    run = pins(RUN)
    assert run
    assert run.items() <= pins(DEVELOP).items()


@pytest.mark.parametrize("lock", [RUN, DEVELOP])
def test_every_line_is_a_pin_or_its_hash(lock: str) -> None:
    """Nothing else: no place to fetch from, no path, no unpinned name."""
    line = re.compile(r"#.*|\s*|[A-Za-z0-9._-]+==.* \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = (ROOT / lock).read_text().splitlines()
    assert [text for text in lines if not line.fullmatch(text)] == []
