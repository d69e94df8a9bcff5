"""The room over data channels: the same frames, one at a time, and full buffers lose nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from chat.settings import HubSettings
from sfu.fake import FakeEngine
from signaling.chat_channels import CHAT, HEARTS
from sluice.ids import ChannelId, PeerId
from tests.chat.hub_world import ROOM
from tests.signaling.chat_world import ChatWorld
from tests.signaling.door import offer

LIVE = ChannelId("live")


class Phone:
    """A viewer's data channels."""

    def __init__(self, world: ChatWorld, peer: PeerId) -> None:
        self._world = world
        self.peer = peer
        self._read = 0

    def send(self, label: str = CHAT, **frame: object) -> None:
        self._world.engine.say(self.peer, label, json.dumps(frame).encode())

    @property
    def frames(self) -> list[tuple[str, dict[str, Any]]]:
        sent = self._world.engine.peers[self.peer].sent
        return [(label, json.loads(payload)) for label, payload in sent]

    async def until(self, op: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                found = self.frames
                while self._read < len(found):
                    self._read += 1
                    if found[self._read - 1][1]["op"] == op:
                        return found[self._read - 1][1]
                await asyncio.sleep(0)

    async def hello(self, ticket: str = "") -> dict[str, Any]:
        self.send(op="hello", v=1, **({"ticket": ticket} if ticket else {}))
        return await self.until("welcome")


async def viewer(world: ChatWorld) -> Phone:
    accepted = await world.rooms.watch(LIVE, offer("recvonly"))
    world.engine.connect(accepted.peer)
    await world.engine.settled()
    return Phone(world, accepted.peer)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ChatWorld]:
    made = ChatWorld(tmp_path, settings=HubSettings(per_address=3))
    await made.open()
    await made.rooms.publish(LIVE, offer())
    made.engine.start_media("live")
    await made.engine.settled()
    try:
        yield made
    finally:
        await made.close()


async def test_a_viewer_speaks_on_its_data_channel(world: ChatWorld) -> None:
    ann, bob = await viewer(world), await viewer(world)
    assert (await ann.hello(world.ticket("Ann")))["you"]["name"] == "Ann"
    await bob.hello()
    ann.send(op="say", id="k1", text="hello")
    ack = await ann.until("ack")
    batch = await bob.until("batch")
    assert (batch["last"], batch["items"][0]["text"]) == (ack["seq"], "hello")
    assert {label for label, _ in bob.frames} == {CHAT}


async def test_reactions_come_and_go_on_the_channel_for_them(world: ChatWorld) -> None:
    ann, bob = await viewer(world), await viewer(world)
    await ann.hello()
    await bob.hello()
    ann.send(HEARTS, op="react", emote="heart", n=3)
    assert (await bob.until("hearts"))["sums"][0][1:] == ["heart", 3]
    assert bob.frames[-1][0] == HEARTS


async def test_other_labels_and_hearts_before_hello_are_nobodys(world: ChatWorld) -> None:
    ann = await viewer(world)
    ann.send("other", op="hello", v=1)
    ann.send(HEARTS, op="react", emote="heart")
    await world.engine.settled()
    assert len(world.chat.channels) == 0
    assert ann.frames == []


async def test_a_full_buffer_delays_a_viewer_and_loses_nothing(
    world: ChatWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, slow = await viewer(world), await viewer(world)
    await ann.hello(world.ticket("Ann"))
    await slow.hello()
    sends, full = FakeEngine.send_data, asyncio.Event()

    async def refusing(
        engine: FakeEngine, peer: PeerId, label: str, payload: bytes, binary: bool
    ) -> bool:
        if peer == slow.peer and not full.is_set():
            return False
        return await sends(engine, peer, label, payload, binary)

    monkeypatch.setattr(FakeEngine, "send_data", refusing)
    for number in range(5):
        ann.send(op="say", id=f"k{number}", text=f"{number}")
        await ann.until("ack")
    full.set()
    world.chat.channels.offer_again()
    seen: list[str] = []
    while len(seen) < 5:
        seen += [item["text"] for item in (await slow.until("batch"))["items"]]
    assert seen == ["0", "1", "2", "3", "4"]


async def test_a_viewer_that_goes_is_no_client_any_more(world: ChatWorld) -> None:
    ann = await viewer(world)
    await ann.hello()
    world.engine.close(ann.peer, "left")
    await world.engine.settled()
    assert len(world.chat.channels) == 0
    assert world.chat.hub.counts.closed == {"left": 1}


async def test_who_was_sent_away_goes_on_watching_and_may_come_again(world: ChatWorld) -> None:
    ann = await viewer(world)
    ann.send(op="hello", v=1, ticket="wrong")
    assert (await ann.until("bye"))["code"] == 4
    assert ann.peer in world.engine.peers
    await ann.hello(world.ticket("Ann"))
    assert len(world.chat.channels) == 1


async def test_a_viewer_takes_a_name_while_it_watches(world: ChatWorld) -> None:
    ann = await viewer(world)
    assert (await ann.hello())["you"]["id"] is None
    assert (await ann.hello(world.ticket("Ann")))["you"]["name"] == "Ann"
    assert len(world.chat.channels) == 1


async def test_a_full_hub_says_so(world: ChatWorld) -> None:
    for _ in range(3):
        await (await viewer(world)).hello()
    late = await viewer(world)
    late.send(op="hello", v=1)
    assert (await late.until("bye"))["code"] == 10


async def test_both_transports_carry_the_same_bytes(world: ChatWorld) -> None:
    ann, bob = await viewer(world), await viewer(world)
    await ann.hello(world.ticket("Ann"))
    await bob.hello()
    ann.send(op="say", id="k1", text="hello")
    await bob.until("batch")
    room = await world.chat.hub.room(ROOM)
    slot = room.feed.ring.get(0)
    assert slot is not None
    (payload,) = slot.public.payloads
    assert (CHAT, payload) in world.engine.peers[bob.peer].sent


async def test_what_many_get_is_handed_over_once(
    world: ChatWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones = [await viewer(world) for _ in range(3)]
    for phone in phones[1:]:
        await phone.hello()
    await phones[0].hello(world.ticket("Ann"))
    sends, calls = FakeEngine.send_data_many, list[list[PeerId]]()

    async def counted(
        engine: FakeEngine, peers: Sequence[PeerId], label: str, payload: bytes, binary: bool
    ) -> Sequence[PeerId]:
        calls.append(sorted(peers))
        return await sends(engine, peers, label, payload, binary)

    monkeypatch.setattr(FakeEngine, "send_data_many", counted)
    phones[0].send(op="say", id="k1", text="hello")
    for phone in phones:
        await phone.until("batch")
    assert sorted(phone.peer for phone in phones) in calls


def test_the_channels_are_named_as_the_page_names_them() -> None:
    assert (CHAT, HEARTS) == ("chat", "hearts")
