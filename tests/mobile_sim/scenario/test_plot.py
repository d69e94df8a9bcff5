"""The picture is a PNG, small, the same every time, and shows two days on the same scales."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mobile_sim.device.thermal import Thermal
from mobile_sim.scenario.plot import plot
from mobile_sim.scenario.timeline import Timeline
from tests.mobile_sim.scenario.rows import CALM


def timeline(count: int, adaptation: bool = True) -> Timeline:
    rows = [
        replace(
            CALM,
            at_s=i + 1.0,
            skin_c=36 + i / 60,
            thermal=list(Thermal)[min(3, i * 4 // count)],
            rung=None if i % 97 == 50 else "720p30",
            height=0 if i % 97 == 50 else 720,
            latency_ms=None if i % 31 == 7 else 100.0 + i % 9,
            estimate=None if i < 2 else 3e6,
            capacity=None if i % 53 == 1 else 9e6,
            note="something happens" if i % 60 == 30 else "",
        )
        for i in range(count)
    ]
    return Timeline("A day", adaptation, rows)


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        image.load()
        return image.size


def test_one_day_and_two_days(tmp_path: Path) -> None:
    plot([timeline(300)], tmp_path / "one.png")
    plot([timeline(300), timeline(300, adaptation=False)], tmp_path / "two.png")
    one, two = size(tmp_path / "one.png"), size(tmp_path / "two.png")
    assert two[0] > 1.5 * one[0]
    assert (tmp_path / "two.png").stat().st_size < 150_000


def test_the_same_days_make_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        plot([timeline(60)], tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_heat_is_seen(tmp_path: Path) -> None:
    cool = Timeline("A day", True, [replace(CALM, at_s=i + 1.0) for i in range(60)])
    hot_rows = [replace(row, thermal=Thermal.CRITICAL) for row in cool]
    plot([cool], tmp_path / "cool.png")
    plot([Timeline("A day", True, hot_rows)], tmp_path / "hot.png")

    def redness(path: Path) -> float:
        with Image.open(path) as image:
            red, green, _ = image.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
        return float(red - green)

    assert redness(tmp_path / "hot.png") > redness(tmp_path / "cool.png") + 20


@pytest.mark.parametrize("seconds", [1, 2, 45, 7200])
def test_any_length_is_drawn(tmp_path: Path, seconds: int) -> None:
    plot([timeline(seconds)], tmp_path / "a.png")
    assert size(tmp_path / "a.png")[0] > 500


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    for wrong in ([], [timeline(3)] * 3, [Timeline("A day", True)]):
        with pytest.raises(ValueError, match="one or two timelines"):
            plot(wrong, tmp_path / "a.png")
