"""An open room between a log that fails or changes hands, and clients that notice little."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from chat.entry import Draft, Entry, Epoch, EpochEnd, Position, RoomId
from chat.log import Appended, Head, LogError, News
from chat.log_memory import MemoryLog
from chat.moderation.rates import Rate, RateSettings
from chat.moderation.settings import RoomSettings
from chat.settings import HubSettings
from tests.chat.hub_world import ROOM, ListLine, Told, open_hub


class TroubledLog(MemoryLog):
    """A log in memory that fails when it is told to, and can change hands."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[LogError] = []
        self.lost_after: int | None = None
        """The number of entries that the next reign knows of."""
        self._epoch = Epoch("e1")
        self._chain: tuple[EpochEnd, ...] = ()
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self._void = 0

    async def append(self, room: RoomId, drafts: Sequence[Draft]) -> Sequence[Appended]:
        if self.failures:
            raise self.failures.pop(0)
        return await super().append(room, drafts)

    async def open(self, room: RoomId) -> Head:
        head = await super().open(room)
        position = Position(self._epoch, head.position.seq)
        return Head(position, head.t_show, head.oldest, self._chain)

    async def follow(self, room: RoomId) -> AsyncIterator[News]:
        theirs = super().follow(room)
        coming = asyncio.ensure_future(anext(theirs))
        ours = asyncio.ensure_future(self._news.get())
        try:
            while True:
                await asyncio.wait((coming, ours), return_when=asyncio.FIRST_COMPLETED)
                if ours.done():
                    yield ours.result()
                    ours = asyncio.ensure_future(self._news.get())
                if coming.done():
                    yield coming.result()
                    coming = asyncio.ensure_future(anext(theirs))
        finally:
            coming.cancel()
            ours.cancel()

    def take_over(self, head: Head) -> None:
        self._epoch, self._chain = head.position.epoch, tuple(head.chain)
        self._news.put_nowait(News((), head))


async def test_a_log_that_fails_is_told_to_the_sender_and_the_same_frame_may_come_again() -> None:
    log = TroubledLog()
    async with open_hub(log) as world:
        ann, bob = await world.person("Ann"), await world.person("Bob")
        log.failures = [LogError("no disk")]
        id = ann.send("say", text="hello")
        error = await ann.line.until("error")
        assert (error["code"], error["id"], error["retry_ms"] > 0) == ("log", id, True)
        world.hub.take(ann.client, b'{"op":"say","id":"%s","text":"hello"}' % id.encode())
        ack = await ann.line.until("ack")
        await bob.line.until_shown(ack["seq"])
        assert bob.line.texts == ["hello"]
        assert world.hub.counts.log_failures == 1


async def test_what_may_have_been_appended_is_appended_again_under_its_key() -> None:
    log = TroubledLog()
    async with open_hub(log) as world:
        ann = await world.person("Ann")
        log.failures = [LogError("no answer", maybe=True)]
        ack = await ann.say("hello")
        await ann.line.until_shown(ack["seq"])
        assert ann.line.texts == ["hello"]


async def test_messages_of_one_tick_are_one_batch() -> None:
    async with open_hub() as world:
        ann, reader = await world.person("Ann", "bot"), await world.reader()
        for number in range(30):
            ann.send("say", text=f"{number}")
        await reader.line.until_shown(30)
        batches = [one for one in reader.line.frames if one["op"] == "batch"]
        assert len(batches) < 5
        assert reader.line.texts == [str(number) for number in range(30)]


async def test_a_takeover_takes_back_what_it_does_not_count() -> None:
    log = TroubledLog()
    async with open_hub(log) as world:
        ann, reader = await world.person("Ann"), await world.reader()
        for text in ("one", "two", "three"):
            ack = await ann.say(text)
        await reader.line.until_shown(ack["seq"])
        chain = (EpochEnd(Epoch("e1"), 2),)
        log.take_over(Head(Position(Epoch("e2"), 2), 0, 1, chain))
        retract = await reader.line.until("retract")
        assert retract == {"op": "retract", "epoch": "e1", "from": 3, "now_epoch": "e2"}
        newcomer = world.guest()
        assert (await newcomer.hello())["epoch"] == "e2"


async def test_a_takeover_that_counts_everything_is_only_another_name() -> None:
    log = TroubledLog()
    async with open_hub(log) as world:
        ann, reader = await world.person("Ann"), await world.reader()
        ack = await ann.say("one")
        await reader.line.until_shown(ack["seq"])
        log.take_over(Head(Position(Epoch("e2"), 1), 0, 1, (EpochEnd(Epoch("e1"), 1),)))
        back = world.guest()
        while (await back.hello(resume={"epoch": "e1", "seq": 1}))["epoch"] != "e2":
            back = world.guest()
        assert not [one for one in reader.line.frames if one["op"] == "retract"]
        assert [one["recovered"] for one in back.line.frames if one["op"] == "welcome"] == [True]


async def test_a_sample_leaves_out_others_and_never_ones_own() -> None:
    async with open_hub(settings=HubSettings(display_rate=1)) as world:
        ann, reader = await world.person("Ann"), await world.reader()
        tablet = await world.person("Ann")
        mod = await world.person("Mia", "moderator")
        for number in range(10):
            await ann.say(f"{number}")
        await mod.line.until_shown(10)
        await reader.line.until_shown(10)
        assert len(mod.line.texts) == 10
        assert len(reader.line.texts) < 10
        sampled = [one for one in reader.line.frames if one["op"] == "batch" and "of" in one]
        assert sampled
        own = [item["text"] for one in tablet.line.frames if one["op"] == "own"
               for item in one["items"]]  # fmt: skip
        assert sorted(own + tablet.line.texts) == [str(number) for number in range(10)]


async def test_a_change_of_rights_is_told_to_whom_it_is_about() -> None:
    async with open_hub() as world:
        owner, ann = await world.person("Olga", "owner"), await world.person("Ann")
        owner.send("appoint", user="ann", moderator=True)
        you = (await ann.line.until("you"))["you"]
        assert "moderator" in you["roles"]
        owner.send("appoint", user="ann", moderator=False)
        assert "moderator" not in (await ann.line.until("you"))["you"]["roles"]


async def test_presence_is_told_once_it_changed() -> None:
    async with open_hub() as world:
        ann = await world.person("Ann")
        await world.hub.second()
        assert (await ann.line.until("presence"))["people"] == 1
        await world.reader()
        world.clock.advance(2_000)
        await world.hub.second()
        assert (await ann.line.until("presence"))["people"] == 2


async def test_a_client_that_takes_nothing_for_half_a_minute_is_closed() -> None:
    async with open_hub() as world:
        ann, slow = await world.person("Ann"), await world.reader()
        slow.stall()
        ack = await ann.say("hello")
        await ann.line.until_shown(ack["seq"])
        await world.hub.second()
        await world.hub.second()
        world.clock.advance(30_000)
        await world.hub.second()
        assert slow.line.closed == "slow"
        assert ann.line.closed is None


async def test_a_room_that_is_opened_again_knows_what_was_done_in_it() -> None:
    async with open_hub() as world:
        mod = await world.person("Mia", "moderator")
        mod.send("mode", slow_s=30)
        await mod.line.until("ack")
        await world.hub.close_room(ROOM, "restart")
        guest = world.guest()
        assert (await guest.hello())["state"]["modes"]["slow_s"] == 30


def entries_of(log: MemoryLog) -> list[Entry]:
    return list(log._rooms[ROOM].entries)


async def test_nothing_is_shown_that_is_not_in_the_log() -> None:
    log = MemoryLog()
    async with open_hub(log) as world:
        ann = await world.person("Ann")
        for number in range(5):
            ack = await ann.say(str(number))
        await ann.line.until_shown(ack["seq"])
        assert [item["seq"] for item in ann.line.items] == [one.seq for one in entries_of(log)]


class Diary:
    """What one client knows after all its frames: entries by number, and declared gaps."""

    def __init__(self) -> None:
        self.shown: dict[int, str] = {}
        self.gaps: set[int] = set()
        self.epoch, self.seq = "", 0
        self.acked: dict[str, int] = {}
        self.fresh = True
        """It does not know what lies before the next batch."""

    def read(self, frames: Sequence[Told]) -> None:
        for frame in frames:
            match frame["op"]:
                case "welcome":
                    assert frame["recovered"] or not self.seq or self.epoch
                    self.epoch = frame["epoch"]
                    self.fresh = not frame["recovered"]
                case "gap":
                    assert frame["from"] == self.seq + 1 or self.fresh
                    self.gaps |= set(range(frame["from"], frame["to"] + 1))
                    self.seq = max(self.seq, frame["to"])
                case "batch":
                    assert frame["first"] == self.seq + 1 or self.fresh, frame
                    if self.fresh and self.seq:
                        self.gaps |= set(range(self.seq + 1, frame["first"]))
                    if not self.seq:
                        self.gaps |= set(range(1, frame["first"]))
                    self.fresh = False
                    self.epoch, self.seq = frame["epoch"], frame["last"]
                    for item in frame["items"]:
                        self.shown[item["seq"]] = item["id"]
                case "ack":
                    self.acked[frame["id"]] = frame["seq"]


@pytest.mark.parametrize("seed", range(6))
async def test_every_client_sees_a_gap_declared_part_of_the_one_log(seed: int) -> None:
    rng, log = random.Random(seed), MemoryLog()
    settings = HubSettings(behind_bytes=3_000, recent_entries=20, resume_entries=60,
                           first_entries=10, frame_rate=1e6, frame_burst=10**6)  # fmt: skip
    rates = RateSettings(connection=Rate(1e6, 10**6), network=Rate(1e6, 10**6),
                         person=Rate(1e6, 10**6), trusted=Rate(1e6, 10**6))  # fmt: skip
    async with open_hub(log, settings, RoomSettings(rates=rates)) as world:
        names = [f"P{number}" for number in range(8)]
        diaries = {name: Diary() for name in names}
        guests = {name: await world.person(name) for name in names}
        sent = 0
        for _ in range(400):
            name = rng.choice(names)
            guest = guests[name]
            match rng.choice(["say", "say", "say", "say", "stall", "read", "leave", "wait"]):
                case "say":
                    sent += 1
                    frame = {"op": "say", "id": f"m{sent}", "text": f"text {sent}"}
                    world.hub.take(guest.client, json.dumps(frame).encode())
                case "stall":
                    guest.stall()
                case "read":
                    guest.read_on()
                case "leave":
                    diaries[name].read(guest.line.frames)
                    guest.leave()
                    guests[name] = world.guest()
                    position = {"epoch": diaries[name].epoch, "seq": diaries[name].seq}
                    await guests[name].hello(ticket=world.ticket(name), resume=position)
                case "wait":
                    await asyncio.sleep(0.002)
        for guest in guests.values():
            guest.read_on()
        last = await guests["P0"].say("the last")
        for name, guest in guests.items():
            guest.read_on()
            await until_told(guest.line, last["seq"])
            diaries[name].read(guest.line.frames)
        truth = {one.seq: json.loads(one.body)["id"] for one in entries_of(log)}
        for diary in diaries.values():
            assert diary.shown.items() <= truth.items()
            assert diary.shown.keys() | diary.gaps >= truth.keys()
            assert all(truth[seq] == id for id, seq in diary.acked.items() if id.startswith("m"))


async def until_told(line: ListLine, seq: int) -> None:
    """Until a batch or a gap reached this number."""
    async with asyncio.timeout(10):
        while True:
            ends = [one["last"] for one in line.frames if one["op"] == "batch"]
            ends += [one["to"] for one in line.frames if one["op"] == "gap"]
            if max(ends, default=0) >= seq:
                return
            await line.something()
