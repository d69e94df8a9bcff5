"""`make bench-live`: the live path from camera to screen, joins, and what a viewer costs.

Everything runs on one machine and loopback: the server, the phone in software, a real headless
Chromium, and the load client. Prints a table and, as its last line, one JSON object; with
`--store` the table goes into docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from playwright.async_api import BrowserContext, Page, async_playwright
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sfu.native import LoadViewers
from signaling.load_result import LoadResult
from signaling.load_run import LoadRun, Plan
from signaling.process_meter import ProcessMeter
from tests.bench import rig
from tests.bench.page import BENCHMARKS, store
from tests.journeys.screenshots import CHROMIUM, FLAGS
from tests.journeys.server import SluiceServer

PICTURE_PATIENCE_S = 15.0
LATE_S = 2.0
"""When a joiner is compared with the steady state."""

READ_FRAMES = """since => window.sluice.frames
    .filter(frame => frame.shownMs >= since)
    .map(frame => [frame.shownMs, frame.latencyMs])"""

# A promise and not Playwright's `wait_for_function`, which the pages' CSP forbids.
UNTIL_PICTURE = """() => new Promise(done => {
    const look = () => window.sluice?.firstFrameMs == null ? requestAnimationFrame(look) : done();
    look();
})"""


@dataclass(frozen=True, slots=True)
class Live:
    """The figures; the field names are the keys of the JSON object."""

    glass_to_glass_ms_p50: float
    glass_to_glass_ms_p95: float
    join_ms_p50: float
    join_ms_p95: float
    late_after_join_ms: float
    """Median over the joins: delay two seconds after the first picture, less the steady p50."""
    plis_to_publisher: int
    us_per_packet: float
    kb_per_viewer: float


@dataclass(frozen=True, slots=True)
class Join:
    first_frame_ms: float
    late_ms: float


async def measure(joins: int, steady_s: float, viewers: int, console: Console) -> Live:
    """Run all three parts; raises when a part cannot be measured."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SluiceServer(Path(folder), workers=1, settings=rig.UNLIMITED) as server,
    ):
        key = server.create_channel("live")
        with rig.phone(server.whip_url("live"), key):
            delays, joined = await in_browser(server, joins, steady_s, console)
        plis = server.metric("sluice_engine_keyframe_requests_to_publishers_total")
        load = await under_load(server, viewers, console)
    if load.server is None:
        raise RuntimeError("the server process could not be looked at")
    steady = median(delays)
    first = [join.first_frame_ms for join in joined]
    return Live(
        glass_to_glass_ms_p50=round(steady, 1),
        glass_to_glass_ms_p95=percentile(delays, 95),
        join_ms_p50=percentile(first, 50),
        join_ms_p95=percentile(first, 95),
        late_after_join_ms=round(median(join.late_ms for join in joined) - steady, 1),
        plis_to_publisher=int(plis),
        us_per_packet=load.server.us_per_packet,
        kb_per_viewer=load.server.kb_per_viewer,
    )


async def in_browser(
    server: SluiceServer, joins: int, steady_s: float, console: Console
) -> tuple[list[float], list[Join]]:
    """Delays of a viewer that has long been there, then joins one after the other."""
    async with chromium() as browser:
        with Progress(console=console) as progress:
            task = progress.add_task("one viewer", total=steady_s)
            page = await opened(browser, server.watch_url("live"))
            # What the join itself does to the delay belongs to `late_after_join_ms`.
            await asyncio.sleep(5)
            since = await page.evaluate("Date.now()")
            for _ in range(int(steady_s)):
                await asyncio.sleep(1)
                progress.advance(task)
            delays = [latency for _, latency in await page.evaluate(READ_FRAMES, since)]
            await page.close()
            if len(delays) < steady_s * 10:
                raise RuntimeError(f"only {len(delays)} frames were seen in {steady_s} s")
            task = progress.add_task("joins", total=joins)
            joined = []
            for _ in range(joins):
                joined.append(await join(browser, server.watch_url("live")))
                progress.advance(task)
    return delays, joined


async def join(browser: BrowserContext, url: str) -> Join:
    page = await opened(browser, url)
    started = await page.evaluate("Date.now()")
    await asyncio.sleep(LATE_S + 0.25)
    around = [started + (LATE_S - 0.25) * 1000, started + (LATE_S + 0.25) * 1000]
    frames = await page.evaluate(READ_FRAMES, around[0])
    late = [latency for shown, latency in frames if shown <= around[1]]
    first = await page.evaluate("window.sluice.firstFrameMs")
    await page.close()
    if not late:
        raise RuntimeError("no picture two seconds after a join")
    return Join(first_frame_ms=float(first), late_ms=median(late))


async def opened(browser: BrowserContext, url: str) -> Page:
    """A watch page that shows its first picture."""
    page = await browser.new_page()
    await page.goto(f"{url}?autoplay=muted")
    async with asyncio.timeout(PICTURE_PATIENCE_S):
        await page.evaluate(UNTIL_PICTURE)
    return page


@asynccontextmanager
async def chromium() -> AsyncIterator[BrowserContext]:
    with tempfile.TemporaryDirectory() as profile:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch_persistent_context(
                profile, executable_path=CHROMIUM, headless=True, args=FLAGS
            )
            try:
                yield browser
            finally:
                await browser.close()


async def under_load(server: SluiceServer, viewers: int, console: Console) -> LoadResult:
    """Viewers of the load client, each fully decrypted and checked."""
    door = rig.door(server, "load")
    plan = Plan(viewers=viewers, rate=50, seconds=15)
    with Progress(console=console) as progress:
        tasks = {
            "join": progress.add_task(f"{viewers} joins", total=viewers),
            "watch": progress.add_task(f"{viewers} viewers", total=15_000),
        }

        def show(phase: str, done: int, total: int) -> None:
            progress.update(tasks[phase], completed=done, total=total)

        run = LoadRun(plan, LoadViewers(), door, ProcessMeter(server.pid), progress=show)
        result = await run.measure()
    if result.receiving < viewers or result.video.lost:
        raise RuntimeError(f"not all viewers got everything: {result}")
    return result


def percentile(values: Sequence[float], percent: int) -> float:
    return round(quantiles(values, n=100, method="inclusive")[percent - 1], 1)


def table(live: Live, joins: int, viewers: int) -> list[tuple[str, str, str]]:
    """Rows: what, figure, goal."""
    return [
        ("glass to glass, p50", f"{live.glass_to_glass_ms_p50} ms", ""),
        ("glass to glass, p95", f"{live.glass_to_glass_ms_p95} ms", "at most 250 ms"),
        (f"join, POST to first picture, p50 of {joins}", f"{live.join_ms_p50} ms", ""),
        (f"join, p95 of {joins}", f"{live.join_ms_p95} ms", "at most 500 ms"),
        ("delay 2 s after a join, over steady", f"{live.late_after_join_ms} ms", "about 0"),
        ("keyframe requests to the publisher", str(live.plis_to_publisher), "0"),
        (f"CPU a forwarded packet, {viewers} viewers", f"{live.us_per_packet} us", ""),
        (f"memory a viewer, {viewers} viewers", f"{live.kb_per_viewer} kB", ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joins", type=int, default=50)
    parser.add_argument("--steady", type=float, default=20.0, help="seconds of the first part")
    parser.add_argument("--viewers", type=int, default=200, help="viewers of the load client")
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    live = asyncio.run(measure(arguments.joins, arguments.steady, arguments.viewers, console))
    rows = table(live, arguments.joins, arguments.viewers)
    shown = Table("what", "measured", "goal", title="The live path")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    if arguments.store:
        store(
            "live",
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()}: "
            "phone in software (aiortc, H.264 1280x720 at 30 fps, 2.5 Mbit/s), "
            f"headless Chromium, {arguments.viewers} load viewers of 2.5 Mbit/s, "
            "all on the same machine. Command: `make bench-live`.",
            ("what", "measured", "goal"),
            rows,
        )
    print(json.dumps(asdict(live)))


if __name__ == "__main__":
    main()
