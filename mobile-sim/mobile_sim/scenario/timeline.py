"""What happened, second by second: for people, programs and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise

from mobile_sim.device.adaptation import Reason
from mobile_sim.device.thermal import Thermal
from mobile_sim.scenario.conditions import App

CAVEAT = "behaviour of a model, most of its numbers assumed: never minutes of a real battery"
"""Stands above every result."""


class Connected(StrEnum):
    """How the phone is connected."""

    LIVE = "live"
    RESTARTING = "restarting"
    """ICE looks for another path within the same session."""
    RECONNECTING = "reconnecting"
    """The session is lost; a new POST is tried."""


@dataclass(frozen=True, slots=True)
class Row:
    """A second of media. Rates are bits per second over it."""

    at_s: float
    """Its end, in seconds of the scenario. Against a server these may run faster than media do."""
    connected: Connected
    network: str
    app: App
    rung: str | None
    """None: no picture is sent."""
    height: int
    """0 without a picture."""
    fps: int
    bitrate: float
    """Sent, sound included."""
    estimate: float | None
    capacity: float | None
    """What the link lets through; None when nobody knows."""
    latency_ms: float | None
    """Capture to the far end, on average; None when nothing arrived."""
    loss: float
    """0 to 1: of what was sent in this second."""
    battery: float
    """0 to 1."""
    power_w: float
    chip_c: float
    skin_c: float
    thermal: Thermal
    brightness: float
    """0 to 1."""
    hardware: bool
    reason: Reason
    note: str = ""
    """What happened in this second, in words."""
    target: float = 0.0
    """Bits per second that the encoder aims at."""
    rtt_ms: float | None = None
    restarts: int = 0
    """ICE restarts that worked, since the start."""
    posts: int = 0
    """POSTs after the first that worked, since the start."""
    advice: str = ""
    """What the server advised last."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a timeline comes to."""

    seconds: float
    """Of the scenario, as all times here."""
    seconds_without_picture: float
    """Too hot, a call, in the background, no connection."""
    longest_without_picture_s: float
    seconds_by_thermal: dict[str, float]
    seconds_by_rung: dict[str, float]
    highest_skin_c: float
    battery_used: float
    """0 to 1; less than 0 when it was charged."""
    mean_power_w: float
    mean_bitrate: float
    mean_latency_ms: float | None
    worst_latency_ms: float | None
    """Of the seconds' averages."""
    mean_loss: float
    rung_changes: int
    restarts: int
    posts: int


class Timeline:
    """Rows in order, and what they come to."""

    def __init__(self, name: str, adaptation: bool, rows: Iterable[Row] = ()) -> None:
        """`name` is the scenario's, `adaptation` whether the phone adapted."""
        self.name = name
        self.adaptation = adaptation
        self.rows: list[Row] = []
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Append a row. Raises ValueError when it is not later than the last."""
        if self.rows and row.at_s <= self.rows[-1].at_s:
            raise ValueError("rows come in order")
        self.rows.append(row)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def figures(self) -> Figures:
        """Sum up. Raises ValueError when there is no row."""
        rows = self.rows
        if not rows:
            raise ValueError("nothing happened")
        latencies = [row.latency_ms for row in rows if row.latency_ms is not None]
        seen = [row.rung for row in rows if row.rung is not None]
        lasting = spans(rows)
        return Figures(
            seconds=rows[-1].at_s,
            seconds_without_picture=sum(s for s, row in lasting if not _picture(row)),
            longest_without_picture_s=_longest(lasting),
            seconds_by_thermal=_summed((row.thermal.value, s) for s, row in lasting),
            seconds_by_rung=_summed((row.rung or "none", s) for s, row in lasting),
            highest_skin_c=max(row.skin_c for row in rows),
            battery_used=rows[0].battery - rows[-1].battery,
            mean_power_w=_mean([row.power_w for row in rows]),
            mean_bitrate=_mean([row.bitrate for row in rows]),
            mean_latency_ms=_mean(latencies) if latencies else None,
            worst_latency_ms=max(latencies, default=None),
            mean_loss=_mean([row.loss for row in rows]),
            rung_changes=sum(a != b for a, b in pairwise(seen)),
            restarts=rows[-1].restarts,
            posts=rows[-1].posts,
        )


def spans(rows: Sequence[Row]) -> list[tuple[float, Row]]:
    """Return each row with the seconds of the scenario that it stands for."""
    starts = [0.0, *(row.at_s for row in rows[:-1])]
    return [(round(row.at_s - start, 3), row) for start, row in zip(starts, rows, strict=True)]


def row_object(row: Row) -> dict[str, object]:
    """Return a row as JSON has it: rounded, times in seconds, rates in bits per second."""
    return {
        "event": "second",
        **{
            key: round(value, 4) if isinstance(value, float) else value
            for key, value in asdict(row).items()
        },
    }


def figures_object(timeline: Timeline) -> dict[str, object]:
    """Return what a timeline comes to as JSON has it."""
    return {
        "event": "total",
        "scenario": timeline.name,
        "adaptation": timeline.adaptation,
        "about": CAVEAT,
        **{
            key: round(value, 4) if isinstance(value, float) else value
            for key, value in asdict(timeline.figures()).items()
        },
    }


HEADING = (
    f"{'time':>6}  {'network':<9} {'picture':<8} {'fps':>3} {'kbit/s':>7} {'estimate':>8} "
    f"{'delay':>7} {'loss':>5} {'battery':>7} {'watts':>5} {'skin':>6}  {'heat':<9} {'why':<8}"
)


def row_line(row: Row) -> str:
    """Return a row as a line under HEADING."""
    estimate = "-" if row.estimate is None else f"{row.estimate / 1000:.0f}"
    latency = "-" if row.latency_ms is None else f"{row.latency_ms:.0f} ms"
    reason = "" if row.reason is Reason.NONE else row.reason.value
    return (
        f"{clock(row.at_s):>6}  {row.network[:9]:<9} {row.rung or '-':<8} {row.fps:>3} "
        f"{row.bitrate / 1000:>7.0f} {estimate:>8} {latency:>7} {row.loss:>5.0%} "
        f"{row.battery:>7.0%} {row.power_w:>5.1f} {row.skin_c:>4.1f} C  "
        f"{row.thermal.value:<9} {reason:<8} {row.note}"
    ).rstrip()


def worth_showing(row: Row, before: Row | None, every_s: int = 60) -> bool:
    """Whether people want to see this row: something happened, or a minute is full."""
    if before is None or row.note:
        return True
    changed = (
        row.rung != before.rung
        or row.thermal is not before.thermal
        or row.connected is not before.connected
        or row.advice != before.advice
    )
    return changed or int(row.at_s) // every_s != int(before.at_s) // every_s


def figures_lines(timeline: Timeline) -> list[str]:
    """Return what a timeline comes to in words."""
    f = timeline.figures()
    latency = "unknown" if f.mean_latency_ms is None else f"{f.mean_latency_ms:.0f} ms"
    heat = ", ".join(f"{name} {clock(s)}" for name, s in f.seconds_by_thermal.items())
    rungs = ", ".join(f"{name} {clock(s)}" for name, s in f.seconds_by_rung.items())
    return [
        f"{'with' if timeline.adaptation else 'without'} adaptation, {clock(f.seconds)}:",
        f"  without picture {clock(f.seconds_without_picture)}, at most "
        f"{clock(f.longest_without_picture_s)} in a row",
        f"  heat: {heat}; skin at most {f.highest_skin_c:.1f} C",
        f"  pictures: {rungs}; {f.rung_changes} changes",
        f"  battery -{f.battery_used:.1%} at {f.mean_power_w:.1f} W on average",
        f"  {f.mean_bitrate / 1000:.0f} kbit/s, delay {latency}, loss {f.mean_loss:.1%}, "
        f"ICE restarts {f.restarts}, new sessions {f.posts}",
    ]


def clock(seconds: float) -> str:
    """Return minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _picture(row: Row) -> bool:
    return row.rung is not None and row.connected is Connected.LIVE


def _longest(lasting: Iterable[tuple[float, Row]]) -> float:
    longest = current = 0.0
    for seconds, row in lasting:
        current = 0.0 if _picture(row) else current + seconds
        longest = max(longest, current)
    return longest


def _summed(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for word, seconds in parts:
        sums[word] = sums.get(word, 0.0) + seconds
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
