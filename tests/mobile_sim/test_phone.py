"""The offer is the one that was asked for, and failure has a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mobile_sim import phone as phone_module
from mobile_sim.camera import Camera, Microphone
from mobile_sim.encoder import VideoCodec, VideoSettings
from mobile_sim.pace import SystemClock
from mobile_sim.phone import Connection, ConnectionLost, Phone
from mobile_sim.sound import Sound, tone
from mobile_sim.testcard import TestCard


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
