"""The newest report of the present publisher is kept, and nothing else ever gets in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu.engine import DataMessage
from sfu.fake import FakeEngine
from sfu.rooms import Rooms
from signaling.data_channels import DataChannels
from signaling.device_message import DeviceBattery, DeviceSignals, read_signals
from signaling.device_signals import BURST, DEVICE, KEEP_MS, DeviceDesk
from sluice.clock import VirtualClock
from sluice.ids import ChannelId, PeerId
from sluice.metrics import Metrics
from tests.signaling.door import offer

LIVE = ChannelId("live")


class World:
    """A desk with an engine that sends nothing anywhere."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.engine = FakeEngine()
        self.rooms = Rooms(self.engine, self.clock)
        self.metrics = Metrics()
        self.desk = DeviceDesk(
            self.engine, self.rooms, DataChannels(self.rooms), self.clock, self.metrics
        )

    async def open(self) -> None:
        await self.engine.start()
        self.rooms.start()
        self.desk.start()

    async def close(self) -> None:
        await self.desk.stop()
        await self.engine.stop()
        await self.rooms.stop()

    async def publish(self, channel: ChannelId = LIVE) -> PeerId:
        peer = (await self.rooms.publish(channel, offer())).peer
        self.engine.start_media(channel)
        await self.engine.settled()
        return peer

    async def watch(self) -> PeerId:
        peer = (await self.rooms.watch(LIVE, offer("recvonly"))).peer
        self.engine.connect(peer)
        await self.engine.settled()
        return peer

    async def say(self, peer: PeerId, payload: bytes, *, binary: bool = False) -> None:
        self.rooms.handle(DataMessage(peer, DEVICE, payload, binary))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def tell(self, peer: PeerId, after_ms: int = 1_000, **parts: object) -> None:
        """A report that is right."""
        self.clock.advance(after_ms)
        await self.say(peer, report(**parts))

    def answers(self, peer: PeerId) -> list[dict[str, Any]]:
        return [json.loads(payload) for label, payload in self.engine.peers[peer].sent
                if label == DEVICE]  # fmt: skip

    def counted(self, family: str = "sluice_device_signals_total") -> Mapping[str, float]:
        """The metric's samples that are not zero, by their label."""
        lines = self.metrics.render().decode().splitlines()
        found = [line for line in lines if line.startswith(family + "{")]
        values = {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in found}
        return {label: value for label, value in values.items() if value}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.open()
    yield made
    await made.close()


def report(**parts: object) -> bytes:
    return json.dumps({"v": 1, "type": "device", **parts}).encode()


async def test_the_newest_report_is_kept_with_its_age(world: World) -> None:
    phone = await world.publish()
    assert world.desk.report(LIVE) is None
    await world.tell(phone, thermal="fair", battery={"level": 0.5})
    await world.tell(phone, battery={"level": 0.4})
    world.clock.advance(700)
    kept = world.desk.report(LIVE)
    assert kept is not None
    assert (kept.signals, kept.age_ms) == (DeviceSignals(DeviceBattery(0.4)), 700)
    assert kept.advice.level == "ok"


async def test_the_device_is_told_when_advice_changes_and_only_then(world: World) -> None:
    phone = await world.publish()
    for thermal in ("nominal", "fair", "serious", "serious", "critical"):
        await world.tell(phone, thermal=thermal)
    assert [one["level"] for one in world.answers(phone)] == ["ok", "warn", "urgent"]
    assert world.answers(phone)[1]["reasons"] == ["heat"]
    assert world.counted() == {"taken": 5}
    assert world.counted("sluice_device_advice_total") == {"ok": 1, "warn": 1, "urgent": 1}


async def test_nonsense_is_answered_and_changes_nothing(world: World) -> None:
    phone = await world.publish()
    await world.tell(phone, thermal="nominal")
    before = world.desk.report(LIVE)
    for payload, binary in (
        (report(battery={"level": 9}), False),
        (b"NaN", False),
        (report(thermal="critical"), True),
        (report(thermal="critical") + b" " * 1_000_000, False),
    ):
        world.clock.advance(1)
        await world.say(phone, payload, binary=binary)
    after = world.desk.report(LIVE)
    assert before is not None
    assert after is not None
    assert (after.signals, after.advice, after.age_ms) == (before.signals, before.advice, 4)
    assert [one["code"] for one in world.answers(phone)[1:]] == [
        "device-signal-malformed", "device-signal-malformed", "device-signal-malformed",
        "device-signal-too-large",
    ]  # fmt: skip
    assert world.answers(phone)[1]["detail"] == "battery.level is 9, at most 1"
    assert world.counted() == {"taken": 1, "malformed": 3, "too_large": 1}


async def test_a_flood_is_answered_once_and_dropped(world: World) -> None:
    phone = await world.publish()
    for number in range(500):
        await world.say(phone, report(thermal="critical" if number >= BURST else "nominal"))
    kept = world.desk.report(LIVE)
    assert kept is not None
    assert kept.signals.thermal == "nominal"
    problems = [one for one in world.answers(phone) if one["type"] == "problem"]
    assert [one["code"] for one in problems] == ["device-signal-too-often"]
    assert world.counted() == {"taken": BURST, "too_often": 500 - BURST}
    await world.tell(phone, thermal="fair")  # it calmed down
    kept = world.desk.report(LIVE)
    assert kept is not None
    assert kept.signals.thermal == "fair"


async def test_a_flood_of_nonsense_gets_no_flood_of_answers(world: World) -> None:
    phone = await world.publish()
    for _ in range(500):
        await world.say(phone, b"x")
    assert len(world.answers(phone)) == BURST + 1


async def test_a_viewer_is_not_believed_and_not_answered(world: World) -> None:
    phone, viewer = await world.publish(), await world.watch()
    await world.tell(phone, thermal="nominal")
    await world.tell(viewer, thermal="critical")
    kept = world.desk.report(LIVE)
    assert kept is not None
    assert kept.signals.thermal == "nominal"
    assert world.engine.peers[viewer].sent == []
    assert world.counted() == {"taken": 1, "stranger": 1}
    assert len(world.desk) == 1


async def test_a_silent_device_is_forgotten_and_begins_anew(world: World) -> None:
    phone = await world.publish()
    await world.tell(phone, thermal="serious")
    world.clock.advance(KEEP_MS)
    assert world.desk.report(LIVE) is not None
    world.clock.advance(1)
    assert world.desk.report(LIVE) is None
    assert sum(world.desk.by_thermal().values()) == 0
    await world.tell(phone, thermal="nominal")
    assert [one["level"] for one in world.answers(phone)] == ["warn", "ok"]


async def test_a_device_that_leaves_is_forgotten(world: World) -> None:
    phone = await world.publish()
    await world.tell(phone, thermal="serious")
    world.engine.close(phone, "timeout")
    await world.engine.settled()
    assert world.desk.report(LIVE) is None
    assert len(world.desk) == 0


async def test_who_takes_over_is_believed_and_the_one_before_is_not(world: World) -> None:
    first = await world.publish()
    await world.tell(first, thermal="critical")
    second = await world.publish()
    assert world.desk.report(LIVE) is None
    await world.tell(first, thermal="critical")
    assert world.desk.report(LIVE) is None
    await world.tell(second, thermal="fair")
    kept = world.desk.report(LIVE)
    assert kept is not None
    assert kept.signals.thermal == "fair"
    assert [one["level"] for one in world.answers(second)] == ["ok"]


async def test_advice_that_did_not_arrive_is_given_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await world.publish()
    sends = FakeEngine.send_data

    async def full(*_: object) -> bool:
        return False

    monkeypatch.setattr(FakeEngine, "send_data", full)
    await world.tell(phone, thermal="serious")
    monkeypatch.setattr(FakeEngine, "send_data", sends)
    await world.tell(phone, thermal="serious")
    await world.tell(phone, thermal="serious")
    assert [one["level"] for one in world.answers(phone)] == ["warn"]


async def test_answers_keep_their_order_are_bounded_and_lose_no_advice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await world.publish()
    sends, go = FakeEngine.send_data, asyncio.Event()

    async def slow(
        engine: FakeEngine, peer: PeerId, label: str, payload: bytes, binary: bool
    ) -> bool:
        await go.wait()
        return await sends(engine, peer, label, payload, binary)

    monkeypatch.setattr(FakeEngine, "send_data", slow)
    await world.tell(phone, battery={"level": 2})
    await world.tell(phone, thermal="serious")
    for number in range(3, 50):
        await world.tell(phone, battery={"level": number})
    go.set()
    await world.desk.settle()
    said = [one["detail"].split()[2].rstrip(",") for one in world.answers(phone)]
    assert said == ["2", *(str(number) for number in range(42, 50))]
    await world.tell(phone, thermal="serious")
    await world.desk.settle()
    assert world.answers(phone)[-1]["level"] == "warn"


async def test_channels_are_counted_by_heat(world: World) -> None:
    for name, thermal in (("a", "fair"), ("b", "fair"), ("c", None)):
        await world.tell(await world.publish(ChannelId(name)), thermal=thermal)
    assert world.desk.by_thermal() == {
        "nominal": 0, "fair": 2, "serious": 0, "critical": 0, "unknown": 1
    }  # fmt: skip


def test_the_channel_is_named_as_the_page_names_it() -> None:
    assert DEVICE == "device"


PAYLOADS = st.binary(max_size=300) | st.sampled_from(
    [report(), report(thermal="critical"), report(battery={"level": 0.1}), report(thermal="hot"),
     report(battery={"level": float("nan")}), b"[" * 3_000, report(thermal="fair") + b" " * 3_000]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(PAYLOADS, st.booleans(), st.sampled_from([0, 0, 0, 400, 2_000])), max_size=20
    )
)
def test_no_bytes_raise_or_change_anything_unless_they_are_a_report(
    messages: list[tuple[bytes, bool, int]],
) -> None:
    async def run() -> None:
        world = World()
        await world.open()
        phone = await world.publish()
        for payload, binary, after_ms in messages:
            world.clock.advance(after_ms)
            kept = world.desk.report(LIVE)
            taken = world.counted().get("taken", 0)
            await world.say(phone, payload, binary=binary)
            now = world.desk.report(LIVE)
            if world.counted().get("taken", 0) > taken:
                assert now is not None
                assert now.signals == read_signals(payload, binary=binary)
            else:
                assert now == kept
        assert sum(world.counted().values()) == len(messages)
        assert "failed" not in world.rooms.events_seen
        await world.close()

    asyncio.run(run())
