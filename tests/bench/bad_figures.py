"""What the two runs of `make bench-bad-crowd` saw, and the table of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from signaling.load_client import LoadReport
from signaling.load_result import LoadResult, MediaFigures, Spread, Window
from tests.bench.newcomers import Newcomers
from tests.bench.scraped import Figures

VIEWERS = 300
NEWCOMERS = 20
GOAL_LOSS_PERCENT = 0.1
GOAL_MEMORY_PERCENT = 5.0
HEADER = ("what", "without", "with", "goal")
NAMES = {
    "slow": "slow connections",
    "offers": "offers without a viewer",
    "plis": "keyframe requests",
    "chat": "chat flood",
}


@dataclass(frozen=True, slots=True)
class Attacked:
    """One attack, by its own account."""

    outcomes: dict[str, int]
    cpu_percent: float
    """Of a core, taken from the machine that it shares with the server."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs; the field names are the keys of the JSON object."""

    viewers: int
    receiving: int
    """Honest viewers that received in the last second of the window."""
    closed: int
    """Honest viewers that the server ended; 0 is right."""
    packets: int
    lost: int
    loss_percent: float
    delay_ms_p50: float
    delay_ms_p99: float
    delay_ms_max: float
    newcomers: int
    """That saw a picture."""
    newcomers_first_try: int
    newcomers_refused: dict[str, int]
    """Their tries, by status."""
    join_ms_p50: float
    join_ms_p95: float
    join_ms_max: float
    keyframe_requests_per_s: float
    """That reached the publisher."""
    server_cpu_percent: float
    honest_cpu_percent: float
    rss_kb_before: int
    rss_kb_most: int
    rss_kb_after: int
    rss_change_percent: float
    """A first wave fills pools that stay."""
    rss_kb_again: int | None
    """After a second wave; what leaks grows as much again. None: there was no bad crowd."""
    rss_kb_by_process: dict[str, tuple[int, int]]
    """Before and after the first wave."""
    loop_lag_ms_most: float
    """Of the samples, one a second."""
    sessions_most: int
    """Viewers' sessions, those that never connected too; likewise."""
    counted: dict[str, dict[str, int]]
    """Refusals and endings by the server's own account."""
    attacks: dict[str, Attacked]
    doubts: list[str]


@dataclass(frozen=True, slots=True)
class BadCrowd:
    """The figures of both runs."""

    seconds: float
    without: Side
    with_them: Side


@dataclass(slots=True)
class Samples:
    """What was looked at once a second."""

    rss_kb: list[int] = field(default_factory=list)
    lag_ms: list[float] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)
    failures: int = 0
    """Scrapes without an answer in time."""

    def look(self, figures: Figures) -> None:
        self.lag_ms.append(1000 * figures.get(("sluice_loop_lag_seconds", ()), 0.0))
        self.sessions.append(int(figures.get(("sluice_sessions", ("viewer",)), 0)))


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that a run gave."""

    joined: int
    window: Window
    """From the attacks' begin to their end."""
    settled: LoadReport
    """A moment later, when all that was lost is known."""
    before_by_role: dict[str, int]
    after_by_role: dict[str, int]
    """Memory in kB, by what the process runs."""
    again_kb: int | None
    newcomers: Newcomers
    samples: Samples
    counted: dict[str, dict[str, int]]
    attacks: dict[str, Attacked]
    doubts: list[str]


def side_of(seen: Seen) -> Side:
    """The figures of a run."""
    window, newcomers, samples = seen.window, seen.newcomers, seen.samples
    result = LoadResult.of(VIEWERS, seen.joined, {}, window)
    video = MediaFigures.of(window.before.video, seen.settled.video)
    audio = MediaFigures.of(window.before.audio, seen.settled.audio)
    packets = video.packets + audio.packets
    lost = video.lost + audio.lost
    # A viewer that gets nothing any more has lost all that another got, or all there was.
    silent = max(0, result.viewers - result.receiving) / result.viewers
    heard = lost / max(1, packets + lost)
    if result.receiving:
        lost += round(packets * silent / (1 - silent))
    joins = Spread.of(sorted(newcomers.joined_ms))
    before, after = sum(seen.before_by_role.values()), sum(seen.after_by_role.values())
    asked = sum(one.keyframe_requests for one in window.after.publishers)
    asked -= sum(one.keyframe_requests for one in window.before.publishers)
    doubts = [*result.doubts, *seen.doubts]
    if (there := window.before.receiving) < VIEWERS:
        doubts.append(f"only {there} honest viewers received when it began")
    if samples.failures:
        doubts.append(f"{samples.failures} scrapes of /metrics got no answer in time")
    return Side(
        viewers=result.joined,
        receiving=result.receiving,
        closed=seen.settled.closed,
        packets=packets,
        lost=lost,
        loss_percent=round(100 * (silent + (1 - silent) * heard), 4),
        delay_ms_p50=round(result.video_latency.p50_ms, 2),
        delay_ms_p99=round(result.video_latency.p99_ms, 2),
        delay_ms_max=round(result.video_latency.max_ms, 2),
        newcomers=joins.count,
        newcomers_first_try=newcomers.first_try,
        newcomers_refused=dict(newcomers.refused),
        join_ms_p50=round(joins.p50_ms, 1),
        join_ms_p95=round(joins.p95_ms, 1),
        join_ms_max=round(joins.max_ms, 1),
        keyframe_requests_per_s=round(asked / window.seconds, 2),
        server_cpu_percent=result.server.cpu_percent if result.server else 0.0,
        honest_cpu_percent=result.client_cpu_percent,
        rss_kb_before=before,
        rss_kb_most=max(samples.rss_kb, default=before),
        rss_kb_after=after,
        rss_change_percent=percent(before, after),
        rss_kb_again=seen.again_kb,
        rss_kb_by_process={
            role: (seen.before_by_role.get(role, 0), seen.after_by_role.get(role, 0))
            for role in sorted({*seen.before_by_role, *seen.after_by_role})
        },
        loop_lag_ms_most=round(max(samples.lag_ms, default=0.0), 1),
        sessions_most=max(samples.sessions, default=0),
        counted=seen.counted,
        attacks=seen.attacks,
        doubts=doubts,
    )


def percent(before: int, after: int) -> float:
    """How much more it is."""
    return round(100 * (after / max(1, before) - 1), 2)


def table(figures: BadCrowd) -> list[tuple[str, str, str, str]]:
    """Rows: what, without, with, goal."""
    without, bad = figures.without, figures.with_them

    def both(what: str, tell: Callable[[Side], str], goal: str = "") -> tuple[str, str, str, str]:
        return what, tell(without), tell(bad), goal

    def counts(found: Mapping[str, int]) -> str:
        return ", ".join(f"{name}: {count:,}" for name, count in found.items()) or "none"

    rows = [
        both("honest viewers that receive, at the end", lambda one: f"{one.receiving:,}",
             f"{VIEWERS}"),
        both("packets that they lost", lambda one: f"{one.loss_percent:g} % ({one.lost:,})",
             f"under {GOAL_LOSS_PERCENT:g} %"),
        both("delay through the server, p50", lambda one: f"{one.delay_ms_p50:g} ms"),
        both("the same, p99", lambda one: f"{one.delay_ms_p99:g} ms"),
        both("the same, max", lambda one: f"{one.delay_ms_max:g} ms"),
        both(f"newcomers that saw a picture, of {NEWCOMERS}",
             lambda one: f"{one.newcomers}, {one.newcomers_first_try} at the first try"),
        both("their tries that were refused", lambda one: counts(one.newcomers_refused)),
        both("first try to the picture, p50 / p95 / max",
             lambda one: f"{one.join_ms_p50:,.0f} / {one.join_ms_p95:,.0f} / "
                         f"{one.join_ms_max:,.0f} ms"),
        both("keyframe requests to the publisher",
             lambda one: f"{one.keyframe_requests_per_s:g} a second", "at most 1 a second"),
        both("CPU of the server and its processes",
             lambda one: f"{one.server_cpu_percent:g} % of a core"),
        both("how late its event loop was, at most", lambda one: f"{one.loop_lag_ms_most:g} ms"),
        both("memory before, at most, 30 s after",
             lambda one: f"{one.rss_kb_before:,}, {one.rss_kb_most:,}, {one.rss_kb_after:,} kB "
                         f"({one.rss_change_percent:+g} %)",
             f"within {GOAL_MEMORY_PERCENT:g} %"),
        both("the same after a second wave, over the first",
             lambda one: "" if one.rss_kb_again is None else
             f"{one.rss_kb_again:,} kB ({percent(one.rss_kb_after, one.rss_kb_again):+g} %)",
             "about 0 %"),
        both("memory before and after, by process",
             lambda one: ", ".join(f"{role}: {before:,} and {after:,} kB"
                                   for role, (before, after) in one.rss_kb_by_process.items())),
        both("media planes that were started again",
             lambda one: str(sum(one.counted["media_restarts"].values())), "0"),
        both("viewers' sessions, at most", lambda one: f"{one.sessions_most:,}"),
        both("refused, by code", lambda one: counts(one.counted["http_problems"])),
        both("chat: errors", lambda one: counts(one.counted["chat_errors"])),
        both("chat: closed", lambda one: counts(one.counted["chat_closed"])),
        both("CPU of the honest client", lambda one: f"{one.honest_cpu_percent:g} % of a core"),
    ]  # fmt: skip
    for name, attack in bad.attacks.items():
        told = f"{counts(attack.outcomes)}; itself {attack.cpu_percent:g} % of a core"
        rows.append((f"attack: {NAMES[name]}", "", told, ""))
    return rows
