"""`make bench-sfu`: what a forwarded packet and a viewer cost, here, in Janus and in aiortc.

The same load client drives all of them, and CPU and memory are read of the server's process
alone. Prints a table and, as its last line, one JSON object; with `--store` both go into
docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sfu.native import LoadViewers
from signaling.load_client import LatencySummary
from signaling.load_door import LoadFailed, WhepDoor
from signaling.load_result import LoadResult
from signaling.load_run import Plan
from tests.bench import rig
from tests.bench.aiortc_forwarder import ForwarderProcess
from tests.bench.janus import INSTALL, JanusDoor, JanusServer
from tests.bench.page import BENCHMARKS, store
from tests.bench.receiving import ReceivingShare

WINDOW_S = 10.0
JANUS_VIEWERS = (500, 300, 200, 150, 100, 50)
"""Tried in this order until one is served without loss."""
AIORTC_VIEWERS = (20, 10, 5, 3, 2, 1)
ENOUGH_AUDIO = 0.95
"""Part of the 50 audio packets a second that a viewer of aiortc must get: it drops frames, and
not packets, when it is too slow."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another server, at the most viewers that it serves without loss."""

    viewers: int
    result: LoadResult


@dataclass(frozen=True, slots=True)
class Sfu:
    """The figures; the field names are the keys of the JSON object. None: not measured."""

    us_per_packet_500: float
    us_per_packet_1000: float
    sending_us_per_packet_500: float | None
    sending_us_per_packet_1000: float | None
    """Without what loopback makes the sender do for the receivers (tests/bench/receiving.py)."""
    kb_per_viewer: float
    lost_packets: int
    delivered_percent: float | None
    """At 1,000 viewers, of what was published: below 100 with nothing lost, it queues up."""
    added_latency_ms_p99: float
    """At 1,000 viewers: the publisher's send to the viewer's kernel."""
    added_latency_ms_p99_500: float
    loopback_latency_ms_p99: float
    """The same without a server: from the publisher straight to one viewer."""
    viewers_per_core: int
    packets_per_s_1000: float
    client_cpu_percent_1000: float
    janus_us_per_packet: float | None
    janus_viewers: int | None
    janus_ratio: float | None
    janus_event_loops_us_per_packet: float | None
    janus_event_loops_viewers: int | None
    janus_event_loops_ratio: float | None
    aiortc_us_per_packet: float | None
    aiortc_viewers: int | None
    aiortc_ratio: float | None
    doubts: list[str]


async def measure(window_s: float, peers: bool, console: Console) -> Sfu:
    floor = await loopback(3.0)
    few, few_receiving = await sluice(500, window_s, console)
    many, many_receiving = await sluice(1000, window_s, console)
    janus = await beside(janus_most(0, window_s, console), console) if peers else None
    loops = os.cpu_count() or 1
    tuned = await beside(janus_most(loops, window_s, console), console) if peers else None
    aiortc = await beside(aiortc_most(window_s, console), console) if peers else None
    best = us(few)
    return Sfu(
        us_per_packet_500=us(few),
        us_per_packet_1000=us(many),
        sending_us_per_packet_500=sending(few, few_receiving),
        sending_us_per_packet_1000=sending(many, many_receiving),
        kb_per_viewer=many.server.kb_per_viewer if many.server else 0.0,
        lost_packets=rig.lost(few) + rig.lost(many),
        delivered_percent=many.delivered_percent,
        added_latency_ms_p99=round(many.video_latency.p99_ms, 2),
        added_latency_ms_p99_500=round(few.video_latency.p99_ms, 2),
        loopback_latency_ms_p99=round(floor.p99_ms, 2),
        viewers_per_core=few.server.viewers_per_core if few.server else 0,
        packets_per_s_1000=many.packets_per_s,
        client_cpu_percent_1000=many.client_cpu_percent,
        janus_us_per_packet=us(janus.result) if janus else None,
        janus_viewers=janus.viewers if janus else None,
        janus_ratio=round(us(janus.result) / best, 1) if janus else None,
        janus_event_loops_us_per_packet=us(tuned.result) if tuned else None,
        janus_event_loops_viewers=tuned.viewers if tuned else None,
        janus_event_loops_ratio=round(us(tuned.result) / best, 1) if tuned else None,
        aiortc_us_per_packet=us(aiortc.result) if aiortc else None,
        aiortc_viewers=aiortc.viewers if aiortc else None,
        aiortc_ratio=round(us(aiortc.result) / best, 1) if aiortc else None,
        # Not aiortc's: the phone that publishes to it is known to take its part.
        doubts=[
            *(f"500 viewers: {doubt}" for doubt in few.doubts),
            *(f"1,000 viewers: {doubt}" for doubt in many.doubts),
            *(f"Janus: {doubt}" for one in (janus, tuned) if one for doubt in one.result.doubts),
        ],
    )


def us(result: LoadResult) -> float:
    if result.server is None:
        raise LoadFailed("the server process could not be looked at")
    return result.server.us_per_packet


def sending(result: LoadResult, receiving: float | None) -> float | None:
    return None if receiving is None else round(us(result) * (1 - receiving), 3)


async def loopback(seconds: float) -> LatencySummary:
    """The delay of a viewer that takes the publisher's offer itself."""
    load = LoadViewers(data_channel=False)
    try:
        publisher, offer = load.publisher_offer()
        _, answer = load.accept(offer)
        load.publisher_answer(publisher, answer)
        await asyncio.sleep(1)
        load.reset_latency()
        await asyncio.sleep(seconds)
        return load.report().video_latency
    finally:
        load.stop()


async def sluice(
    viewers: int, window_s: float, console: Console
) -> tuple[LoadResult, float | None]:
    """Our server, new for each run, so that the memory is that of this run; and which part of its
    time was the receivers'."""
    with rig.sluice() as server, ReceivingShare(server.pid) as sampling:
        result = await rig.measured(
            f"Sluice, {viewers:,} viewers",
            Plan(viewers, rate=100, seconds=window_s),
            rig.viewers(viewers),
            rig.door(server, "load"),
            server.pid,
            console,
            sampling,
        )
        return result, sampling.share()


async def janus_most(event_loops: int, window_s: float, console: Console) -> Peer:
    """Janus at the most viewers without loss. Raises what `beside` turns into a missing figure."""
    if JanusServer.version() is None:
        raise LoadFailed(f"Janus is not installed ({INSTALL})")

    async def run(viewers: int) -> LoadResult:
        with (
            rig.own_address() as (interface, address),
            tempfile.TemporaryDirectory() as folder,
            JanusServer(Path(folder), interface, event_loops) as server,
        ):
            return await rig.measured(
                f"Janus, {viewers} viewers",
                Plan(viewers, rate=20, seconds=window_s),
                rig.viewers(viewers, bind=address),
                JanusDoor(server.url),
                server.pid,
                console,
            )

    return await most(JANUS_VIEWERS, run, rig.is_whole)


async def aiortc_most(window_s: float, console: Console) -> Peer:
    """aiortc at the most viewers that get whole streams; a phone publishes what can be decoded."""

    async def run(viewers: int) -> LoadResult:
        with (
            ForwarderProcess() as server,
            rig.phone(f"{server.origin}/whip", "none", "--codec", "vp8"),
        ):
            server.await_publisher()
            return await rig.measured(
                f"aiortc, {viewers} viewers",
                Plan(viewers, rate=2, seconds=window_s),
                rig.viewers(viewers),
                WhepDoor(f"{server.origin}/whep"),
                server.pid,
                console,
            )

    def whole(result: LoadResult) -> bool:
        audio = result.audio.packets / result.window_s / 50 / result.viewers
        return rig.is_whole(result) and audio >= ENOUGH_AUDIO

    return await most(AIORTC_VIEWERS, run, whole)


async def most(
    counts: tuple[int, ...],
    run: Callable[[int], Awaitable[LoadResult]],
    good: Callable[[LoadResult], bool],
) -> Peer:
    """The first of the counts that is served well. Raises LoadFailed when none is."""
    for viewers in counts:
        result = await run(viewers)
        if good(result):
            return Peer(viewers, result)
    raise LoadFailed(f"not even {counts[-1]} viewers were served well")


async def beside(peer: Awaitable[Peer], console: Console) -> Peer | None:
    """A peer that cannot be measured here is left out, and named."""
    try:
        return await peer
    except (LoadFailed, OSError, subprocess.CalledProcessError) as error:
        console.print(f"[yellow]left out:[/yellow] {error}")
        return None


def table(sfu: Sfu) -> list[tuple[str, str]]:
    def peer(us_per_packet: float | None, viewers: int | None) -> str:
        return "not measured" if viewers is None else f"{us_per_packet} us ({viewers} viewers)"

    return [
        ("CPU a forwarded packet, 500 viewers", f"{sfu.us_per_packet_500} us"),
        ("CPU a forwarded packet, 1,000 viewers", f"{sfu.us_per_packet_1000} us"),
        ("of that without the receivers' half of loopback", halves(sfu)),
        ("viewers a core, from the first", f"{sfu.viewers_per_core:,}"),
        ("memory a viewer, 1,000 viewers", f"{sfu.kb_per_viewer} kB"),
        ("lost packets, both runs, all viewers", f"{sfu.lost_packets:,}"),
        ("delivered at 1,000 viewers", f"{sfu.delivered_percent} %"),
        ("delay through the server, p99, 500 viewers", f"{sfu.added_latency_ms_p99_500} ms"),
        ("delay through the server, p99, 1,000 viewers", f"{sfu.added_latency_ms_p99} ms"),
        ("the same with no server in between, p99", f"{sfu.loopback_latency_ms_p99} ms"),
        ("Janus", peer(sfu.janus_us_per_packet, sfu.janus_viewers)),
        (
            "Janus with an event loop a core",
            peer(sfu.janus_event_loops_us_per_packet, sfu.janus_event_loops_viewers),
        ),
        ("aiortc, MediaRelay", peer(sfu.aiortc_us_per_packet, sfu.aiortc_viewers)),
    ]


def halves(sfu: Sfu) -> str:
    few, many = sfu.sending_us_per_packet_500, sfu.sending_us_per_packet_1000
    return "not measured (no perf)" if few is None or many is None else f"{few} us, {many} us"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window", type=float, default=WINDOW_S, help="seconds of each run")
    parser.add_argument("--no-peers", action="store_true", help="measure Sluice alone")
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    sfu = asyncio.run(measure(arguments.window, not arguments.no_peers, console))
    rows = table(sfu)
    shown = Table("what", "measured", title="Forwarding")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for doubt in sfu.doubts:
        console.print(f"[yellow]doubt:[/yellow] {doubt}")
    figures = json.dumps(asdict(sfu))
    if arguments.store:
        text = "one synthetic publisher of 2.5 Mbit/s, viewers without data channels."
        store("sfu", rig.about(text, "make bench-sfu"), ("what", "measured"), rows, figures)
    print(figures)


if __name__ == "__main__":
    main()
