"""Server-sent events."""

from __future__ import annotations

import asyncio
import json
import shutil
from itertools import pairwise
from pathlib import Path

from recorder.capture import Trouble
from sfu.broadcast import (
    Active,
    Inactive,
    LayersNews,
    MediaRestarted,
    Reconnect,
    Stalled,
    ViewerCount,
    ViewerLayer,
)
from signaling.event_streams import encode
from signaling.recordings import TOLD
from sluice.ids import ChannelId
from tests.signaling.door import LAYERS, Door, Listening, open_door
from tests.signaling.recording_world import on_air, studio_at
from tests.signaling.vod_world import CHANNEL, open_vods, owner

EVENTS = "/api/channels/live/events"


def parsed(text: str) -> list[tuple[str, object]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_how_news_look_on_the_wire() -> None:
    assert encode(Active(5)) == b'event: active\ndata: {"since_ms":5}\n\n'
    assert encode(Inactive()) == b"event: inactive\ndata: {}\n\n"
    assert encode(Stalled()) == b"event: stalled\ndata: {}\n\n"
    assert encode(ViewerCount(2)) == b'event: viewercount\ndata: {"viewers":2}\n\n'
    [(name, data)] = parsed(encode(LayersNews(LAYERS[:1])).decode())
    assert name == "layers"
    assert data == {
        "layers": [
            {"rid": "h", "codec": "vp8", "bitrate": 1_500_000, "width": 1280, "height": 720,
             "active": True}
        ]
    }  # fmt: skip
    assert encode(Reconnect()).startswith(b"event: reconnect\n")
    for peers, spread_ms in ((3, 12), (100_000, 3_500)):
        [(name, data)] = parsed(encode(MediaRestarted(peers)).decode())
        assert name == "reconnect"
        assert data == {"retry_ms": 500, "spread_ms": spread_ms, "ended": True}
    assert encode(ViewerLayer("q")) == b'event: layer\ndata: {"rid":"q","audio_only":false}\n\n'
    assert encode(ViewerLayer(None)) == b'event: layer\ndata: {"rid":null,"audio_only":true}\n\n'


async def test_the_present_state_comes_first_and_news_follow(door: Door) -> None:
    async with Listening(door, EVENTS) as client:
        assert client.status == 200
        assert [name for name, _ in parsed(await client.chunk())] == [
            "inactive", "viewercount", "layers",
        ]  # fmt: skip
        await door.go_live()
        assert parsed(await client.chunk()) == [("active", {"since_ms": door.clock.wall_ms()})]
        assert parsed(await client.chunk())[0][0] == "layers"
        door.engine.stall("live")
        assert parsed(await client.chunk()) == [("stalled", {})]
        door.engine.resume("live")
        assert parsed(await client.chunk()) == [("resumed", {})]


async def test_those_whose_streams_break_at_once_come_back_one_after_the_other(door: Door) -> None:
    waits = sorted(door.house.streams.again_ms() for _ in range(100))
    assert (waits[0] >= 500, waits[-1] < 1_500) == (True, True)
    assert max(after - before for before, after in pairwise(waits)) < 20
    async with Listening(door, EVENTS) as client:
        first = await client.chunk()
    assert 500 <= int(first.removeprefix("retry: ").split("\n")[0]) < 1_500


async def test_silence_is_filled_with_comments(door: Door) -> None:
    door.house.streams.heartbeat_s = 0.01
    async with Listening(door, EVENTS) as client:
        await client.chunk()
        assert (await client.chunk()).startswith(":")


async def test_a_client_that_left_is_forgotten(door: Door) -> None:
    async with Listening(door, EVENTS) as client:
        await client.chunk()
        assert len(door.house.streams) == 1
        await client.hang_up()
        assert len(door.house.streams) == 0
        assert door.house.rooms._fanouts == {}


async def test_a_client_that_left_while_a_write_was_stuck_is_forgotten_too(door: Door) -> None:
    async with Listening(door, EVENTS) as client:
        await client.chunk()
        client.blocked = asyncio.Event()
        await door.go_live()
        await client.hang_up()
        assert len(door.house.streams) == 0


async def test_a_slow_client_loses_news_and_then_hears_the_whole_state(tmp_path: Path) -> None:
    async with open_door(tmp_path, limits={"sse_queue": 2}) as door:
        await door.go_live()
        async with Listening(door, EVENTS) as client:
            await client.chunk()
            client.blocked = asyncio.Event()
            for _ in range(5):
                door.engine.stall("live")
                door.engine.resume("live")
            await door.engine.settled()
            client.blocked.set()
            texts = [await client.chunk() for _ in range(2)]
            told = [name for text in texts for name, _ in parsed(text)]
            assert "active" in told
        assert door.counted("sluice_events_dropped_total") > 0


async def test_streams_are_capped_in_all_and_by_address(tmp_path: Path) -> None:
    for limits, code in (
        ({"sse_connections": 1}, 503),
        ({"sse_per_ip": 1}, 429),
    ):
        async with (
            open_door(tmp_path / str(code), limits=limits) as door,
            Listening(door, EVENTS) as first,
            Listening(door, EVENTS) as second,
        ):
            assert (first.status, second.status) == (200, code)


async def test_a_stream_ends_when_its_token_does(door: Door) -> None:
    await door.add_channel("shy", "token")
    made = (await door.admin("POST", "/api/channels/shy/viewer-tokens", {"ttl_s": 60})).json()
    path = "/api/channels/shy/events"
    async with Listening(door, path, f"token={made['token']}") as client:
        assert client.status == 200
        door.clock.advance(60_000)
        await door.house.enforce()
        await client.ended()


async def test_a_stop_says_reconnect_and_ends_the_streams(door: Door) -> None:
    async with Listening(door, EVENTS) as client:
        await client.chunk()
        door.house.begin_stop()
        assert parsed(await client.chunk())[0][0] == "reconnect"
        await client.ended()


async def test_an_event_stream_cannot_be_asked_for_by_head(door: Door) -> None:
    assert (await door.http.head(EVENTS)).status_code == 405


# --- what only the owner hears


def own(door: Door) -> dict[str, str]:
    return {"authorization": f"Bearer {door.keys['live']}"}


async def heard(client: Listening) -> object:
    """The next `recording`."""
    while True:
        for name, data in parsed(await client.chunk()):
            if name == "recording":
                return data


async def test_the_owner_hears_at_once_how_the_recording_goes(tmp_path: Path) -> None:
    async with open_vods(tmp_path) as door:
        path = f"/api/channels/{CHANNEL}/events"
        async with Listening(door, path, headers=owner(door)) as client:
            assert await heard(client) == {"vod": None, "trouble": None}
            vod, studio = await on_air(door, 1_000)
            assert await heard(client) == {"vod": vod, "trouble": None}
            recordings = door.house.vods.recordings
            recordings._trouble(ChannelId(CHANNEL), vod, Trouble("too slow", "lost 3 parts"))
            assert await heard(client) == {"vod": vod, "trouble": TOLD["too slow"]}
            recordings._trouble(ChannelId(CHANNEL), vod, Trouble("disk full", "28"))
            told = await heard(client)
            while told == {"vod": vod, "trouble": TOLD["disk full"]}:
                told = await heard(client)
            assert told == {"vod": None, "trouble": TOLD["disk full"]}
            studio.end()


async def test_a_broadcast_that_cannot_be_recorded_is_told(tmp_path: Path) -> None:
    async with (
        open_vods(tmp_path) as door,
        Listening(door, f"/api/channels/{CHANNEL}/events", headers=owner(door)) as client,
    ):
        await heard(client)
        recordings = door.house.vods.recordings
        shutil.rmtree(recordings.folder)
        recordings.folder.write_text("not a folder")
        studio = studio_at(door.house.bridges.clock)
        await recordings.begin(ChannelId(CHANNEL), studio.presentation)
        told = await heard(client)
        assert isinstance(told, dict)
        assert told["vod"] is None
        assert told["trouble"].startswith("It is not recorded: ")


async def test_nobody_else_hears_of_it(door: Door) -> None:
    async with (
        Listening(door, EVENTS) as client,
        Listening(door, EVENTS, headers=own(door)) as mine,
    ):
        await mine.chunk()
        assert "recording" not in {name for name, _ in parsed(await client.chunk())}
        door.house.streams.recording_changed(ChannelId("live"))
        assert await heard(mine) == {"vod": None, "trouble": None}
        await door.go_live()
        assert [name for name, _ in parsed(await client.chunk())] == ["active"]


async def test_other_channels_owners_hear_nothing_of_it(door: Door) -> None:
    await door.add_channel("other")
    async with Listening(door, EVENTS, headers=own(door)) as mine:
        await mine.chunk()
        door.house.streams.recording_changed(ChannelId("other"))
        await door.go_live()
        assert [name for name, _ in parsed(await mine.chunk())] == ["active"]


async def test_a_wrong_key_opens_no_stream_and_another_key_ends_it(door: Door) -> None:
    for key in ("sk_wrong", "sk_" + "x" * 5_000):
        async with Listening(door, EVENTS, headers={"authorization": key}) as client:
            assert client.status == 403
    async with Listening(door, EVENTS, headers=own(door)) as mine:
        await mine.chunk()
        assert (await door.admin("POST", "/api/channels/live/key")).status_code in (200, 201)
        await mine.ended()


async def test_silence_is_filled_for_the_owner_too_and_nothing_is_lost(door: Door) -> None:
    door.house.streams.heartbeat_s = 0.01
    async with Listening(door, EVENTS, headers=own(door)) as mine:
        await mine.chunk()
        for _ in range(3):
            assert (await mine.chunk()).startswith(":")
        await door.go_live()
        while not (told := parsed(await mine.chunk())):
            pass
        assert told[0][0] == "active"
