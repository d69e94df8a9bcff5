"""Where a scene ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recorder.work.keyframes import Keyframes
from recorder.work.pixels import Canvas
from recorder.work.scenes import LEAST, SIDE, change, look, scenes
from tests.recorder.work.roll import Luma, Roll, film


def studio(luma: Luma, number: int) -> None:
    """A bright room in which somebody moves."""
    luma[:] = np.linspace(150, 220, luma.shape[1], dtype=np.uint8)
    at = 20 + number % 60
    luma[40:, at : at + 30] = 70


def garden(luma: Luma, number: int) -> None:
    luma[:] = np.linspace(20, 90, luma.shape[0], dtype=np.uint8)[:, None]
    luma[20:60, number % 100 :][:, :20] = 120


def both(luma: Luma, number: int) -> None:
    """The garden from second 20 to second 30."""
    (garden if 600 <= number < 900 else studio)(luma, number)


def seen(folder: Path, paint: object, seconds: int = 40, gop: int = 60) -> list[int]:
    assert callable(paint)
    roll = Roll(folder)
    pictures = film(0, 30 * seconds, width=192, height=108, gop=gop, paint=paint)
    roll.take({"source": pictures})
    replay = roll.replay()
    done: list[float] = []
    found = scenes(replay, Keyframes(replay, roll.media, SIDE), done.append)
    assert done == sorted(done)
    assert all(LEAST <= one.score <= 1 for one in found)
    return [one.at_ms for one in found]


def test_a_cut_is_found_at_its_keyframe(tmp_path: Path) -> None:
    assert seen(tmp_path, both) == [20_000, 30_000]


def test_keyframes_between_those_of_the_first_look_are_seen_where_it_changed(
    tmp_path: Path,
) -> None:
    """A keyframe a second, of which each sixth is looked at first: 20 is between two of these."""
    assert seen(tmp_path, both, gop=30) == [20_000, 30_000]


def test_movement_is_no_cut(tmp_path: Path) -> None:
    assert seen(tmp_path, studio, 20) == []


def test_a_restless_picture_is_not_full_of_cuts(tmp_path: Path) -> None:
    def restless(luma: Luma, number: int) -> None:
        luma[:] = np.random.default_rng(number // 60).integers(20, 230, (1, 1))

    assert seen(tmp_path, restless) == []


def canvas(luma: int, blue: int = 128, red: int = 128) -> Canvas:
    plain = Canvas.black(64, 36, luma)
    plain.blue[:], plain.red[:] = blue, red
    return plain


@pytest.mark.parametrize(
    ("old", "new", "cut"),
    [
        (canvas(100), canvas(100), False),
        (canvas(100), canvas(104), False),
        (canvas(100), canvas(200), True),
        (canvas(100, 90, 90), canvas(120, 160, 160), True),
    ],
)
def test_changes(old: Canvas, new: Canvas, cut: bool) -> None:
    value = change(look(old), look(new))
    assert 0 <= value <= 1
    assert (value >= LEAST) == cut
