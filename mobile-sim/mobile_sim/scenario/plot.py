"""A timeline as a picture, or two side by side on the same scales."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MultipleLocator
from PIL import Image

from mobile_sim.device import coefficients
from mobile_sim.device.ladder import LADDER
from mobile_sim.device.thermal import Thermal
from mobile_sim.scenario.timeline import CAVEAT, Connected, Row, Timeline, clock, spans

INK, FAINT, GRID = "#1f2933", "#6b7785", "#e3e8ee"
BLUE, TEAL, ORANGE, RED, PURPLE = "#1f6feb", "#0f8b8d", "#d9730d", "#c8323c", "#7c4dbd"
HEAT = {
    Thermal.NOMINAL: "#e2f1e4",
    Thermal.FAIR: "#fdf3d0",
    Thermal.SERIOUS: "#fbdcb8",
    Thermal.CRITICAL: "#f4b6b6",
}
COLORS = 256
MOST_POINTS = 1200
"""A second a pixel is enough; more only makes the file larger."""

MOST_NOTES = 40
MOST_LINES = 24
COLUMN_INCHES, PANEL_INCHES = 6.6, 9.2
HEAD_INCHES, FOOT_INCHES, LINE_INCHES = 1.32, 1.06, 0.15

Draw = Callable[[Axes, Sequence[Row]], None]
Note = tuple[float, str]


def plot(timelines: Sequence[Timeline], path: Path) -> None:
    """Write one or two timelines to a PNG. Raises ValueError for none or more, or without rows.

    What is written is the same for the same timelines.
    """
    if not 1 <= len(timelines) <= 2 or not all(len(timeline) for timeline in timelines):
        raise ValueError("a plot shows one or two timelines with rows")
    notes = [_notes(timeline.rows) for timeline in timelines]
    listed = [_listed(entries) for entries in notes]
    foot = FOOT_INCHES + LINE_INCHES * max(len(lines) for lines in listed)
    height = HEAD_INCHES + PANEL_INCHES + foot
    width = COLUMN_INCHES * len(timelines) + 0.6
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.subplots(
        len(PANELS),
        len(timelines),
        sharex=True,
        sharey="row",
        squeeze=False,
        gridspec_kw={
            "height_ratios": [share for _, share in PANELS],
            "left": 0.72 / width,
            "right": 1 - 0.22 / width,
            "top": 1 - HEAD_INCHES / height,
            "bottom": foot / height,
            "hspace": 0.16,
            "wspace": 0.07,
        },
    )
    columns: list[list[Axes]] = grid.T.tolist()
    for column, timeline in enumerate(timelines):
        axes = columns[column]
        _column(axes, timeline, notes[column])
        if column:
            for axis in axes:
                axis.set_ylabel("")
        at = axes[0].get_position().x0, (foot - FOOT_INCHES + 0.32) / height
        figure.text(*at, "\n".join(listed[column]), va="top", fontsize=7.5, color=FAINT)
    _legends(columns[-1])
    _write_around(figure, timelines[0].name, (foot - FOOT_INCHES + 0.34) / height)
    drawn = BytesIO()
    figure.savefig(drawn, format="png", pil_kwargs={"compress_level": 0})
    # A third of the bytes, and nobody sees it: there are few colours.
    image = Image.open(drawn).convert("RGB").quantize(COLORS, Image.Quantize.MAXCOVERAGE)
    image.save(path, format="png", optimize=True)


def _bitrate(axis: Axes, rows: Sequence[Row]) -> None:
    at = _minutes(rows)
    axis.plot(
        at,
        _mega(_calmed([row.capacity for row in rows])),
        color="#a9b4c0",
        lw=0.7,
        label="the link carries",
    )
    axis.plot(
        at, _mega(_calmed([row.estimate for row in rows])), color=ORANGE, lw=1.0, label="estimate"
    )
    axis.plot(at, _mega(_calmed([row.bitrate for row in rows])), color=BLUE, lw=1.4, label="sent")
    axis.set_ylabel("Mbit/s")
    # What the link carries beyond that does not matter, and would make the rest small.
    highest = max(max(row.bitrate, row.estimate or 0) for row in rows) / 1e6
    _reach(axis, 1.5 * highest)


def _picture(axis: Axes, rows: Sequence[Row]) -> None:
    at = _minutes(rows)
    live = [row.height if row.connected is Connected.LIVE else 0 for row in rows]
    axis.fill_between(at, live, step="post", color=TEAL, alpha=0.16, lw=0)
    axis.step(at, live, where="post", color=TEAL, lw=1.5, label="height, pixels")
    axis.step(
        at,
        [row.fps * 10 for row in rows],
        where="post",
        color=PURPLE,
        lw=1.0,
        ls="--",
        label="pictures a second x 10",
    )
    dark = [height == 0 for height in live]
    axis.fill_between(
        at,
        0,
        1,
        where=dark,
        step="post",
        transform=axis.get_xaxis_transform(),
        color=INK,
        alpha=0.45,
        lw=0,
        label="no picture",
    )
    axis.set_ylabel("picture")
    axis.set_ylim(0, 1320)
    axis.set_yticks(sorted({rung.height for rung in LADDER} - {270, 540} | {0}))


def _temperature(axis: Axes, rows: Sequence[Row]) -> None:
    at = _minutes(rows)
    axis.plot(at, [row.skin_c for row in rows], color=RED, lw=1.7, label="skin")
    axis.plot(at, [row.chip_c for row in rows], color=FAINT, lw=1.0, label="chip")
    numbers = coefficients.load()
    for name, threshold, above in (
        ("fair", numbers.skin_light_c, True),
        ("serious", numbers.skin_severe_c, False),
        ("critical", numbers.skin_critical_c, True),
    ):
        axis.axhline(threshold, color=RED, lw=0.7, ls=(0, (4, 3)), alpha=0.55)
        axis.annotate(
            name,
            (1, threshold),
            xycoords=axis.get_yaxis_transform(),
            xytext=(-3, 1 if above else -2),
            textcoords="offset points",
            ha="right",
            va="bottom" if above else "top",
            fontsize=7,
            color=RED,
        )
    axis.set_ylabel("°C")


def _power(axis: Axes, rows: Sequence[Row]) -> None:
    axis.plot(_minutes(rows), [row.power_w for row in rows], color=ORANGE, lw=1.5, label="power")
    axis.set_ylabel("W")
    _reach(axis, 1.3 * max(row.power_w for row in rows))


def _battery(axis: Axes, rows: Sequence[Row]) -> None:
    at = _minutes(rows)
    axis.plot(at, [row.battery * 100 for row in rows], color=TEAL, lw=1.6, label="battery")
    axis.plot(
        at,
        [row.brightness * 100 for row in rows],
        color=PURPLE,
        lw=1.1,
        ls="--",
        label="brightness of the screen",
    )
    axis.set_ylabel("%")
    axis.set_ylim(0, 125)
    axis.set_yticks([0, 50, 100])


def _latency(axis: Axes, rows: Sequence[Row]) -> None:
    axis.plot(
        _minutes(rows),
        [_or_gap(row.latency_ms) for row in rows],
        color=BLUE,
        lw=1.1,
        label="capture to the far end",
    )
    axis.set_ylabel("delay, ms")
    _reach(axis, max(200.0, 1.3 * max((row.latency_ms or 0 for row in rows), default=0)))


def _loss(axis: Axes, rows: Sequence[Row]) -> None:
    loss = [row.loss * 100 for row in rows]
    axis.fill_between(_minutes(rows), loss, step="post", color=RED, lw=0)
    axis.set_ylabel("loss, %")
    _reach(axis, max(5.0, 1.2 * max(loss)))


def _reach(axis: Axes, top: float) -> None:
    """Make the axis reach from 0 to `top`, or further when its neighbour needs it."""
    there = axis.get_ylim()[1] if axis.get_autoscaley_on() is False else 0.0
    axis.set_ylim(0, max(there, top))


PANELS: tuple[tuple[Draw, float], ...] = (
    (_bitrate, 1.35),
    (_picture, 1.3),
    (_temperature, 1.45),
    (_power, 0.9),
    (_battery, 0.9),
    (_latency, 0.9),
    (_loss, 0.6),
)


def _prepare(axis: Axes, rows: Sequence[Row]) -> None:
    axis.set_axisbelow(True)
    axis.grid(axis="y", color=GRID, lw=0.7)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color("#9aa5b1")
    axis.tick_params(labelsize=8, colors=INK, color="#9aa5b1")
    axis.yaxis.label.set(color=INK, fontsize=9)
    # The thermal states, behind everything.
    start = 0.0
    for thermal, group in groupby(rows, key=lambda row: row.thermal):
        end = list(group)[-1].at_s / 60
        axis.axvspan(start, end, color=HEAT[thermal], lw=0, zorder=0)
        start = end
    axis.set_xlim(0, rows[-1].at_s / 60)


def _column(axes: Sequence[Axes], timeline: Timeline, notes: Sequence[Note]) -> None:
    rows = _thinned(timeline.rows)
    for (draw, _), axis in zip(PANELS, axes, strict=True):
        _prepare(axis, rows)
        draw(axis, rows)
        for minute, _ in notes:
            axis.axvline(minute, color=INK, lw=0.6, ls=(0, (1, 2)), alpha=0.6)
    for number, (minute, _) in enumerate(notes, start=1):
        axes[0].annotate(
            str(number),
            (minute, 1),
            xycoords=axes[0].get_xaxis_transform(),
            xytext=(0, 1),
            textcoords="offset points",
            ha="center",
            fontsize=6.5,
            color=INK,
        )
    _head(axes[0], timeline)
    _foot(axes[-1])
    for axis in axes[:-1]:
        axis.tick_params(axis="x", length=0)


def _head(axis: Axes, timeline: Timeline) -> None:
    figures = timeline.figures()
    title = "with adaptation" if timeline.adaptation else "without adaptation"
    words = (
        f"skin at most {figures.highest_skin_c:.1f} °C  ·  "
        f"critical {clock(figures.seconds_by_thermal.get('critical', 0))}  ·  "
        f"without picture {clock(figures.seconds_without_picture)}  ·  "
        f"battery -{figures.battery_used:.1%}"
    )
    axis.set_title(title, loc="left", fontsize=12, fontweight="bold", color=INK, pad=25)
    axis.annotate(
        words,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 12),
        textcoords="offset points",
        fontsize=8.5,
        color=FAINT,
    )


def _foot(axis: Axes) -> None:
    minutes = axis.get_xlim()[1]
    step = next((step for step in (0.25, 0.5, 1, 2, 5, 10, 30) if minutes / step <= 8), 60)
    axis.xaxis.set_major_locator(MultipleLocator(step))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda at, _: clock(round(at * 60))))
    axis.set_xlabel("time of the scenario, min:s", fontsize=9, color=INK)


def _legends(axes: Sequence[Axes]) -> None:
    for axis in axes:
        if axis.get_legend_handles_labels()[0]:
            axis.legend(
                loc="upper right",
                fontsize=7.5,
                frameon=True,
                framealpha=0.88,
                edgecolor="none",
                ncols=3,
                handlelength=1.6,
                columnspacing=1.2,
            )


def _write_around(figure: Figure, name: str, bands_at: float) -> None:
    inch = 1 / figure.get_figheight()
    left = 0.72 / figure.get_figwidth()
    figure.text(left, 1 - 0.42 * inch, name, fontsize=16, fontweight="bold", color=INK)
    figure.text(left, 1 - 0.66 * inch, CAVEAT, fontsize=8.5, color=FAINT, style="italic")
    bands = [
        Patch(facecolor=color, edgecolor="#cbd2d9", lw=0.6, label=state.value)
        for state, color in HEAT.items()
    ]
    words = Patch(alpha=0, label="thermal state:")
    figure.legend(
        handles=[words, *bands],
        loc="lower left",
        bbox_to_anchor=(left - 0.25 / figure.get_figwidth(), bands_at),
        ncols=5,
        fontsize=8.5,
        frameon=False,
        handlelength=1.6,
        columnspacing=1.4,
        borderaxespad=0.2,
    )


def _notes(rows: Sequence[Row]) -> list[Note]:
    """When something happened, in minutes, and what; neighbours in one."""
    near = rows[-1].at_s / 60 / 45
    notes: list[Note] = []
    for seconds, row in spans(rows):
        minute = (row.at_s - seconds) / 60
        if row.note and notes and minute - notes[-1][0] < near:
            notes[-1] = (notes[-1][0], f"{notes[-1][1]}; {row.note}")
        elif row.note and len(notes) < MOST_NOTES:
            notes.append((minute, row.note))
    return notes


def _listed(notes: Sequence[Note]) -> list[str]:
    """The notes as lines of one column's width, each with its number and time."""
    words = [
        f"{number}\u00a0\u00a0{clock(round(minute * 60))} {text}"
        for number, (minute, text) in enumerate(notes, start=1)
    ]
    return textwrap.wrap("    ".join(words), 112)[:MOST_LINES]


def _thinned(rows: Sequence[Row]) -> Sequence[Row]:
    return rows[:: max(1, len(rows) // MOST_POINTS)]


def _minutes(rows: Sequence[Row]) -> list[float]:
    return [row.at_s / 60 for row in rows]


def _mega(rates: Iterable[float | None]) -> list[float]:
    return [_or_gap(None if bps is None else bps / 1e6) for bps in rates]


def _calmed(values: Sequence[float | None]) -> list[float | None]:
    """The mean of each value and its neighbours: more than a pixel shows is only noise."""
    width = max(1, len(values) // 300)
    calmed: list[float | None] = []
    for start in range(len(values)):
        near = [value for value in values[start : start + width] if value is not None]
        calmed.append(sum(near) / len(near) if near else None)
    return calmed


def _or_gap(value: float | None) -> float:
    return float("nan") if value is None else value
