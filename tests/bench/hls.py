"""`make bench-hls`: players of others and what the bridge makes for them, from camera to screen.

Everything runs on one machine and loopback: the server, the phone in software, and a headless
Chromium in which one player at a time plays. Each frame carries its capture time. Prints a table
and, as its last line, one JSON object; with `--store` both go into docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from signaling.process_meter import ProcessMeter
from tests.bench import rig
from tests.bench.machine import doubt, moment
from tests.bench.page import BENCHMARKS, store
from tests.journeys.other_players import Kind, OtherPlayer, PlayerServer, Seen
from tests.journeys.screenshots import CHROMIUM, FLAGS
from tests.journeys.server import Section, SluiceServer

KINDS: Sequence[Kind] = ("llhls", "shaka", "dash", "hls")
FIRST_PICTURE_S = 20.0
WINDOW_S = 14
"""A plain HLS player wants three target durations, and the window must hold them."""
PART_MS = 512
FAST_PART_MS = 342
CPU_TOLERATED = 1.6
"""Of the two cores, server, phone and browser together use so much."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The field names are the keys of the JSON object."""

    llhls_ms_p50: float
    llhls_ms_p95: float
    llhls_fast_ms_p50: float
    llhls_fast_ms_p95: float
    shaka_ms_p50: float
    dash_ms_p50: float
    hls_ms_p50: float
    join_ms_p50: float
    stalls: int
    """Of all players together, after their first ten seconds."""
    errors: int
    server_cores: float
    """CPU of the server's own process while one player played."""
    seconds: float
    doubts: list[str] = field(default_factory=list)


@contextmanager
def bridged(part_ms: int) -> Iterator[tuple[SluiceServer, str]]:
    """A server that bridges, and a phone that publishes for long enough; the channel's base."""
    bridge = {"start": "always", "part_ms": part_ms}
    settings: dict[str, Section] = {**rig.UNLIMITED, "bridge": bridge}
    with (
        tempfile.TemporaryDirectory() as folder,
        SluiceServer(Path(folder), workers=1, settings=settings) as server,
    ):
        key = server.create_channel("live")
        with rig.phone(server.whip_url("live"), key):
            server.await_live("live")
            time.sleep(WINDOW_S)
            yield server, server.live_url("live", "")


def play(browser: Browser, players: PlayerServer, kind: Kind, base: str, seconds: float) -> Seen:
    """One player for so long, in a profile of its own."""
    context = browser.new_context()
    name = "manifest.mpd" if kind == "dash" else "master.m3u8"
    player = OtherPlayer(context.new_page()).open(players, kind, base + name)
    player.until("a picture", lambda seen: seen.first_frame_ms is not None, FIRST_PICTURE_S)
    player.page.wait_for_timeout(seconds * 1_000)
    seen = player.seen
    context.close()
    if len(seen.counters) < seconds * 10:
        raise RuntimeError(f"{kind}: only {len(seen.counters)} frames in {seconds} s")
    return seen


def joins(browser: Browser, players: PlayerServer, base: str, count: int) -> list[float]:
    """From opening a page to its first picture, each in a profile of its own."""
    taken = []
    for _ in range(count):
        context = browser.new_context()
        player = OtherPlayer(context.new_page()).open(players, "llhls", base + "master.m3u8")
        seen = player.until("a picture", lambda seen: seen.first_frame_ms, FIRST_PICTURE_S)
        assert seen.first_frame_ms is not None
        taken.append(seen.first_frame_ms)
        context.close()
    return taken


def measure(seconds: float, join_count: int, console: Console) -> Figures:
    seen: dict[str, Seen] = {}
    with (
        Progress(console=console) as progress,
        PlayerServer() as players,
        sync_playwright() as playwright,
    ):
        task = progress.add_task("players", total=len(KINDS) + 2)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        begin = moment()
        with bridged(PART_MS) as (server, base):
            meter = ProcessMeter(server.pid)
            before, since = meter.read().cpu_s, time.monotonic()
            for kind in KINDS:
                seen[kind] = play(browser, players, kind, base, seconds)
                progress.advance(task)
            cores = (meter.read().cpu_s - before) / (time.monotonic() - since)
            joined = joins(browser, players, base, join_count)
            progress.advance(task)
        with bridged(FAST_PART_MS) as (_, base):
            seen["fast"] = play(browser, players, "llhls", base, seconds)
            progress.advance(task)
        browser.close()
    found = doubt(begin, moment(), CPU_TOLERATED * (time.monotonic() - begin.at))
    return Figures(
        llhls_ms_p50=round(seen["llhls"].median_ms),
        llhls_ms_p95=round(seen["llhls"].p95_ms),
        llhls_fast_ms_p50=round(seen["fast"].median_ms),
        llhls_fast_ms_p95=round(seen["fast"].p95_ms),
        shaka_ms_p50=round(seen["shaka"].median_ms),
        dash_ms_p50=round(seen["dash"].median_ms),
        hls_ms_p50=round(seen["hls"].median_ms),
        join_ms_p50=round(median(joined)),
        stalls=sum(one.late_stalls for one in seen.values()),
        errors=sum(len(one.errors) for one in seen.values()),
        server_cores=round(cores, 3),
        seconds=seconds,
        doubts=[] if found is None else [found],
    )


def together(seconds: float, console: Console) -> list[tuple[str, str, str, str, str]]:
    """All players at once for so long; rows: player, p50, p95, stalls, errors."""
    rows: list[tuple[str, str, str, str, str]] = []
    with PlayerServer() as players, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with bridged(PART_MS) as (_, base), Progress(console=console) as progress:
            task = progress.add_task("all players", total=seconds)
            playing = {}
            for kind in KINDS:
                name = "manifest.mpd" if kind == "dash" else "master.m3u8"
                page = browser.new_context().new_page()
                playing[kind] = OtherPlayer(page).open(players, kind, base + name)
            for _ in range(int(seconds)):
                playing["hls"].page.wait_for_timeout(1_000)
                progress.advance(task)
            for kind, player in playing.items():
                seen = player.seen
                delays = f"{seen.median_ms:.0f} ms", f"{seen.p95_ms:.0f} ms"
                rows.append((kind, *delays, str(seen.late_stalls), str(len(seen.errors))))
        browser.close()
    return rows


def table(figures: Figures) -> list[tuple[str, str, str]]:
    """Rows: what, figure, goal."""
    return [
        ("LL-HLS, hls.js, parts of 0.5 s, p50", f"{figures.llhls_ms_p50} ms", "at most 2,000 ms"),
        ("the same, p95", f"{figures.llhls_ms_p95} ms", "at most 2,500 ms"),
        ("LL-HLS, hls.js, 0.333 s, p50", f"{figures.llhls_fast_ms_p50} ms", "at most 1,600 ms"),
        ("the same, p95", f"{figures.llhls_fast_ms_p95} ms", "at most 2,500 ms"),
        ("LL-HLS, shaka, p50", f"{figures.shaka_ms_p50} ms", ""),
        ("LL-DASH, dash.js, p50", f"{figures.dash_ms_p50} ms", ""),
        ("HLS, hls.js, p50", f"{figures.hls_ms_p50} ms", "5,000 to 10,000 ms"),
        ("join, hls.js, page to picture, p50", f"{figures.join_ms_p50} ms", "at most 700 ms"),
        ("stalls of all players", str(figures.stalls), "0"),
        ("errors of all players", str(figures.errors), "0"),
        ("CPU of the server's process", f"{figures.server_cores} cores", ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each player")
    parser.add_argument("--joins", type=int, default=15)
    parser.add_argument("--together", action="store_true", help="all players at once; no joins")
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    arguments = parser.parse_args()
    if arguments.together:
        rows_together = together(arguments.seconds, Console(stderr=True))
        seen = Table("player", "p50", "p95", "stalls", "errors", title="All players at once")
        for together_row in rows_together:
            seen.add_row(*together_row)
        Console().print(seen)
        print(json.dumps({row[0]: row[1:] for row in rows_together}))
        return
    figures = measure(arguments.seconds, arguments.joins, Console(stderr=True))
    rows = table(figures)
    shown = Table("what", "measured", "goal", title="HLS and DASH")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    line = json.dumps(asdict(figures))
    if arguments.store:
        store(
            "hls",
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()}: phone in "
            "software (aiortc, H.264 1280x720 at 30 fps, 2.5 Mbit/s) passed on as it came with "
            "smaller rungs encoded below it, headless Chromium, all on one machine, "
            f"{arguments.seconds:.0f} s a player. Command: `make bench-hls`.",
            ("what", "measured", "goal"),
            rows,
            line,
        )
    print(line)


if __name__ == "__main__":
    main()
