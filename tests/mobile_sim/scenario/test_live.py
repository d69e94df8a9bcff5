"""A scenario is played with real media: what happens in it happens to the far end, too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mobile_sim.device.thermal import Thermal
from mobile_sim.scenario.conditions import App
from mobile_sim.scenario.file import Scenario
from mobile_sim.scenario.live import LiveSettings, play
from mobile_sim.scenario.timeline import Connected, Row, Timeline
from mobile_sim.whip import Refused
from tests.mobile_sim.far_end import KEY, FarEnd

HEAD = """
name: A short ride
duration: {duration}
seed: 3
device: {{battery: {battery}, rung: {rung}}}
networks:
  home: {{kind: wifi, rate: {rate}, delay_ms: 5}}
  lte: {{kind: cellular, rate: 2M, delay_ms: 15}}
start: home
events:
"""


@pytest.fixture
async def far_end() -> AsyncIterator[FarEnd]:
    far_end = FarEnd()
    await far_end.start()
    yield far_end
    await far_end.stop()


class Stage:
    """Plays scenarios against a far end."""

    def __init__(self, far_end: FarEnd, folder: Path) -> None:
        self.far_end = far_end
        self.stop = asyncio.Event()
        self.shown: list[Row] = []
        self._folder = folder

    async def play(
        self,
        *events: str,
        duration: str = "0:06",
        rung: str = "270p15",
        rate: str = "4M",
        battery: float = 0.5,
        key: str = KEY,
        speed: float = 1.0,
        watch: bool = False,
    ) -> Timeline:
        file = self._folder / "ride.yaml"
        head = HEAD.format(duration=duration, rung=rung, rate=rate, battery=battery)
        if not events:
            head = head.replace("events:\n", "")
        file.write_text(head + "".join(f"  - {{{event}}}\n" for event in events))
        settings = LiveSettings(
            f"{self.far_end.url}/whip/demo", key, speed=speed, watch=watch, token=KEY
        )
        async with asyncio.timeout(60):
            return await play(Scenario.read(file), settings, self.stop, self._show)

    def _show(self, row: Row) -> None:
        self.shown.append(row)


@pytest.fixture
def stage(far_end: FarEnd, tmp_path: Path) -> Stage:
    return Stage(far_end, tmp_path)


def notes(timeline: Timeline) -> str:
    return " | ".join(row.note for row in timeline if row.note)


async def test_media_and_signals_arrive_and_each_second_has_its_row(
    stage: Stage, far_end: FarEnd
) -> None:
    far_end.answers = ['{"type": "advice", "level": "warn", "text": "Lower your settings."}']
    timeline = await stage.play()
    assert 4 <= len(timeline) <= 6
    assert list(timeline) == stage.shown
    last = timeline.rows[-1]
    assert (last.connected, last.network, last.app) == (Connected.LIVE, "home", App.FOREGROUND)
    assert timeline.rows[0].rung == "270p15"
    assert last.rung is not None  # how large depends on the machine that the far end shares
    assert last.bitrate > 50_000
    assert last.thermal is Thermal.NOMINAL
    assert last.capacity == pytest.approx(4e6, rel=0.05)
    assert last.rtt_ms is not None
    assert (last.restarts, last.posts, last.advice) == (0, 0, "Lower your settings.")
    assert "the platform advises (warn): Lower your settings." in notes(timeline)
    signal = json.loads(far_end.messages[0])
    assert signal["battery"]["level"] == pytest.approx(0.5, abs=0.01)
    assert signal["encoder"]["height"] in (180, 270)
    assert signal["network"]["kind"] == "wifi"
    assert len(far_end.stamps) > 30
    assert far_end.loudest > 4000
    assert far_end.deleted == ["1"]


async def test_another_network_is_another_path_in_the_same_session(
    stage: Stage, far_end: FarEnd
) -> None:
    timeline = await stage.play("at: 2, network: lte, gap: 0.5", duration="0:08")
    last = timeline.rows[-1]
    assert (last.network, last.connected, last.restarts, last.posts) == (
        "lte",
        Connected.LIVE,
        1,
        0,
    )
    assert "the phone has another address: ICE restart" in notes(timeline)
    assert (far_end.restarts, len(far_end.offers)) == (1, 1)
    assert last.bitrate > 50_000


async def test_a_narrow_line_is_answered_with_a_smaller_picture(stage: Stage) -> None:
    timeline = await stage.play(duration="0:10", rung="360p30", rate="300k")
    rungs = [row.rung for row in timeline if row.rung]
    assert rungs[0] == "360p30"
    assert timeline.rows[-1].height < 360 or timeline.rows[-1].fps < 20
    assert timeline.rows[-1].target < 400_000


async def test_in_the_background_the_camera_stops_and_sound_goes_on(
    stage: Stage, far_end: FarEnd
) -> None:
    timeline = await stage.play("at: 2, background: 10")
    last = timeline.rows[-1]
    assert (last.app, last.rung, last.fps, last.target) == (App.BACKGROUND, None, 0, 0)
    assert last.bitrate > 20_000, "sound"
    assert json.loads(far_end.messages[-1])["app"] == "background"


async def test_a_call_takes_the_microphone_too(stage: Stage) -> None:
    timeline = await stage.play("at: 2, call: 10")
    assert timeline.rows[-1].app is App.INTERRUPTED
    assert timeline.rows[-1].bitrate < 20_000, "RTCP alone"


async def test_an_outage_stops_everything_and_is_survived(stage: Stage, far_end: FarEnd) -> None:
    timeline = await stage.play("at: 2, outage: 2", duration="0:08")
    dark = [row for row in timeline if row.capacity == 0]
    assert dark
    assert all(row.rung is None for row in dark[1:])
    last = timeline.rows[-1]
    assert last.connected is Connected.LIVE
    assert last.rung is not None
    assert last.bitrate > 50_000
    assert len(far_end.offers) == 1


async def test_the_phones_time_may_run_faster(stage: Stage) -> None:
    timeline = await stage.play(duration="1:00", speed=20)
    assert 2 <= len(timeline) <= 4
    assert timeline.rows[-1].at_s > 35
    assert timeline.rows[-1].skin_c - 25 > 0.3, "a minute's warmth in three seconds"


async def test_an_empty_battery_ends_it(stage: Stage, far_end: FarEnd) -> None:
    timeline = await stage.play(duration="60:00", battery=0.01, speed=300)
    assert timeline.rows[-1].note.endswith("the phone is off")
    assert timeline.rows[-1].at_s < 3000
    assert far_end.deleted == ["1"]


async def test_it_may_be_stopped_at_any_time(stage: Stage, far_end: FarEnd) -> None:
    asyncio.get_running_loop().call_later(1.5, stage.stop.set)
    timeline = await stage.play(duration="10:00")
    assert len(timeline) <= 3
    assert far_end.deleted == ["1"]


async def test_a_refusal_for_good_ends_it(stage: Stage) -> None:
    with pytest.raises(Refused, match="unknown stream key"):
        await stage.play(key="a wrong one", duration="10:00")


async def test_a_viewer_beside_tells_the_latency(stage: Stage) -> None:
    timeline = await stage.play(watch=True)
    seen = [row.latency_ms for row in timeline if row.latency_ms is not None]
    assert seen
    assert all(0 <= latency < 10_000 for latency in seen)
