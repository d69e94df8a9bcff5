"""Which broadcasts are made into HLS and DASH, and for how long."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import pytest

from bridge.origin import Origin
from bridge.presentation import Presentation
from bridge.rendition import Rendition
from bridge.track import VideoConfig
from recorder.recording import Recording
from recorder.records import CloseReason
from sfu.broadcast import News, RenditionsNews
from sfu.broadcast import Rendition as Told
from signaling.recordings import FOLDER
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.stream import Reader
from tests.signaling.door import Door, open_door

Start = Literal["demand", "always", "never"]
LIVE = ChannelId("live")


async def begun(door: Door, channel: str = "live") -> Origin:
    origin = await door.house.bridges.wanted(channel)
    assert origin is not None
    return origin


async def over(door: Door) -> None:
    """Until players of the channel are told its end."""
    async with asyncio.timeout(30):
        await door.house.bridges.ended("live")


async def test_a_bridge_begins_with_the_first_question_and_is_shared(door: Door) -> None:
    bridges = door.house.bridges
    await door.go_live()
    assert bridges.find("live") is None
    origin = await begun(door)
    assert bridges.find("live") is origin
    assert await begun(door) is origin
    assert door.counted("sluice_bridges") == 1
    assert door.engine.publisher("live") is not None


async def test_what_is_not_live_has_none(door: Door) -> None:
    assert await door.house.bridges.wanted("live") is None
    assert await door.house.bridges.wanted("nobody") is None
    await door.publish()  # answered, but no packet came yet
    assert await door.house.bridges.wanted("live") is None


async def test_it_ends_when_nobody_asks_any_more(door: Door) -> None:
    bridges, idle_ms = door.house.bridges, door.house.settings.bridge.idle_s * 1_000
    await door.go_live()
    await begun(door)
    door.clock.advance(idle_ms - 1)
    assert bridges.find("live") is not None  # a question keeps it
    door.clock.advance(idle_ms - 1)
    await bridges.look()
    assert len(bridges) == 1
    door.clock.advance(1)
    await bridges.look()
    assert len(bridges) == 0
    assert door.counted("sluice_bridges") == 0


async def test_players_can_fetch_the_rest_for_a_while_after_the_end(door: Door) -> None:
    bridges = door.house.bridges
    await door.go_live()
    origin = await begun(door)
    await door.house.rooms.end(door.house.rooms.broadcasts()[0].channel)
    await door.removals()
    assert bridges.find("live") is origin
    await over(door)
    assert origin.presentation.ended
    assert bridges.find("live") is origin
    door.clock.advance(door.house.settings.bridge.keep_s * 1_000)
    await bridges.look()
    assert bridges.find("live") is None


async def test_a_new_broadcast_is_a_new_presentation(door: Door) -> None:
    bridges = door.house.bridges
    await door.go_live()
    before = await begun(door)
    await door.house.rooms.end(door.house.rooms.broadcasts()[0].channel)
    await door.removals()
    door.clock.advance(1_000)
    await door.go_live()
    assert bridges.find("live") is None
    after = await begun(door)
    assert after is not before
    assert after.presentation.epoch != before.presentation.epoch
    assert after.presentation.first_msn > before.presentation.first_msn


async def test_people_hear_which_pictures_there_are_and_which_are_shed(door: Door) -> None:
    await door.go_live()
    news = door.house.rooms.subscribe(ChannelId("live"), 16)
    presentation = (await begun(door)).presentation
    source = Rendition("source", VideoConfig(b"", b"", 1280, 720, 30.0))
    presentation.renditions["source"] = source
    heard = await told(news)
    assert [(one.name, one.shed) for one in heard] == [("source", False)]
    source.shed = True
    heard = await told(news)
    assert [(one.name, one.shed) for one in heard] == [("source", True)]
    state = await door.http.get("/api/channels/live/state")
    assert state.json()["renditions"] == [{"name": "source", "shed": True}]
    presentation.renditions.clear()


async def told(news: Reader[News]) -> tuple[Told, ...]:
    async with asyncio.timeout(10):
        async for item in news:
            if isinstance(item, RenditionsNews):
                return item.renditions
    raise AssertionError("the news ended")


async def test_there_are_no_more_than_there_may_be(tmp_path: Path) -> None:
    async with open_door(tmp_path, bridge={"broadcasts": 1}) as door:
        await door.add_channel("other")
        await door.go_live("live")
        await door.go_live("other")
        await begun(door, "live")
        with pytest.raises(Problem) as refused:
            await door.house.bridges.wanted("other")
        assert (refused.value.kind.code, refused.value.retry_after_s) == ("busy", 5)
        assert door.house.bridges.find("live") is not None


@pytest.mark.parametrize(("start", "count"), [("always", 1), ("demand", 0), ("never", 0)])
async def test_the_settings_say_when_it_begins(tmp_path: Path, start: Start, count: int) -> None:
    async with open_door(tmp_path, bridge={"start": start}) as door:
        await door.go_live()
        await door.house.bridges.look()
        assert len(door.house.bridges) == count
        if start == "never":
            assert await door.house.bridges.wanted("live") is None


class EndsAtOnce:
    """A recorder whose broadcast is over while it still opens its files."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.ended: list[Presentation] = []

    def wants(self, channel: ChannelId) -> bool:
        return True

    async def begin(self, channel: ChannelId, presentation: Presentation) -> None:
        await self._door.house.rooms.end(channel)
        await self._door.removals()

    async def end(self, channel: ChannelId, presentation: Presentation) -> None:
        self.ended.append(presentation)


async def test_a_broadcast_that_ends_while_its_bridge_begins(door: Door) -> None:
    bridges = door.house.bridges
    recorder = bridges.recorder = EndsAtOnce(door)
    await door.go_live()
    origin = await begun(door)
    await over(door)
    assert origin.presentation.ended
    assert recorder.ended == [origin.presentation]


class Fails(EndsAtOnce):
    async def begin(self, channel: ChannelId, presentation: Presentation) -> None:
        raise RuntimeError("a slip")


async def test_a_bridge_that_cannot_begin_leaves_nothing_behind(door: Door) -> None:
    bridges = door.house.bridges
    bridges.recorder = Fails(door)
    await door.go_live()
    fanouts = dict(door.house.rooms._fanouts)
    with pytest.raises(RuntimeError):
        await bridges.wanted("live")
    assert bridges.find("live") is None
    assert door.house.rooms._fanouts == fanouts
    bridges.recorder = None
    assert await begun(door) is bridges.find("live")


# --- what is recorded


def _recorded(door: Door, channel: str = "live") -> str:
    found = door.house.vods.recordings.running(ChannelId(channel))
    assert found is not None
    return found


async def test_the_bridge_of_what_is_recorded_begins_with_the_broadcast(tmp_path: Path) -> None:
    async with open_door(tmp_path, recorder={"jobs": {"workers": 0}}) as door:
        bridges = door.house.bridges
        await door.go_live()
        await bridges.look()
        recording = _recorded(door)
        door.clock.advance(door.house.settings.bridge.idle_s * 10_000)
        await bridges.look()
        assert len(bridges) == 1  # nobody asks for it, and yet
        assert _recorded(door) == recording
        await door.house.rooms.end(LIVE)
        await over(door)
        assert door.house.vods.recordings.running(LIVE) is None
        assert _reason(Recording.read(tmp_path / FOLDER / recording)) == "end"


async def test_a_new_broadcast_is_recorded_while_the_old_one_is_kept(tmp_path: Path) -> None:
    recorder = {"jobs": {"workers": 0}}
    async with open_door(tmp_path, recorder=recorder, bridge={"broadcasts": 1}) as door:
        bridges = door.house.bridges
        await door.go_live()
        await bridges.look()
        first, old = _recorded(door), bridges.find("live")
        await door.house.rooms.end(LIVE)
        await over(door)
        await bridges.look()
        assert bridges.find("live") is old  # players fetch the rest
        door.clock.advance(1_000)
        await door.go_live()
        await bridges.look()
        assert _recorded(door) != first
        assert bridges.find("live") is not old
        assert door.counted("sluice_bridge_events_total", event="refused") == 0


async def test_no_more_are_recorded_than_may_be_bridged(tmp_path: Path) -> None:
    recorder = {"jobs": {"workers": 0}}
    async with open_door(tmp_path, recorder=recorder, bridge={"broadcasts": 1}) as door:
        await door.add_channel("other")
        await door.go_live("live")
        await door.house.bridges.look()
        await door.go_live("other")
        await door.house.bridges.look()
        _recorded(door, "live")
        assert door.house.vods.recordings.running(ChannelId("other")) is None
        assert door.counted("sluice_bridge_events_total", event="refused") >= 1


async def test_a_bridge_needs_no_recording(tmp_path: Path) -> None:
    async with open_door(tmp_path, recorder={"jobs": {"workers": 0}}) as door:
        (tmp_path / FOLDER).rmdir()
        (tmp_path / FOLDER).write_text("in the way")
        await door.go_live()
        await door.house.bridges.look()
        assert door.house.bridges.find("live") is not None
        assert door.house.vods.recordings.trouble(LIVE) is not None
        (tmp_path / FOLDER).unlink()


@pytest.mark.parametrize("warned", [False, True])
async def test_a_server_that_stops_does_not_end_the_broadcast(tmp_path: Path, warned: bool) -> None:
    async with open_door(tmp_path, recorder={"jobs": {"workers": 0}}) as door:
        await door.go_live()
        await door.house.bridges.look()
        recording = _recorded(door)
        if warned:  # as the server does before it closes its connections
            door.house.begin_stop()
            await over(door)
    assert _reason(Recording.read(tmp_path / FOLDER / recording)) == "stopped"


def _reason(recording: Recording) -> CloseReason:
    assert recording.closed is not None
    return recording.closed.reason
