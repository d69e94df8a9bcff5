"""What was said while it was live, where it belongs in the recording: each entry once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.entry import Draft, Kind, RoomId
from chat.hub import Hub
from chat.log import Hearts
from chat.log_memory import MemoryLog
from chat.moderation.settings import RoomSettings
from chat.room import Room
from chat.settings import HubSettings
from recorder.replay import Replay
from signaling import room_replay
from signaling.room_replay import RoomReplay
from signaling.vod_views import ReplayedChat
from sluice.clock import VirtualClock
from tests.recorder.timelines import ORIGIN_S, replay

CHANNEL: Final = "live"
ROOM: Final = RoomId(CHANNEL)
ORIGIN_MS: Final = ORIGIN_S * 1_000
ALL: Final = 10**9
FILM: Final = replay((0.013, 4), (24.013, 3))
"""4 s, then 20 s of nothing, then 3 s."""


@dataclass
class World:
    """A room with a log, and recordings of its channel."""

    history: MemoryLog = field(default_factory=MemoryLog)
    hub: Hub = field(init=False)
    rooms: RoomReplay = field(init=False)

    def __post_init__(self) -> None:
        self.hub = Hub(
            self.history,
            lambda room: Room(RoomSettings()),
            lambda room: None,
            HubSettings(),
            VirtualClock(),
        )
        self.rooms = RoomReplay(self.hub, self.history)

    async def say(self, at_ms: int, text: str, kind: Kind = "message", staff: bool = False) -> int:
        """At a moment of the stream, since the origin. Its number."""
        said = {"id": text, "user": {"id": "u1", "name": "Bea"}, "text": text}
        return await self._add(kind, said, at_ms, staff)

    async def act(self, kind: Kind, at_ms: int, **body: object) -> int:
        return await self._add(kind, body, at_ms, False)

    async def page(
        self,
        from_ms: int = 0,
        to_ms: int = ALL,
        *,
        of: Replay = FILM,
        after: int = 0,
        limit: int = 1_000,
    ) -> ReplayedChat:
        return await self.rooms.page(CHANNEL, of, from_ms, to_ms, after, limit)

    async def _add(self, kind: Kind, body: dict[str, Any], at_ms: int, staff: bool) -> int:
        moment = ORIGIN_MS + at_ms
        draft = Draft(kind, json.dumps(body).encode(), moment, moment, staff=staff)
        return (await self.hub.append(ROOM, draft)).seq


def texts(page: ReplayedChat) -> list[tuple[int, str]]:
    return [(one.at_ms, json.loads(bytes(one.entry))["text"]) for one in page.items]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.hub.stop()


async def test_entries_stand_on_the_recordings_time(world: World) -> None:
    for at_ms, text in (
        (-1_000, "before"), (12, "a moment before"), (13, "first"), (2_013, "second"),
        (10_000, "in the gap"), (25_013, "after it"), (27_012, "last"), (27_013, "too late"),
    ):  # fmt: skip
        await world.say(at_ms, text)
    page = await world.page()
    assert texts(page) == [
        (0, "first"), (2_000, "second"), (4_000, "in the gap"), (5_000, "after it"),
        (6_999, "last"),
    ]  # fmt: skip
    assert page.next is None
    entry = json.loads(bytes(page.items[0].entry))
    assert (entry["kind"], entry["t"], entry["user"]["name"]) == ("message", ORIGIN_MS + 13, "Bea")


async def test_what_was_said_in_a_gap_belongs_behind_it_and_not_before(world: World) -> None:
    for at_ms in (4_012, 4_013, 20_000, 24_012, 24_013):
        await world.say(at_ms, str(at_ms))
    before = texts(await world.page(0, 4_000))
    behind = texts(await world.page(4_000, 7_000))
    assert before == [(3_999, "4012")]
    assert behind == [(4_000, "4013"), (4_000, "20000"), (4_000, "24012"), (4_000, "24013")]


@pytest.mark.parametrize(
    ("from_ms", "to_ms"), [(7_000, ALL), (ALL, ALL), (3_000, 3_000), (5_000, 1_000), (0, 0)]
)
async def test_a_stretch_in_which_nothing_can_be(world: World, from_ms: int, to_ms: int) -> None:
    for at_ms in range(-1_000, 30_000, 500):
        await world.say(at_ms, "x")
    assert (await world.page(from_ms, to_ms)) == ReplayedChat([], None)


async def test_a_recording_of_nothing_has_no_chat(world: World) -> None:
    await world.say(0, "x")
    assert await world.page(of=Replay("c-1")) == ReplayedChat([], None)
    assert (await world.rooms.heat(CHANNEL, Replay("c-1"))).values == []


async def test_long_chats_come_in_pages(world: World) -> None:
    for number in range(25):
        await world.say(13 + 150 * number, str(number))
    found: list[str] = []
    after = 0
    for size in (10, 10, 5):
        page = await world.page(after=after, limit=10)
        assert len(page.items) == size
        found += [text for _, text in texts(page)]
        after = page.next or 0
    assert found == [str(number) for number in range(25)]
    assert after == 0


async def test_a_page_ends_with_its_stretch(world: World) -> None:
    for number in range(10):
        await world.say(13 + 300 * number, str(number))
    page = await world.page(0, 1_500, limit=3)
    assert page.next is not None
    rest = await world.page(0, 1_500, after=page.next, limit=3)
    assert [text for _, text in texts(rest)] == ["3", "4"]
    assert rest.next is None


async def test_what_moderators_took_away_is_not_shown(world: World) -> None:
    await world.say(100, "fine")
    bad = await world.say(200, "bad")
    await world.say(300, "for moderators only", staff=True)
    await world.say(400, "waits", kind="held")
    await world.act("delete", 500, of=bad, by="Lina")
    await world.act("ban", 600, user="u9", by="Lina")
    assert [text for _, text in texts(await world.page())] == ["fine"]
    hidden = await world.page(limit=2)  # of two that were read, one is shown
    assert len(hidden.items) == 1
    assert hidden.next == bad


async def test_alerts_polls_and_pins_are_shown(world: World) -> None:
    await world.act("alert", 100, type="donation", text="Thanks")
    await world.act("pin", 200, seq=None)
    page = await world.page()
    kinds = [json.loads(bytes(one.entry))["kind"] for one in page.items]
    assert kinds == ["alert", "pin"]


stretches = st.lists(
    st.tuples(st.integers(1, 20_000), st.integers(100, 9_000)), min_size=1, max_size=4
)


@settings(max_examples=40, deadline=None)
@given(stretches, st.lists(st.integers(0, 60_000), max_size=30), st.lists(st.integers(0, 40_000)))
def test_however_it_is_divided_each_entry_is_in_one_stretch(
    made: Sequence[tuple[int, int]], said: Sequence[int], cuts: Sequence[int]
) -> None:
    periods, at_ms = [], 0
    for gap_ms, length_ms in made:
        periods.append(((at_ms + gap_ms) / 1_000, length_ms / 1_000))
        at_ms += gap_ms + length_ms
    film = replay(*periods)

    async def divided() -> None:
        world = World()
        for number, moment in enumerate(sorted(said)):
            await world.say(moment, str(number))
        whole = await world.page(of=film)
        begins = (one.at_us // 1_000 for one in film.periods)
        edges = sorted({*begins, *cuts, film.duration_us // 1_000})
        pieces = []
        for begin, end in pairwise(edges):
            page = await world.page(begin, end, of=film)
            assert all(begin <= one.at_ms < end for one in page.items)
            pieces += texts(page)
        assert pieces == texts(whole)
        await world.hub.stop()

    asyncio.run(divided())


# --- the heat line


async def test_the_liveliest_moment_is_the_hottest(world: World) -> None:
    film = replay((0, 60))
    for number in range(20):
        await world.say(20_000 + number, "!")
    view = await world.rooms.heat(CHANNEL, film)
    assert view.step_ms == 1_000
    assert max(view.values) == view.values[20] == 1.0
    assert view.values[40] == 0.0
    await world.history.add_hearts(ROOM, [Hearts(ORIGIN_S + 40, "heart", 100)])
    view = await world.rooms.heat(CHANNEL, film)
    assert max(view.values) == view.values[40] == 1.0
    assert 0.1 < view.values[20] < 0.5


async def test_hearts_of_a_long_broadcast_are_all_counted(world: World) -> None:
    film = replay((0, 9_000))
    for second in (0, 3_599, 3_600, 7_200, 8_999, 9_001):
        await world.history.add_hearts(ROOM, [Hearts(ORIGIN_S + second, "heart", 1)])
    counts = await world.rooms._hearts(CHANNEL, film)
    assert sorted(second - ORIGIN_S for second in counts) == [0, 3_599, 3_600, 7_200, 8_999]


async def test_messages_are_counted_by_second_page_by_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_replay, "PAGE", 3)
    for number in range(10):
        await world.say(13 + 400 * number, "x")
    await world.act("alert", 3_900, text="not counted")
    await world.say(28_000, "after the end")
    counts = await world.rooms.messages(CHANNEL, FILM)
    assert sum(counts.values()) == 10
    assert counts[ORIGIN_S] == 3
    monkeypatch.setattr(room_replay, "MOST_READ", 6)
    assert sum((await world.rooms.messages(CHANNEL, FILM)).values()) == 6
