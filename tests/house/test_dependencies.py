"""What a package of ours imports, its own pyproject.toml asks for."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import PACKAGES, ROOT, files_ending

DISTRIBUTIONS = packages_distributions()


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_are_asked_for_and_not_only_there_by_chance(package: str) -> None:
    """A package that came along with another one can vanish with the next version of that."""
    folder = PACKAGES[package].relative_to(ROOT)
    asked = asked_for(package)
    for path in files_ending(".py"):
        if path.is_relative_to(folder):
            missing = {
                name
                for name in foreign_imports((ROOT / path).read_text())
                if not asked & distributions_of(name)
            }
            assert missing == set(), f"{path} imports {missing}"


def test_foreign_imports_are_those_that_come_from_elsewhere() -> None:
    source = "import os, yaml\nfrom sluice.ids import PeerId\nfrom . import x\nimport jwt.api\n"
    assert foreign_imports(source) == {"yaml", "jwt"}


def asked_for(package: str) -> set[str]:
    name = "mobile-sim/pyproject.toml" if package == "mobile_sim" else "pyproject.toml"
    project = tomllib.loads((ROOT / name).read_text())["project"]
    optional = project.get("optional-dependencies", {})
    extras = [line for extra, lines in optional.items() if extra != "dev" for line in lines]
    lines = project["dependencies"] + extras
    return {canonicalize_name(Requirement(line).name) for line in lines}


def distributions_of(name: str) -> set[str]:
    return {canonicalize_name(found) for found in DISTRIBUTIONS.get(name, [name])}


def foreign_imports(source: str) -> set[str]:
    """Top-level names that are neither the standard library's nor ours."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - PACKAGES.keys() - {"tests"}
