"""The offer is the one that was asked for, and failure has a reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from mobile_sim import phone as phone_module
from mobile_sim.camera import Camera, Microphone
from mobile_sim.encoder import VideoCodec, VideoSettings
from mobile_sim.pace import SystemClock
from mobile_sim.phone import Connection, ConnectionLost, Phone
from mobile_sim.sound import Sound, tone
from mobile_sim.testcard import TestCard
from mobile_sim.uplink.shaper import Shaper
from mobile_sim.whip import Refused, WhipClient
from tests.mobile_sim.far_end import KEY, FarEnd


def new_phone(codec: VideoCodec = VideoCodec.H264, sound: bool = True) -> Phone:
    clock = SystemClock()
    microphone = Microphone(Sound(tone()), clock) if sound else None
    return Phone(Camera(TestCard(320, 180, 30), 30, clock), microphone, VideoSettings(codec))


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    phone = new_phone()
    yield phone
    await phone.close()


@pytest.mark.parametrize("codec", list(VideoCodec))
async def test_only_the_chosen_video_codec_is_offered(codec: VideoCodec) -> None:
    phone = new_phone(codec)
    offer = await phone.offer()
    names = {line.split(" ")[1] for line in offer.splitlines() if line.startswith("a=rtpmap:")}
    assert names == {f"{codec.upper()}/90000", "rtx/90000", "opus/48000/2"}
    if codec is VideoCodec.H264:
        assert "profile-level-id=42e01f" in offer
        assert "packetization-mode=1" in offer
    await phone.close()


async def test_the_offer_is_complete_bundled_and_sends_only(phone: Phone) -> None:
    lines = (await phone.offer()).splitlines()
    assert lines.count("a=sendonly") == 2
    assert "a=end-of-candidates" in lines
    assert "a=group:BUNDLE 0 1" in lines
    ufrags = {line for line in lines if line.startswith("a=ice-ufrag")}
    assert len(ufrags) == 1


async def test_without_sound_there_is_one_media_section() -> None:
    phone = new_phone(sound=False)
    offer = await phone.offer()
    assert [line[:7] for line in offer.splitlines() if line.startswith("m=")] == ["m=video"]
    await phone.close()


@pytest.mark.parametrize("answer", ["", "nonsense", "v=0\r\nm=video\r\n"])
async def test_an_answer_that_cannot_be_used_loses_the_connection(
    phone: Phone, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_module, "CONNECT_TIMEOUT_S", 0.0)
    await phone.offer()
    with pytest.raises(ConnectionLost):
        await phone.connect(answer)


async def test_a_machine_without_addresses_says_so(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: [])
    with pytest.raises(ConnectionLost, match="no network address"):
        await phone.offer()


async def test_the_first_reason_counts_and_closing_is_no_loss() -> None:
    connection = Connection([])
    assert await connection.wait_lost(0) is None
    connection.lose("first")
    connection.lose("second")
    assert await connection.wait_lost(0) == "first"
    await connection.close()
    await connection.close()


async def test_no_server_of_others_is_asked_for_addresses(phone: Phone) -> None:
    assert "typ srflx" not in await phone.offer()


# --- against a far end


@pytest.fixture
async def far_end() -> AsyncIterator[FarEnd]:
    far_end = FarEnd()
    await far_end.start()
    yield far_end
    await far_end.stop()


class Call:
    """A phone that is on air at a far end, from a network of its own."""

    def __init__(self, far_end: FarEnd, http: aiohttp.ClientSession) -> None:
        clock = SystemClock()
        loop = asyncio.get_running_loop()
        self.network = Shaper(Straight(), Straight(), loop.time)
        self.network.addresses = ["127.0.0.2"]
        self.messages: asyncio.Queue[object] = asyncio.Queue()
        self.phone = Phone(
            Camera(TestCard(320, 180, 30), 30, clock),
            Microphone(Sound(tone()), clock),
            VideoSettings(bitrate=300_000),
            network=self.network,
            on_advice=self.messages.put_nowait,
        )
        self.client = WhipClient(http, f"{far_end.url}/whip/demo", KEY)

    async def begin(self) -> None:
        self.session = await self.client.post(await self.phone.offer())
        await self.phone.connect(self.session.answer)

    async def exchange(self, fragment: str) -> str:
        self.session, answer = await self.client.restart_ice(self.session, fragment)
        return answer


class Straight:
    """A link that neither loses nor delays."""

    def offer(self, now_s: float, size: int) -> float:
        return now_s


@pytest.fixture
async def call(far_end: FarEnd) -> AsyncIterator[Call]:
    async with aiohttp.ClientSession() as http:
        call = Call(far_end, http)
        await call.begin()
        yield call
        await call.phone.close()


async def test_it_sends_from_its_own_addresses_only(call: Call, far_end: FarEnd) -> None:
    candidates = [line for line in far_end.offers[0].splitlines() if "a=candidate" in line]
    assert candidates
    assert all(" 127.0.0.2 " in line for line in candidates)


async def test_a_new_address_is_taken_over_without_a_new_connection(
    call: Call, far_end: FarEnd
) -> None:
    await far_end.until(lambda: len(far_end.stamps) >= 10)
    call.network.move(["127.0.0.3"])
    call.phone.address_changed()
    assert await call.phone.wait_lost(30) is None, "it wakes whoever waits"
    assert call.phone.take_change()
    assert not call.phone.take_change()
    await call.phone.restart(call.exchange)
    before = len(far_end.stamps)
    await far_end.until(lambda: len(far_end.stamps) >= before + 20)
    assert (far_end.restarts, len(far_end.offers)) == (1, 1)
    assert call.session.etag == '"2"'
    assert call.phone.peer.connectionState == "connected"
    assert await call.phone.round_trip_s() is not None


async def test_a_restart_that_the_server_refuses_leaves_the_path_as_it_was(
    call: Call, far_end: FarEnd
) -> None:
    far_end.restart_refusals = [lambda request: web.Response(status=404)]
    with pytest.raises(Refused):
        await call.phone.restart(call.exchange)
    before = len(far_end.stamps)
    await far_end.until(lambda: len(far_end.stamps) >= before + 10)
    assert await call.phone.wait_lost(0) is None


async def test_a_restart_without_an_address_is_a_loss(call: Call, far_end: FarEnd) -> None:
    call.network.move([])
    with pytest.raises(ConnectionLost, match="no network address"):
        await call.phone.restart(call.exchange)


async def test_signals_go_out_once_the_channel_is_open_and_answers_come_back(
    call: Call, far_end: FarEnd
) -> None:
    far_end.answers = ["advice"]
    # It opens a moment after the media does, and then a signal goes out with the next picture.
    await far_end.until(lambda: call.phone.signal("a signal"))
    await far_end.until(lambda: bool(far_end.messages))
    assert far_end.messages == ["a signal"]
    assert await asyncio.wait_for(call.messages.get(), 30) == "advice"


async def test_a_phone_without_signals_has_no_channel(phone: Phone) -> None:
    assert "m=application" not in await phone.offer()
    assert not phone.signal("nobody hears")


@pytest.mark.parametrize(
    ("used", "there", "changed"),
    [
        ("192.0.2.8", ["192.0.2.8", "192.0.2.9"], False),
        ("192.0.2.8", ["192.0.2.9"], True),
        ("192.0.2.8", [], True),
        ("127.0.0.1", ["192.0.2.9"], False),
        (None, ["192.0.2.9"], False),
    ],
)
async def test_an_address_that_the_machine_has_no_more_is_noticed(
    phone: Phone,
    monkeypatch: pytest.MonkeyPatch,
    used: str | None,
    there: list[str],
    changed: bool,
) -> None:
    monkeypatch.setattr(phone_module, "local_address", lambda transport: used)
    monkeypatch.setattr(phone_module, "machine_addresses", lambda: there)
    assert phone.take_change() is changed
