"""A test file explains one source file, and stands where one looks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, files

ROOM_OF = {f"tests/{package}": folder.relative_to(ROOT) for package, folder in PACKAGES.items()}

SPANNING = {
    # A table of everything that a stranger can get wrong, at every door of the house.
    Path("tests/signaling/test_bad_input.py"),
    # Rules for all pages: no inline code, no other hosts, every control labelled.
    Path("tests/signaling/web/pages.test.js"),
}


def source_of(test: Path) -> list[Path]:
    """Where the source of tests/<room>/.../test_x.py or x.test.js may be; empty: no such rule."""
    room = ROOM_OF.get("/".join(test.parts[:2]))
    if room is None or test in SPANNING:
        return []
    folder = room.joinpath(*test.parts[2:-1])
    if test.name.endswith(".test.js"):
        return [folder / f"{test.name.removesuffix('.test.js')}.js"]
    if test.suffix == ".py" and test.stem.startswith("test_"):
        name = test.stem.removeprefix("test_")
        return [folder / f"{name}.py", folder / f"{name}.pyi", folder / name / "__init__.py"]
    return []


def test_what_spans_several_sources_is_there() -> None:
    assert set(files()) >= SPANNING


MIRRORS = [path for path in files() if source_of(path)]


@pytest.mark.parametrize("test", MIRRORS, ids=str)
def test_the_source_of_a_test_exists(test: Path) -> None:
    candidates = source_of(test)
    assert any(candidate in files() for candidate in candidates), f"none of {candidates}"


@pytest.mark.parametrize(
    ("test", "source"),
    [
        ("tests/sluice/test_ids.py", "sluice/ids.py"),
        ("tests/mobile_sim/test_stamp.py", "mobile-sim/mobile_sim/stamp.py"),
        ("tests/signaling/web/clock.test.js", "signaling/web/clock.js"),
        ("tests/sfu/test__media.py", "sfu/_media.pyi"),
    ],
)
def test_where_a_source_is_looked_for(test: str, source: str) -> None:
    assert Path(source) in source_of(Path(test))


def test_journeys_house_rules_and_benches_mirror_nothing() -> None:
    for free in ("tests/journeys/test_a.py", "tests/house/test_b.py", "tests/bench/test_c.py"):
        assert source_of(Path(free)) == []
