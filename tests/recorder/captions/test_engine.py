"""Which engines there are, and what is said when one cannot be used."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from recorder.captions import engine
from recorder.captions.engine import (
    ENGINES,
    EngineMissing,
    Kind,
    check,
    engines_for,
    only,
    open_engine,
    primary,
)


def test_english_works_out_of_the_box() -> None:
    assert [one.name for one in engines_for("en-US")] == ["pocketsphinx"]
    assert engines_for("de") == []
    assert check("pocketsphinx", None, "EN").installed


def test_a_language_is_the_first_part_of_its_tag() -> None:
    assert [primary(one) for one in ("en", "en-US", "zh-Hant-TW")] == ["en", "en", "zh"]


@pytest.mark.parametrize(
    ("name", "folder", "language", "problem"),
    [
        ("unknown", None, "en", "There is no engine 'unknown'. Choose one of: pocketsphinx,"),
        ("pocketsphinx", None, "de", "needs a model for 'de': name the model's folder. Without"),
        ("pocketsphinx", Path("nowhere"), "de", "There is no folder nowhere. Name the model's"),
        ("absent", None, "en", "is not installed. Install it beside Sluice: pip install absent-x"),
    ],
)
def test_an_engine_that_cannot_be_used_says_what_to_do(
    name: str,
    folder: Path | None,
    language: str,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    absent = Kind("absent", "x", "no_such_package", "absent-x", ("en",))
    monkeypatch.setattr(engine, "ENGINES", ENGINES | {"absent": absent})
    with pytest.raises(EngineMissing) as caught:
        open_engine(name, folder, language)
    assert problem in str(caught.value)


def test_a_folder_that_is_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="there is no acoustic model"):
        open_engine("pocketsphinx", tmp_path, "de")


def test_a_model_that_does_not_load_is_told(tmp_path: Path) -> None:
    package = importlib.util.find_spec("pocketsphinx")
    assert package is not None
    assert package.origin is not None
    acoustic = Path(package.origin).parent / "model/en-us/en-us"
    (tmp_path / "en").symlink_to(acoustic)
    for name in ("broken.lm.bin", "broken.dict"):
        (tmp_path / name).write_text("no model")
    with pytest.raises(EngineMissing, match="The model of the engine pocketsphinx does not load"):
        open_engine("pocketsphinx", tmp_path, "de")


def test_the_first_pattern_that_fits_gives_the_file(tmp_path: Path) -> None:
    for name in ("b.bin", "a.bin", "a.int8.bin"):
        (tmp_path / name).touch()
    assert only(tmp_path, ["*.int8.bin", "*.bin"], "model").name == "a.int8.bin"
    assert only(tmp_path, ["x", "*.bin"], "model").name == "a.bin"
    with pytest.raises(EngineMissing, match=r"no such model: there is no model \(x or y\) in it"):
        only(tmp_path, ["x", "y"], "model")
