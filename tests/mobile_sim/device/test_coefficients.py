"""Every number of the model is there, positive, and says where it comes from."""

from __future__ import annotations

from dataclasses import fields
from importlib.resources import files

import pytest

from mobile_sim.device.coefficients import Coefficients, Origin, load, provenance, read
from mobile_sim.document import DocumentError

TEXT = (files("mobile_sim.device") / "coefficients.yaml").read_text("utf-8")


def changed(name: str, line: str) -> str:
    """The file with the line of one number replaced."""
    lines = TEXT.splitlines()
    index = next(i for i, text in enumerate(lines) if text.startswith(f"{name}:"))
    lines[index] = line
    return "\n".join(lines)


def test_every_number_is_marked_and_says_why() -> None:
    marks = provenance()
    assert marks.keys() == {field.name for field in fields(Coefficients)}
    assert {mark.origin for mark in marks.values()} == set(Origin)
    assert all(len(mark.note) > 8 for mark in marks.values())


def test_the_thresholds_are_the_published_ones() -> None:
    numbers = load()
    thresholds = [numbers.skin_light_c, numbers.skin_moderate_c, numbers.skin_severe_c]
    assert [*thresholds, numbers.skin_critical_c] == [39.0, 43.0, 45.0, 46.5]
    assert provenance()["skin_critical_c"].origin is Origin.SOURCED


def test_software_costs_more_than_hardware() -> None:
    numbers = load()
    assert numbers.software_j_per_pixel > 3 * numbers.hardware_j_per_pixel


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("base_w", "base_w: {value: .nan, from: assumed, note: none}", "not a finite number"),
        ("base_w", "base_w: {value: .inf, from: assumed, note: none}", "not a finite number"),
        ("base_w", "base_w: {value: 1e999, from: assumed, note: none}", "not a finite number"),
        ("base_w", "base_w: {value: -1, from: assumed, note: none}", "not between"),
        ("base_w", "base_w: {value: 0, from: assumed, note: none}", "more than 0"),
        ("base_w", "base_w: {value: 1, note: none}", "from is missing"),
        ("base_w", "base_w: {value: 1, from: asumed, note: x}", "did you mean assumed?"),
        ("base_w", "base_w: {value: 1, from: sourced}", "note is missing"),
        ("base_w", "base_w: 1", "must hold keys and values"),
        ("base_w", "", "base_w is missing"),
        ("base_w", "bass_w: {value: 1, from: assumed, note: x}", "did you mean base_w?"),
        (
            "emissivity",
            "emissivity: {value: 2, from: assumed, note: x}",
            "emissivity is a share, at most 1",
        ),
        (
            "skin_severe_c",
            "skin_severe_c: {value: 42, from: assumed, note: x}",
            "skin_severe_c must be more than skin_moderate_c",
        ),
    ],
)
def test_a_bad_number_is_refused_with_its_line(name: str, line: str, reason: str) -> None:
    with pytest.raises(DocumentError) as error:
        read(changed(name, line), "numbers.yaml")
    assert reason in str(error.value)
    assert all(text.startswith("numbers.yaml:") for text in str(error.value).splitlines())
