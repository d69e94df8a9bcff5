"""`python -m tests.bench.churn`: viewers come and go for a long time; what stays behind?

Prints a table and, as its last line, one JSON object; with `--store` both go into
docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from signaling.load_crowd import Crowd
from signaling.load_door import Clock, MonotonicClock
from signaling.process_meter import ProcessMeter
from tests.bench import rig
from tests.bench.machine import Watch
from tests.bench.page import BENCHMARKS, store
from tests.journeys.server import SluiceServer

SAMPLE_S = 5.0
WARM_UP = 0.1
"""Part of the time after which the first sample is taken: pools are filled by then."""
AFTER_S = 20.0
"""How long after the last goodbye the server is looked at again: idle HTTP connections end."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment."""

    rss_kb: int
    files: int
    threads: int


@dataclass(frozen=True, slots=True)
class Churn:
    """The figures; the field names are the keys of the JSON object."""

    minutes: float
    viewers: int
    joins: int
    refused: dict[str, int]
    """Joins that failed, by status or error."""
    rss_kb_warm: int
    rss_kb_last: int
    rss_growth_percent: float
    rss_kb_most: int
    rss_kb_before: int
    """Publisher only, before the first viewer."""
    rss_kb_after: int
    """Publisher only, after the last one."""
    files_warm: int
    files_last: int
    files_before: int
    files_after: int
    threads_before: int
    threads_after: int
    sessions_last: int
    sessions_after: int
    """Viewers that the server still counts when all have left; 0 is right."""
    lost_packets: int
    """Of all viewers that ever were, up to each one's goodbye."""
    closed: int
    """Viewers that the server ended by itself; 0 is right."""
    cpu_percent: float
    doubts: list[str]


async def measure(
    viewers: int, rate: float, minutes: float, bitrate: int, console: Console
) -> Churn:
    clock = MonotonicClock()
    with rig.sluice() as server, Progress(console=console) as progress:
        task = progress.add_task(f"{viewers} viewers, {rate:g} a second change", total=minutes)
        # Some more may be there while one leaves.
        load = rig.viewers(viewers + 100, bitrate=bitrate, checked=rig.CHECKED)
        meter = ProcessMeter(server.pid)
        try:
            async with rig.door(server, "load") as door:
                crowd = Crowd(load, door, clock)
                await crowd.publish()
                await clock.sleep(2)
                before = sample(server.pid, meter)
                await crowd.join(viewers, rate=50)
                start, cpu = clock.now(), meter.read().cpu_s
                samples: list[Sample] = []
                watch = Watch(meter)
                async with asyncio.TaskGroup() as work:
                    work.create_task(change(crowd, rate, minutes * 60, clock))
                    while (elapsed := clock.now() - start) < minutes * 60:
                        progress.update(task, completed=elapsed / 60)
                        samples.append(sample(server.pid, meter))
                        await clock.sleep(SAMPLE_S)
                cpu = (meter.read().cpu_s - cpu) / (clock.now() - start)
                sessions, doubts = sessions_of(server), watch.doubts()
                report = await crowd.report()
                await crowd.disperse()
                await clock.sleep(AFTER_S)
                after, left = sample(server.pid, meter), sessions_of(server)
        finally:
            load.stop()
    warm, last = samples[int(len(samples) * WARM_UP)], samples[-1]
    return Churn(
        minutes=minutes,
        viewers=viewers,
        joins=len(report.join_connected_ms),
        refused=dict(crowd.refused),
        rss_kb_warm=warm.rss_kb,
        rss_kb_last=last.rss_kb,
        rss_growth_percent=round(100 * (last.rss_kb / warm.rss_kb - 1), 2),
        rss_kb_most=max(one.rss_kb for one in samples),
        rss_kb_before=before.rss_kb,
        rss_kb_after=after.rss_kb,
        files_warm=warm.files,
        files_last=last.files,
        files_before=before.files,
        files_after=after.files,
        threads_before=before.threads,
        threads_after=after.threads,
        sessions_last=sessions,
        sessions_after=left,
        lost_packets=report.video.lost + report.audio.lost,
        closed=report.closed,
        cpu_percent=round(100 * cpu, 1),
        doubts=doubts,
    )


async def change(crowd: Crowd, rate: float, seconds: float, clock: Clock) -> None:
    """One comes and one goes, `rate` times a second."""
    start = clock.now()
    async with asyncio.TaskGroup() as work:
        for number in range(int(seconds * rate)):
            await clock.sleep(start + number / rate - clock.now())
            work.create_task(crowd.come())
            work.create_task(crowd.go())


def sample(pid: int, meter: ProcessMeter) -> Sample:
    process = Path("/proc") / str(pid)
    return Sample(
        rss_kb=meter.read().rss_kb,
        files=sum(1 for _ in (process / "fd").iterdir()),
        threads=sum(1 for _ in (process / "task").iterdir()),
    )


def sessions_of(server: SluiceServer) -> int:
    """Viewers as the server counts them."""
    return int(server.metric("sluice_sessions", role="viewer"))


def table(churn: Churn) -> list[tuple[str, str]]:
    def around(before: int, after: int) -> str:
        return f"{before:,} before the first viewer, {after:,} after the last"

    return [
        (
            "joins",
            f"{churn.joins:,} in {churn.minutes:g} minutes, {sum(churn.refused.values())} refused",
        ),
        (
            "memory, after the warm-up and at the end",
            f"{churn.rss_kb_warm:,} kB and {churn.rss_kb_last:,} kB "
            f"({churn.rss_growth_percent:+} %), at most {churn.rss_kb_most:,} kB",
        ),
        ("memory without viewers", around(churn.rss_kb_before, churn.rss_kb_after) + ", in kB"),
        ("open files, likewise", f"{churn.files_warm:,} and {churn.files_last:,}"),
        ("open files without viewers", around(churn.files_before, churn.files_after)),
        ("threads", around(churn.threads_before, churn.threads_after)),
        ("sessions at the end", f"{churn.sessions_last:,}"),
        ("sessions when all have left", str(churn.sessions_after)),
        ("lost packets, all viewers", f"{churn.lost_packets:,}"),
        ("viewers that the server ended", str(churn.closed)),
        ("CPU", f"{churn.cpu_percent} % of a core"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=500)
    parser.add_argument("--rate", type=float, default=5.0, help="joins and leaves a second")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--bitrate", type=int, default=rig.BITRATE, help="of the stream, bit/s")
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    arguments = parser.parse_args()
    viewers, rate, minutes = arguments.viewers, arguments.rate, arguments.minutes
    console, bitrate = Console(stderr=True), arguments.bitrate
    churn = asyncio.run(measure(viewers, rate, minutes, bitrate, console))
    rows = table(churn)
    shown = Table("what", "measured", title="Coming and going")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for doubt in churn.doubts:
        Console(stderr=True).print(f"[yellow]doubt:[/yellow] {doubt}")
    figures = json.dumps(asdict(churn))
    if arguments.store:
        text = (
            f"{viewers} viewers of {bitrate / 1e6:g} Mbit/s, of whom {rate:g} a second leave "
            f"and as many come, for {minutes:g} minutes."
        )
        command = f"python -m tests.bench.churn --store --minutes {minutes:g} --bitrate {bitrate}"
        about = rig.about(text, command)
        store("churn", about, ("what", "measured"), rows, figures)
    print(figures)


if __name__ == "__main__":
    main()
