"""Small line charts as SVG, without a library: a few points each, every point with its figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 24, 56, 44
INK, SOFT, LINE, FILL = "#1f2933", "#7b8794", "#1668a8", "#ffffff"
STYLE = (
    "text{font-family:system-ui,sans-serif;font-size:12px;fill:" + INK + "}"
    ".title{font-size:14px;font-weight:600}.soft{fill:" + SOFT + "}"
)
STEPS = 4


@dataclass(frozen=True, slots=True)
class Point:
    """Where a label stands for x: the points are set side by side, at equal distances."""

    label: str
    value: float
    marked: bool = False
    """Drawn hollow: the figure has a reservation."""


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    x: str
    unit: str
    points: Sequence[Point]


def page(charts: Sequence[Chart], columns: int = 2, note: str = "") -> str:
    """The charts in a grid, and a line of text below them."""
    rows = -(-len(charts) // columns)
    width, height = columns * WIDTH, rows * HEIGHT + (28 if note else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{escape(', '.join(chart.title for chart in charts))}</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{FILL}"/>',
    ]
    for number, chart in enumerate(charts):
        left, top = number % columns * WIDTH, number // columns * HEIGHT
        parts += [f'<g transform="translate({left} {top})">', *_chart(chart), "</g>"]
    if note:
        parts.append(_text(LEFT, height - 12, note, "soft", "start"))
    return "\n".join([*parts, "</svg>", ""])


def ceiling(values: Sequence[float]) -> float:
    """The top of the scale: a round number that all values are below."""
    most = max(values, default=0.0)
    unit = 1.0
    while unit * 10 <= most:
        unit *= 10
    while unit > most > 0:
        unit /= 10
    return next(
        (unit * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8) if unit * step > most), 10 * unit
    )


def _chart(chart: Chart) -> list[str]:
    top = ceiling([point.value for point in chart.points])
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    step = (right - LEFT - 40) / max(1, len(chart.points) - 1)
    places = [
        (LEFT + 20 + number * step, bottom - (bottom - TOP) * point.value / top)
        for number, point in enumerate(chart.points)
    ]
    parts = [
        _text(LEFT, 24, chart.title, "title", "start"),
        _text(LEFT, 42, chart.unit, "soft", "start"),
        _text((LEFT + right) / 2, HEIGHT - 8, chart.x, "soft", "middle"),
    ]
    for number in range(STEPS + 1):
        y = bottom - (bottom - TOP) * number / STEPS
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#e4e7eb"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{top * number / STEPS:g}", "soft", "end"))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    for point, (x, y) in zip(chart.points, places, strict=True):
        fill = FILL if point.marked else LINE
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{LINE}" '
            'stroke-width="2"/>'
        )
        parts.append(_text(x, y - 10, f"{point.value:g}", "", "middle"))
        parts.append(_text(x, bottom + 18, point.label, "", "middle"))
    return parts


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named} text-anchor="{anchor}">{escape(text)}</text>'
