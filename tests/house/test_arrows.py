"""Who may import whom, and that the check of it can fail."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, files_ending

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

FORBIDDEN = [
    ("sluice", "sfu", "floors"),
    ("sluice", "signaling", "floors"),
    ("sfu", "signaling", "floors"),
    ("sfu", "chat", "floors"),
    ("bridge", "sfu", "floors"),
    ("chat", "recorder", "floors"),
    ("recorder", "bridge", "floors"),
    ("mobile_sim", "sluice", "phone-out"),
    ("mobile_sim", "signaling", "phone-out"),
    ("sluice", "mobile_sim", "phone-in"),
    ("signaling", "mobile_sim", "phone-in"),
]


def lint_imports(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Check the packages in `folder` by the project's own contracts."""
    return subprocess.run(
        [LINT_IMPORTS, "--config", ROOT / "pyproject.toml", "--no-cache", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'mobile-sim'}"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """The same packages without content: every contract is kept."""
    for package in PACKAGES:
        folder = tmp_path / PACKAGES[package].relative_to(ROOT)
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    return tmp_path


def test_every_import_goes_the_way_of_the_arrows() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_house_without_imports_keeps_every_contract(small_house: Path) -> None:
    result = lint_imports(small_house)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(("importer", "imported", "contract"), FORBIDDEN)
def test_an_import_against_the_arrows_is_found(
    small_house: Path, importer: str, imported: str, contract: str
) -> None:
    folder = small_house / PACKAGES[importer].relative_to(ROOT)
    (folder / "wrong.py").write_text(f"import {imported}\n")

    result = lint_imports(small_house, "--contract", contract)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 1 broken" in result.stdout


def test_only_sfu_native_imports_the_rust_module() -> None:
    """The linter sees no modules that are not Python, so this arrow is read from the sources."""
    importers = {
        path
        for path in files_ending(".py")
        if any(name.endswith("_media") for name in imported_names((ROOT / path).read_text()))
    }
    assert importers <= {Path("sfu/native.py"), Path("tests/sfu/test_media.py")}


def test_no_package_imports_the_tests() -> None:
    folders = [folder.relative_to(ROOT) for folder in PACKAGES.values()]
    for path in files_ending(".py"):
        if any(path.is_relative_to(folder) for folder in folders):
            names = imported_names((ROOT / path).read_text())
            assert not any(name.split(".")[0] == "tests" for name in names), path


def test_imported_names_sees_every_form_of_import() -> None:
    source = "import a._media\nfrom sfu import _media\nfrom sfu._media import Engine\n"
    assert imported_names(source) == {"a._media", "sfu", "sfu._media", "sfu._media.Engine"}


def imported_names(source: str) -> set[str]:
    """Dotted names of all modules, and of all names out of them, that a source imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names
