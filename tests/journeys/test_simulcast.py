"""A browser sends three layers; each viewer gets the one that its access line carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.journeys.line_world import LineViewer, LineWorld

pytestmark = [
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.needs("ip", "tc", "nft", "nsenter"),
]

NARROW_KBITS = {"h": 600, "q": 150}
"""Lines that carry this layer and none above it."""
NO_PICTURE_KBITS = 95
SETTLES_S = 3
RECOVERS_S = 15
LONGEST_FREEZE_MS = 500
NOTICE = "Your connection carries sound only right now"


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_each_viewer_gets_what_its_line_carries_and_more_when_it_can(
    world: LineWorld, viewers: Sequence[LineViewer], tmp_path: Path, codec: str
) -> None:
    wanted = list(zip(viewers, ("f", "h", "q"), strict=True))
    with world.on_air(codec, tmp_path) as server:
        for viewer, rid in wanted:
            if rid in NARROW_KBITS:
                viewer.line.narrow(NARROW_KBITS[rid])
            viewer.watch(server)
            viewer.settle(server, rid, SETTLES_S)
        for viewer, rid in wanted:
            viewer.settle(server, rid, SETTLES_S)  # and stays there while others come

        for viewer, _ in wanted:
            viewer.line.widen()
        for viewer, _ in wanted:
            viewer.settle(server, "f", RECOVERS_S)
        for viewer, rid in wanted:
            expect_no_freeze(viewer, f"{codec}, from {rid}")
        assert viewers[2].presented.switches


def test_a_person_chooses_a_layer_and_keeps_it_after_a_reconnect(
    world: LineWorld, viewers: Sequence[LineViewer], tmp_path: Path
) -> None:
    viewer = viewers[0]
    with world.on_air("VP8", tmp_path) as server:
        viewer.watch(server)
        viewer.settle(server, "f", SETTLES_S)
        assert viewer.quality == "Quality: Auto, 540p"
        viewer.choose("135p")
        viewer.settle(server, "q", SETTLES_S)
        assert viewer.quality == "Quality: 135p"
        expect_no_freeze(viewer, "chosen")

        server.kick(viewer.peer(server)["id"])
        viewer.page.until("a second session", lambda: viewer.page.joins == 2, 20)
        viewer.page.await_state("playing")
        viewer.settle(server, "q", SETTLES_S)

        for key in ("q", "Home", "Enter"):  # the menu, its first entry, that one
            viewer.page.page.keyboard.press(key)
        viewer.settle(server, "f", RECOVERS_S)
        assert viewer.quality == "Quality: Auto, 540p"


def test_a_line_too_narrow_for_any_picture_carries_the_sound(
    world: LineWorld, viewers: Sequence[LineViewer], tmp_path: Path
) -> None:
    viewer = viewers[0]
    with world.on_air("VP8", tmp_path) as server:
        viewer.watch(server)
        viewer.line.narrow(NO_PICTURE_KBITS)
        viewer.page.until("the notice", lambda: viewer.notice == NOTICE, RECOVERS_S)
        assert viewer.peer(server)["audio_only"] is True
        before = viewer.page.inbound("audio")["packetsReceived"]

        def heard() -> bool:
            return viewer.page.inbound("audio")["packetsReceived"] > before + 50

        viewer.page.until("a second of sound", heard, 5)
        assert viewer.page.state == "playing"

        viewer.line.widen()
        viewer.page.until("the picture is back", lambda: viewer.notice == "", RECOVERS_S)
        viewer.settle(server, "f", RECOVERS_S)


def expect_no_freeze(viewer: LineViewer, which: str) -> None:
    switches = viewer.presented.switches
    print(f"{which}:", *switches, sep="\n  ")
    assert all(one.longest_gap_ms <= LONGEST_FREEZE_MS for one in switches), which


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LineWorld]:
    world = LineWorld(3, tmp_path_factory.mktemp("browsers"))
    yield world
    world.close()


@pytest.fixture
def viewers(world: LineWorld) -> Iterator[Sequence[LineViewer]]:
    with world.viewers() as viewers:
        yield viewers
