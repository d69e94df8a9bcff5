"""The bridge's bench: what it asks of ffmpeg, and what its table says."""

from __future__ import annotations

from pathlib import Path

from bridge.ladder import below
from bridge.transcode.wire import Unit
from sluice.media import Codec
from tests.bench.bridge import SIZE, Bridge, arguments, sorted_by_time, table

FOUND = Bridge(0.4, 98.0, 0.02, 0.5, 1.25, 0.004, 40.0, "libx264", [])


def test_ffmpeg_makes_the_same_rungs_as_the_process() -> None:
    command = arguments(Path("source.mkv"))
    for number, rung in enumerate(below(*SIZE)):
        assert command[command.index(f"-b:v:{number}") + 1] == str(rung.bitrate)
        assert any(f"scale={rung.width}:{rung.height}:" in word for word in command)


def test_the_table_says_how_much_more_ffmpeg_needs() -> None:
    rows = {what: figure for what, figure, _ in table(FOUND)}
    assert rows["the same by the ffmpeg command"] == "0.5 cores (1.25 times ours)"
    assert rows["three layers passed on and packaged"] == "0.40 % of a core"


def test_a_missing_ffmpeg_is_named() -> None:
    found = Bridge(0.4, 98.0, 0.02, None, None, 0.004, 40.0, "libx264", [])
    assert ("the same by the ffmpeg command", "not measured", "") in table(found)


def test_streams_are_fed_in_the_order_of_their_times() -> None:
    units = [Unit(Codec.OPUS, time, True, b"") for time in (0, 20, 40)]
    assert sorted_by_time(units[1:2], units[::2]) == units
