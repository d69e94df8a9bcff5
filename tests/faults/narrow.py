"""Access lines that lose packets, and one that becomes too narrow for the picture."""

from __future__ import annotations

import random
import statistics
import time

from tests.faults.row import BUSY, Measured, Row, Target
from tests.faults.world import World
from tests.journeys import test_loss as loss
from tests.journeys.line_world import LineViewer, LineWorld
from tests.journeys.server import SluiceServer

FAMILY = "line"
NEEDS = ("root", "ip", "tc", "nft", "nsenter", "chromium")
KBITS = 300
NARROW_S = 12.0
SECONDS = 48_000
"""Samples of sound in a second."""
ECHO = """async (text) => {
  const began = performance.now();
  await window.sluice.echo(text);
  return performance.now() - began;
}"""


def lossy(world: World, seed: int, percent: float) -> Measured:
    """At random, by the kernel's dice: seeds are repetitions."""
    lines = LineWorld(1, world.folder)
    world.at_the_end(lines.close)
    server = world.enter(lines.on_air("VP8", world.folder))
    (viewer,) = world.enter(lines.viewers())
    viewer.watch(server)
    viewer.line.lose(percent)
    loss.await_samples(viewer, 3 * SECONDS)
    viewer.presented.forget_sound()
    before = loss.figures(viewer, server)
    loss.await_samples(viewer, 20 * SECONDS)
    arrived = viewer.page.inbound("video")["packetsReceived"]
    silence_ms = viewer.presented.longest_silence_ms
    layer = viewer.peer(server)["layer"]
    viewer.line.widen()  # what is on its way to be mended may arrive
    loss.await_samples(viewer, 3 * SECONDS)
    after = {**loss.figures(viewer, server), "packetsReceived": arrived}
    gone = loss.Missing(*(after[name] - before[name] for name in loss.NAMES))
    assert gone.lost > 0, "the line lost nothing"
    pictures = (after["framesDecoded"] - before["framesDecoded"]) / 23
    del seed
    return Measured(
        {"video missing in the end": gone.percent, "longest gap in the sound": silence_ms},
        f"layer {layer}, {pictures:.0f} pictures/s, {gone.lost:.0f} packets lost on the line",
    )


def narrow(world: World, seed: int) -> Measured:
    """300 kbit/s for a while."""
    lines = LineWorld(1, world.folder)
    world.at_the_end(lines.close)
    server = world.enter(lines.on_air("VP8", world.folder))
    (viewer,) = world.enter(lines.viewers())
    viewer.watch(server)
    viewer.settle(server, "f", 15)
    time.sleep(random.Random(seed).uniform(0, 2))
    began = time.monotonic()
    viewer.line.narrow(KBITS)
    switched = _until_layer(viewer, server, "q", 30) - began
    # The line's queue as packets see it: what the page sends through it, and gets back.
    queues: list[float] = []
    while time.monotonic() - began < NARROW_S:
        queues.append(float(viewer.page.page.evaluate(ECHO, str(len(queues)))))
        viewer.page.page.wait_for_timeout(100)
    stayed = viewer.peer(server)["layer"]
    widened = time.monotonic()
    viewer.line.widen()
    back = _until_layer(viewer, server, "f", 60) - widened
    return Measured(
        {
            "switch to the lowest layer": switched,
            "queue afterwards, p95": statistics.quantiles(queues, n=20)[-1],
            "back after it": back,
            "sessions that the viewer had to open": viewer.page.joins - 1,
        },
        f"layer {stayed} all the time, queue at most {max(queues):.0f} ms",
    )


def _until_layer(viewer: LineViewer, server: SluiceServer, rid: str, within_s: float) -> float:
    """When the server says that it sends this one."""
    viewer.page.until(f"layer {rid}", lambda: viewer.peer(server)["layer"] == rid, within_s)
    return time.monotonic()


def _loss_row(percent: float, missing: float) -> Row:
    return Row(
        f"loss of {percent:g} %",
        FAMILY,
        (
            Target("video missing in the end", missing, "%"),
            Target("longest gap in the sound", 200, "ms"),
        ),
        lambda world, seed: lossy(world, seed, percent),
        NEEDS,
        cores=BUSY,
    )


ROWS = (
    *(_loss_row(*pair) for pair in ((1, 0.1), (5, 0.5), (10, 2), (20, 5))),
    Row(
        f"{KBITS} kbit/s",
        FAMILY,
        (
            Target("switch to the lowest layer", 3, "s"),
            Target("queue afterwards, p95", 500, "ms"),
            Target("back after it", 15, "s"),
            Target("sessions that the viewer had to open", 0),
        ),
        narrow,
        NEEDS,
        cores=BUSY,
    ),
)
