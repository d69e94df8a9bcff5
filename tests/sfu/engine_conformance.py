"""What every real engine does, with real peers (aiortc) on this machine.

class TestMine(EngineConformance):
    @pytest.fixture
    def make(self) -> Make: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame

from sfu.engine import (
    HISTOGRAMS,
    Accepted,
    DataMessage,
    Engine,
    EngineBusy,
    EngineEvent,
    IceCredentials,
    LayersChanged,
    MediaStalled,
    MediaStarted,
    OfferRefused,
    PeerClosed,
    PeerConnected,
)
from sfu.layers import LayerSelector, LayerWish
from sluice.config import MediaConfig
from sluice.ids import ChannelId, PeerId
from sluice.media import AccessUnit, Codec

CHANNEL = ChannelId("lina")
T = TypeVar("T")


class Selecting(Engine, LayerSelector, Protocol):
    """What is tried here."""


Make = Callable[[MediaConfig], Selecting]


class Events:
    """Reads the engine's events and waits for some of them."""

    def __init__(self, engine: Engine) -> None:
        self.seen: list[EngineEvent] = []
        self._more = asyncio.Condition()
        self._task = asyncio.create_task(self._read(engine))

    async def until(self, kind: type[T], holds: Callable[[T], bool] = lambda _: True) -> T:
        async with asyncio.timeout(10), self._more:
            while True:
                for event in self.seen:
                    if isinstance(event, kind) and holds(event):
                        return event
                await self._more.wait()

    async def _read(self, engine: Engine) -> None:
        async for event in engine.events():
            async with self._more:
                self.seen.append(event)
                self._more.notify_all()


async def publish(
    engine: Engine, tracks: Sequence[MediaStreamTrack]
) -> tuple[RTCPeerConnection, Accepted]:
    peer = RTCPeerConnection()
    for track in tracks:
        peer.addTrack(track)
    return peer, await connect(peer, engine.add_publisher)


async def connect(
    peer: RTCPeerConnection, accept: Callable[[ChannelId, str], Awaitable[Accepted]]
) -> Accepted:
    await peer.setLocalDescription(await peer.createOffer())
    accepted = await accept(CHANNEL, peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(accepted.answer, "answer"))
    return accepted


class EngineConformance:
    @pytest.fixture
    async def engine(self, make: Make) -> AsyncIterator[Selecting]:
        engine = make(MediaConfig(port=0, workers=2))
        await engine.start()
        yield engine
        await engine.stop()

    async def test_a_viewer_gets_pictures_sound_and_an_echo(self, engine: Selecting) -> None:
        events = Events(engine)
        publisher, published = await publish(engine, [VideoStreamTrack(), AudioStreamTrack()])
        started = await events.until(MediaStarted)
        assert started == MediaStarted(CHANNEL, published.peer)

        viewer = RTCPeerConnection()
        viewer.addTransceiver("video", "recvonly")
        viewer.addTransceiver("audio", "recvonly")
        echoed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        channel = viewer.createDataChannel("echo")
        channel.on("open", lambda: channel.send("are you there?"))
        channel.on("message", echoed.set_result)
        watched = await connect(viewer, engine.add_viewer)
        tracks = {
            track.receiver.track.kind: track.receiver.track for track in viewer.getTransceivers()
        }
        async with asyncio.timeout(10):
            picture = await tracks["video"].recv()
            sound = await tracks["audio"].recv()
            assert await echoed == "are you there?"
        assert isinstance(picture, VideoFrame)
        assert isinstance(sound, AudioFrame)
        assert (picture.width, picture.height) == (640, 480)
        assert sound.sample_rate == 48_000

        figures = await engine.peer_stats(watched.peer)
        assert figures is not None
        assert figures.role == "viewer"
        assert figures.packets > 0
        assert figures.join_ms is not None
        assert (figures.layer, figures.audio_only, figures.drops) == ("", False, 0)
        assert not await engine.select_layer(watched.peer, LayerWish(rid="h"))
        assert await engine.select_layer(watched.peer, LayerWish())
        assert (await engine.totals()).peers == 2

        await viewer.close()
        await events.until(PeerClosed, lambda event: event.peer == watched.peer)
        await publisher.close()
        closed = await events.until(PeerClosed, lambda event: event.peer == published.peer)
        assert closed.reason == "left"
        assert await engine.peer_stats(published.peer) is None

    async def test_a_publisher_has_data_channels_too(self, engine: Selecting) -> None:
        events = Events(engine)
        publisher = RTCPeerConnection()
        publisher.addTrack(VideoStreamTrack())
        channel = publisher.createDataChannel("device")
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        channel.on("open", lambda: channel.send("I am warm"))
        channel.on("message", answered.set_result)
        published = await connect(publisher, engine.add_publisher)
        said = await events.until(DataMessage)
        assert said == DataMessage(published.peer, "device", b"I am warm", binary=False)
        assert await engine.send_data(published.peer, "device", b"Find some shade", False)
        async with asyncio.timeout(10):
            assert await answered == "Find some shade"
        assert not await engine.send_data(published.peer, "chat", b"hello", False)
        await publisher.close()

    async def test_who_heeds_no_size_of_messages_loses_its_own_session_only(
        self,
        engine: Selecting,
    ) -> None:
        events = Events(engine)
        other, others = await publish(engine, [VideoStreamTrack()])
        await events.until(MediaStarted)
        publisher = RTCPeerConnection()
        publisher.addTrack(VideoStreamTrack())
        channel = publisher.createDataChannel("device")

        @channel.on("open")
        def say() -> None:
            for size in (16_384, 1_000_000):
                channel.send("x" * size)

        async def heedless(_: ChannelId, offer: str) -> Accepted:
            """Real stacks send nothing that is larger than the answer allows."""
            accepted = await engine.add_publisher(ChannelId("mara"), offer)
            assert "a=max-message-size:16384" in accepted.answer
            return replace(accepted, answer=accepted.answer.replace("size:16384", "size:9000000"))

        published = await connect(publisher, heedless)
        assert (await events.until(PeerClosed)).peer == published.peer
        sizes = [len(event.payload) for event in events.seen if isinstance(event, DataMessage)]
        assert sizes == [16_384]
        assert await engine.peer_stats(others.peer) is not None
        await publisher.close()
        await other.close()

    async def test_layers_tell_codec_and_size(self, engine: Selecting) -> None:
        events = Events(engine)
        publisher, _ = await publish(engine, [VideoStreamTrack()])
        changed = await events.until(LayersChanged, lambda event: event.layers[0].width > 0)
        assert [(layer.codec, layer.width, layer.height) for layer in changed.layers] == [
            (Codec.VP8, 640, 480)
        ]
        await publisher.close()

    async def test_a_publisher_that_falls_silent_is_told_of(self, engine: Selecting) -> None:
        events = Events(engine)
        track = VideoStreamTrack()
        publisher, published = await publish(engine, [track])
        await events.until(MediaStarted)
        track.stop()
        assert await events.until(MediaStalled) == MediaStalled(CHANNEL)
        assert await engine.peer_stats(published.peer) is not None
        await publisher.close()

    async def test_the_owner_takes_over(self, engine: Selecting) -> None:
        events = Events(engine)
        first, published = await publish(engine, [VideoStreamTrack()])
        await events.until(MediaStarted, lambda event: event.peer == published.peer)
        second, again = await publish(engine, [VideoStreamTrack()])
        closed = await events.until(PeerClosed)
        assert (closed.peer, closed.reason) == (published.peer, "replaced")
        await events.until(MediaStarted, lambda event: event.peer == again.peer)
        await first.close()
        await second.close()

    async def test_a_tap_begins_with_a_keyframe_and_outlives_the_publisher(
        self,
        engine: Selecting,
    ) -> None:
        tap = engine.open_tap(CHANNEL)
        units: list[AccessUnit] = []
        enough = asyncio.Event()

        async def read() -> None:
            async for batch in tap:
                units.extend(unit for unit in batch if unit.codec is Codec.VP8)
                if len(units) >= 3:
                    enough.set()

        reader = asyncio.create_task(read())
        for _ in range(2):
            publisher, _ = await publish(engine, [VideoStreamTrack(), AudioStreamTrack()])
            async with asyncio.timeout(10):
                await enough.wait()
            assert units[0].keyframe
            assert units[0].captured_ms <= units[1].captured_ms
            await publisher.close()
            units.clear()
            enough.clear()
        tap.close()
        async with asyncio.timeout(10):
            await reader

    @pytest.mark.parametrize(
        ("offer", "code"),
        [
            ("", "unsupported"),
            ("v=0\r\na=rtpmap:200 VP8/90000\r\n", "malformed"),
            ("v=0\r\na=rtpmap:96 VP8/90000\r\n", "malformed"),
            ("v=0\r\na=rtpmap:96 theora/90000\r\n", "unsupported"),
        ],
    )
    async def test_an_offer_that_cannot_be_answered_is_refused(
        self, engine: Selecting, offer: str, code: str
    ) -> None:
        with pytest.raises(OfferRefused) as refused:
            await engine.add_publisher(CHANNEL, offer)
        assert refused.value.code == code
        assert refused.value.detail
        assert (await engine.totals()).peers == 0

    async def test_more_peers_than_allowed_are_told_so(self, make: Make) -> None:
        engine = make(MediaConfig(port=0, workers=1, max_peers=1))
        await engine.start()
        first, _ = await publish(engine, [VideoStreamTrack()])
        with pytest.raises(EngineBusy, match="limit of 1 peers"):
            await publish(engine, [VideoStreamTrack()])
        await first.close()
        await engine.stop()

    async def test_ice_restart_gives_new_credentials(self, engine: Selecting) -> None:
        publisher, published = await publish(engine, [VideoStreamTrack()])
        remote = IceCredentials("abcd", "a" * 22)
        first = await engine.restart_ice(published.peer, remote)
        second = await engine.restart_ice(published.peer, remote)
        assert first is not None
        assert second is not None
        assert len({published.ice, first, second}) == 3
        assert await engine.restart_ice(PeerId(10_000), remote) is None
        await publisher.close()

    async def test_candidates_are_judged(self, engine: Selecting) -> None:
        usable = "candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host"
        hidden = "candidate:1 1 udp 2130706431 3f9c1c8e.local 5000 typ host"
        assert await engine.add_candidate(PeerId(1), usable)
        assert not await engine.add_candidate(PeerId(1), hidden)

    async def test_stopping_closes_all_peers_and_ends_the_events(self, make: Make) -> None:
        engine = make(MediaConfig(port=0, workers=2))
        await engine.start()
        events = Events(engine)
        publisher, published = await publish(engine, [VideoStreamTrack()])
        await events.until(PeerConnected)
        await engine.stop()
        await engine.stop()
        closed = await events.until(PeerClosed)
        assert (closed.peer, closed.reason) == (published.peer, "stopped")
        await publisher.close()

    async def test_every_distribution_is_measured(self, engine: Selecting) -> None:
        measured = await engine.histograms()
        assert set(measured) == set(HISTOGRAMS)
        assert all(one.total == 0 for one in measured.values())

    async def test_nobody_can_choose_for_a_peer_that_is_gone(self, engine: Selecting) -> None:
        assert isinstance(engine, LayerSelector)
        assert not await engine.select_layer(PeerId(10_000), LayerWish())

    async def test_a_taken_port_is_an_error_at_the_start(
        self, engine: Selecting, make: Make
    ) -> None:
        port = int(engine.candidates[0].rsplit(":", 1)[1])
        second = make(MediaConfig(port=port, workers=1))
        with pytest.raises(OSError, match="in use"):
            await second.start()
        await second.stop()
