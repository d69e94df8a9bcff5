"""Sheets of tiles, and the file that says which tile is when."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mobile_sim import stamp
from recorder.work import storyboard
from recorder.work.storyboard import MOST_TILES, Layout
from recorder.work.task import WorkError
from tests.recorder.work.roll import Luma, Roll, film, sound, tone


def picture(path: Path) -> Luma:
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        return np.asarray(frame.to_ndarray(format="gray"), np.uint8)


def test_a_tile_each_10_s_shows_the_keyframe_nearest_to_its_middle(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 750, gop=60)})
    done: list[float] = []
    facts = storyboard.run(roll.task(tmp_path / "out", "storyboard"), done.append)
    assert facts == {
        "tiles": 3,
        "sheets": 1,
        "columns": 10,
        "rows": 10,
        "width": 160,
        "height": 90,
        "interval_ms": 10_000,
    }
    sheet = picture(tmp_path / "out" / "sheet-001.jpg")
    assert sheet.shape == (90, 480)
    # The barcode is small here, but 5 pixels are enough for a bit of it.
    shown = [stamp.read(sheet[:, 160 * tile : 160 * tile + 160]) for tile in range(3)]
    assert [one and one.counter for one in shown] == [120, 420, 660]
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_the_vtt_leads_to_the_tiles(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 750, gop=60)})
    storyboard.run(roll.task(tmp_path / "out", "storyboard"), lambda done: None)
    assert (tmp_path / "out" / "storyboard.vtt").read_text() == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:10.000\nsheet-001.jpg#xywh=0,0,160,90\n\n"
        "00:00:10.000 --> 00:00:20.000\nsheet-001.jpg#xywh=160,0,160,90\n\n"
        "00:00:20.000 --> 00:00:25.000\nsheet-001.jpg#xywh=320,0,160,90\n"
    )


def test_another_shape_is_shown_whole_on_black(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 450, gop=60)})
    roll.take({"source": film(450, 150, gop=60, width=180, height=320)}, at_s=15, breaks=True)
    storyboard.run(roll.task(tmp_path / "out", "storyboard"), lambda done: None)
    sheet = picture(tmp_path / "out" / "sheet-001.jpg")
    upright = sheet[:, 160:320]
    assert upright[50, :50].max() < 10
    assert upright[50, 110:].max() < 10
    assert upright[50, 60:100].min() > 50


def test_a_broken_stretch_shows_what_was_before(tmp_path: Path) -> None:
    roll = Roll(tmp_path, segments_a_chunk=10)
    roll.take({"source": film(0, 1_200, gop=30, width=192, height=108)})
    replay = roll.replay()
    path = roll.folder / "source-000002.mp4"
    path.write_bytes(bytes(path.stat().st_size))
    out = tmp_path / "out"
    facts = storyboard.run(roll.task(out, "storyboard"), lambda done: None)
    assert facts["tiles"] == 4
    assert replay.duration_us == 40_000_000
    sheet = picture(out / "sheet-001.jpg")
    shown = [stamp.read(sheet[:, 160 * tile : 160 * tile + 160]) for tile in range(4)]
    assert [one and one.counter for one in shown] == [150, 150, 750, 1_050]


def test_sound_alone_has_no_storyboard(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({}, sound(tone(3)))
    with pytest.raises(WorkError, match="no pictures"):
        storyboard.run(roll.task(tmp_path / "out", "storyboard"), lambda done: None)


def test_tiles_are_further_apart_in_a_long_vod() -> None:
    day = Layout.of(24 * 3_600_000, 1_920, 1_080)
    assert day.interval_ms == 87_000
    assert day.tiles == 994 <= MOST_TILES
    assert day.sheets == 10
    assert day.used(0) == (1_600, 900)
    assert day.used(9) == (1_600, 900)
    assert day.place(993) == (3 * 160, 9 * 90)
    hour = Layout.of(3_600_000, 1_080, 1_920)
    assert (hour.width, hour.height) == (90, 160)
    assert (hour.tiles, hour.sheets) == (360, 4)
    assert hour.used(3) == (900, 960)


def test_cues_follow_each_other_to_the_very_end() -> None:
    layout = Layout.of(12_345_678, 640, 480)
    times = re.findall(r"(\d+):(\d+):(\d+\.\d+)", layout.vtt())
    seconds = [3_600 * int(h) + 60 * int(m) + Fraction(s) for h, m, s in times]
    assert seconds[0] == 0
    assert seconds[1:-1:2] == seconds[2::2]
    assert seconds[-1] == Fraction("12345.678")
