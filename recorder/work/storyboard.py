"""Small pictures of the whole VOD on a few sheets, for the seek bar, and a WebVTT that leads to
them.

Outputs `sheet-001.jpg`, ... and `storyboard.vtt`, whose cues name a place on a sheet as a media
fragment: `sheet-001.jpg#xywh=160,0,160,90`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from recorder.chapter_formats import stamp
from recorder.replay import Replay
from recorder.work.keyframes import Keyframes
from recorder.work.pixels import Canvas, Scaler, fitted, jpeg
from recorder.work.task import Facts, Report, Task, WorkError

VERSION: Final = 1

SIDE: Final = 160
"""Of a tile, the longer one, in pixels."""
INTERVAL_MS: Final = 10_000
"""From one tile to the next, where that does not make too many."""
MOST_TILES: Final = 1_000
COLUMNS: Final = 10
ROWS: Final = 10
QUALITY: Final = 6
"""Tiles are small: see `pixels.QUALITY`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which tile stands for which time, and where it is."""

    length_ms: int
    interval_ms: int
    width: int
    height: int
    """Pixels of a tile."""

    @classmethod
    def of(cls, length_ms: int, width: int, height: int) -> Layout:
        """For pictures of this size. Raises WorkError where there is nothing to show."""
        if length_ms <= 0 or not width or not height:
            raise WorkError("The recording has no pictures.")
        seconds = -(-length_ms // (MOST_TILES * 1_000))
        tile = fitted(width, height, SIDE, SIDE)
        return cls(length_ms, max(INTERVAL_MS, seconds * 1_000), *tile)

    @property
    def tiles(self) -> int:
        return -(-self.length_ms // self.interval_ms)

    @property
    def sheets(self) -> int:
        return -(-self.tiles // (COLUMNS * ROWS))

    def middle_us(self, tile: int) -> int:
        """VOD time of the middle of what a tile stands for."""
        begin = tile * self.interval_ms
        return (begin + min(begin + self.interval_ms, self.length_ms)) * 500

    def place(self, tile: int) -> tuple[int, int]:
        """Of its upper left corner on its sheet."""
        row, column = divmod(tile % (COLUMNS * ROWS), COLUMNS)
        return column * self.width, row * self.height

    def used(self, sheet: int) -> tuple[int, int]:
        """Size of a sheet in pixels: the last one has no empty rows."""
        tiles = min(COLUMNS * ROWS, self.tiles - sheet * COLUMNS * ROWS)
        return min(tiles, COLUMNS) * self.width, -(-tiles // COLUMNS) * self.height

    def vtt(self) -> str:
        """The WebVTT file."""
        cues = ["WEBVTT\n"]
        for tile in range(self.tiles):
            begin = tile * self.interval_ms
            end = min(begin + self.interval_ms, self.length_ms)
            x, y = self.place(tile)
            name = sheet_name(tile // (COLUMNS * ROWS))
            cues.append(
                f"{stamp(begin)} --> {stamp(end)}\n{name}#xywh={x},{y},{self.width},{self.height}\n"
            )
        return "\n".join(cues)


def sheet_name(sheet: int) -> str:
    """The file of a sheet, which counts from 0 here and from 1 in its name."""
    return f"sheet-{sheet + 1:03d}.jpg"


def run(task: Task, report: Report) -> Facts:
    """Raises WorkError, and MediaMissing where the media is not there now."""
    replay = Replay.of(task.recording)
    keyframes = Keyframes(replay, task.media, SIDE)
    layout = Layout.of(replay.duration_us // 1_000, *keyframes.footage.main_size())
    scaler = Scaler(layout.width, layout.height)
    tile = Canvas.black(layout.width, layout.height)
    drawn: int | None = None
    for sheet in range(layout.sheets):
        canvas = Canvas.black(COLUMNS * layout.width, ROWS * layout.height)
        first = sheet * COLUMNS * ROWS
        for number in range(first, min(first + COLUMNS * ROWS, layout.tiles)):
            at_us = layout.middle_us(number)
            nearest = keyframes.nearest(at_us)
            # Keyframes may be further apart than tiles. Where none is, what was seen before stays.
            if nearest != drawn and (picture := keyframes.near(at_us)) is not None:
                tile, drawn = scaler.fit(picture), nearest
            canvas.put(tile, *layout.place(number))
            report((number + 1) / layout.tiles)
        content = jpeg(canvas.cropped(*layout.used(sheet)), QUALITY)
        (task.out / sheet_name(sheet)).write_bytes(content)
    keyframes.check()
    (task.out / "storyboard.vtt").write_text(layout.vtt(), encoding="utf-8")
    return {
        "tiles": layout.tiles,
        "sheets": layout.sheets,
        "columns": COLUMNS,
        "rows": ROWS,
        "width": layout.width,
        "height": layout.height,
        "interval_ms": layout.interval_ms,
    }
