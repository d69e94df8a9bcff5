"""A viewer behind a line that loses packets at random: what is lost is sent again in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.line_world import LineViewer, LineWorld
from tests.journeys.server import SluiceServer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.needs("ip", "tc", "nft", "nsenter"),
]

SETTLE_SAMPLES = 3 * 48_000
WINDOW_SAMPLES = 20 * 48_000
"""A long look, by the clock of the sound that is played."""
LONGEST_SILENCE_MS = 200
NAMES = ("packetsReceived", "packetsLost", "retransmittedPacketsReceived", "packets_resent")


@dataclass(frozen=True)
class Missing:
    """Packets of the picture in a while. What comes another time still counts as lost."""

    arrived: float
    lost: float
    came_again: float
    """By the browser, which cannot tell them from those that only measure the line."""
    sent_again: float
    """By the server, because they were missed."""

    @property
    def percent(self) -> float:
        """Of the packets, how many came neither the first nor another time."""
        mended = min(self.came_again, self.sent_again)
        return 100 * max(0.0, self.lost - mended) / (self.arrived + self.lost)


@pytest.mark.parametrize(("lost", "missing_at_most"), [(1, 0.1), (5, 0.5), (10, 2), (20, 5)])
def test_what_a_line_loses_is_sent_again_in_time(
    world: LineWorld,
    viewer: LineViewer,
    tmp_path: Path,
    lost: float,
    missing_at_most: float,
) -> None:
    with world.on_air("VP8", tmp_path) as server:
        viewer.watch(server)
        viewer.line.lose(lost)
        await_samples(viewer, SETTLE_SAMPLES)
        viewer.presented.forget_sound()
        before = figures(viewer, server)
        await_samples(viewer, WINDOW_SAMPLES)
        arrived = viewer.page.inbound("video")["packetsReceived"]
        silence_ms = viewer.presented.longest_silence_ms
        viewer.line.widen()  # what is on its way to be mended may arrive; figures come to rest
        await_samples(viewer, SETTLE_SAMPLES)
        after = {**figures(viewer, server), "packetsReceived": arrived}

        missing = Missing(*(after[name] - before[name] for name in NAMES))
        decoded = after["framesDecoded"] - before["framesDecoded"]
        print(f"{lost} % lost: {missing}, {missing.percent:.2f} % missing in the end,")
        print(f"  {silence_ms:.0f} ms of made-up sound at most, {decoded} frames decoded,")
        print(f"  {viewer.presented.switches} {viewer.peer(server)}")
        assert missing.lost > 0  # the line did its worst
        assert decoded >= WINDOW_SAMPLES / 48_000 * 10  # and there was a picture all the time
        assert missing.percent <= missing_at_most
        assert silence_ms <= LONGEST_SILENCE_MS
        assert viewer.page.joins == 1


def await_samples(viewer: LineViewer, count: int) -> None:
    """Until so much sound was played from now on."""
    target = viewer.page.inbound("audio")["totalSamplesReceived"] + count
    viewer.page.until(
        f"{count} samples of sound",
        lambda: viewer.page.inbound("audio")["totalSamplesReceived"] >= target,
        within_s=3 * count / 48_000,
    )


def figures(viewer: LineViewer, server: SluiceServer) -> Mapping[str, float]:
    """What both sides count of the picture, and the server of the sound too."""
    resent = viewer.peer(server)["packets_resent"]
    assert isinstance(resent, int)
    # The browser leaves out what has not happened yet.
    none = dict.fromkeys(NAMES, 0)
    return {**none, **viewer.page.inbound("video"), "packets_resent": resent}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LineWorld]:
    world = LineWorld(1, tmp_path_factory.mktemp("browsers"))
    yield world
    world.close()


@pytest.fixture
def viewer(world: LineWorld) -> Iterator[LineViewer]:
    with world.viewers() as (viewer,):
        yield viewer
