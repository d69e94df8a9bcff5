"""The fake engine keeps the contract of `sfu.engine`."""

from __future__ import annotations

import pytest

from sfu.engine import (
    HISTOGRAMS,
    Engine,
    EngineBusy,
    EngineEvent,
    IceCredentials,
    LayerSwitched,
    MediaStarted,
    OfferRefused,
    PeerClosed,
    PeerConnected,
)
from sfu.fake import FakeEngine
from sfu.layers import LayerSelector, LayerWish
from sluice.ids import ChannelId, PeerId
from sluice.media import AccessUnit, Codec

LIVE = ChannelId("live")
OFFER = (
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:a\r\na=rtpmap:63 red/48000/2\r\n"
    "a=rtpmap:111 opus/48000/2\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n"
    "a=rtpmap:96 H264/90000\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n"
)
UNIT = AccessUnit(Codec.OPUS, "", True, 0, 0, b"x")


def takes(engine: Engine) -> Engine:
    """mypy proves here that the fake is an Engine."""
    return engine


async def events_of(engine: FakeEngine) -> list[EngineEvent]:
    await engine.stop()
    return [event async for event in engine.events()]


async def test_it_is_an_engine_that_follows_layer_wishes() -> None:
    engine = takes(FakeEngine())
    assert isinstance(engine, LayerSelector)


async def test_the_answer_has_every_section_with_its_known_codec() -> None:
    accepted = await FakeEngine().add_publisher(LIVE, OFFER)
    answer = accepted.answer
    assert answer.startswith("v=0\r\n")
    assert "a=group:BUNDLE a v d" in answer
    assert "a=rtpmap:111 opus/48000/2" in answer
    assert "a=rtpmap:96 H264/90000" in answer
    assert "a=sctp-port:5000" in answer
    assert answer.count(f"a=ice-ufrag:{accepted.ice.ufrag}") == 3
    assert "a=recvonly" in answer


async def test_offers_are_refused_as_the_contract_says() -> None:
    engine = FakeEngine()
    with pytest.raises(OfferRefused) as malformed:
        await engine.add_viewer(LIVE, "v=0\r\n")
    assert malformed.value.code == "malformed"
    with pytest.raises(OfferRefused) as unsupported:
        await engine.add_viewer(LIVE, OFFER.replace("opus", "L16").replace("H264", "XYZ"))
    assert unsupported.value.code == "unsupported"
    engine.busy = True
    with pytest.raises(EngineBusy):
        await engine.add_viewer(LIVE, OFFER)


async def test_a_second_publisher_replaces_the_first() -> None:
    engine = FakeEngine()
    first = (await engine.add_publisher(LIVE, OFFER)).peer
    second = (await engine.add_publisher(LIVE, OFFER)).peer
    assert engine.publisher("live") == second
    assert PeerClosed(first, "replaced", "fake: replaced") in await events_of(engine)


async def test_events_come_in_order_and_end_with_the_engine() -> None:
    engine = FakeEngine()
    peer = (await engine.add_publisher(LIVE, OFFER)).peer
    engine.start_media("live")
    assert await events_of(engine) == [
        PeerConnected(peer),
        MediaStarted(LIVE, peer),
        PeerClosed(peer, "stopped", "fake: stopped"),
    ]


async def test_ice_restarts_give_new_credentials_and_none_when_the_peer_is_gone() -> None:
    engine = FakeEngine()
    accepted = await engine.add_publisher(LIVE, OFFER)
    remote = IceCredentials("abcd", "p" * 22)
    first = await engine.restart_ice(accepted.peer, remote)
    second = await engine.restart_ice(accepted.peer, remote)
    assert len({accepted.ice, first, second}) == 3
    assert await engine.restart_ice(PeerId(99), remote) is None


async def test_a_tap_loses_its_oldest_units_and_outlives_the_publisher() -> None:
    engine = FakeEngine()
    tap = engine.open_tap(LIVE, limit=2)
    for _ in range(3):
        engine.deliver("live", UNIT)
    tap.close()
    batches = [batch async for batch in tap]
    assert [len(batch) for batch in batches] == [2]
    assert tap.dropped == 1


async def test_removal_and_data_need_a_peer() -> None:
    engine = FakeEngine()
    peer = (await engine.add_viewer(LIVE, OFFER)).peer
    assert not await engine.send_data(peer, "chat", b"x", False)
    engine.connect(peer)
    assert await engine.send_data(peer, "chat", b"x", False)
    assert engine.peers[peer].sent == [("chat", b"x")]
    assert await engine.remove(peer)
    assert not await engine.remove(peer)
    assert await engine.peer_stats(peer) is None
    assert not await engine.select_layer(peer, LayerWish())
    assert (await engine.totals()).peers == 0


async def test_a_layer_switch_is_told_and_kept_in_the_figures() -> None:
    engine = FakeEngine()
    peer = (await engine.add_viewer(LIVE, OFFER)).peer
    engine.switch_layer(peer, "q")
    engine.switch_layer(peer, None)
    figures = await engine.peer_stats(peer)
    assert figures is not None
    assert (figures.layer, figures.audio_only, figures.switches) == ("", True, 2)
    assert (await events_of(engine))[:2] == [LayerSwitched(peer, "q"), LayerSwitched(peer, None)]


async def test_it_has_every_distribution() -> None:
    assert set(await FakeEngine().histograms()) == set(HISTOGRAMS)
