"""A WHIP and WHEP server on loopback with a real WebRTC peer behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
from aiohttp import web
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from mobile_sim import stamp
from mobile_sim.camera import Camera, CameraTrack
from mobile_sim.encoder import VideoEncoder, VideoSettings, use_encoder
from mobile_sim.ice import Restart, parse_fragment
from mobile_sim.network import use_loopback_when_alone
from mobile_sim.pace import SystemClock
from mobile_sim.testcard import TestCard, frame_planes
from mobile_sim.whip import FRAGMENT

KEY = "a-key"
Answer = Callable[[web.Request], web.Response]


class FarEnd:
    """Takes one publisher or viewer after the other and keeps what it saw."""

    def __init__(self) -> None:
        self.stamps: list[stamp.Stamp | None] = []
        self.offers: list[str] = []
        self.deleted: list[str] = []
        self.loudest = 0
        """The loudest sample heard, 0..32767."""
        self.messages: list[str] = []
        """What came on the data channel."""
        self.answers: list[str] = []
        """Sent there, one after each message."""
        self.refusals: list[Answer] = []
        """Answers to the next POSTs, before any is taken."""
        self.restarts = 0
        """ICE restarts that were asked for."""
        self.restart_refusals: list[Answer] = []
        self.seen = asyncio.Condition()
        self._peers: list[RTCPeerConnection] = []
        self._readers: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen; after a stop, on the same port again."""
        use_loopback_when_alone()
        app = web.Application()
        app.router.add_post("/whip/{channel}", self._publish)
        app.router.add_post("/whep/{channel}", self._watch)
        app.router.add_patch("/session/{session}", self._restart)
        app.router.add_delete("/session/{session}", self._delete)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Go away, as a server that is being restarted."""
        await asyncio.gather(*(peer.close() for peer in self._peers))
        self._peers.clear()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something seen makes the condition true."""
        async with self.seen:
            await asyncio.wait_for(self.seen.wait_for(condition), 30)

    async def _publish(self, request: web.Request) -> web.Response:
        peer = self._new_peer()
        peer.on("track", self._on_track)
        peer.on("datachannel", self._on_channel)
        return await self._answer(request, peer)

    async def _watch(self, request: web.Request) -> web.Response:
        peer = self._new_peer()
        camera = Camera(TestCard(320, 180, 15), 15, SystemClock())
        sender = peer.addTrack(CameraTrack(camera))
        use_encoder(sender, VideoEncoder(VideoSettings(fps=15, bitrate=500_000)))
        for transceiver in peer.getTransceivers():
            transceiver.setCodecPreferences(
                [codec for codec in sender.getCapabilities("video").codecs if codec.name == "H264"]
            )
        return await self._answer(request, peer)

    def _new_peer(self) -> RTCPeerConnection:
        return RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )

    async def _answer(self, request: web.Request, peer: RTCPeerConnection) -> web.Response:
        if self.refusals:
            return self.refusals.pop(0)(request)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response(
                {"title": "Unauthorized", "detail": "unknown stream key"},
                status=401,
                content_type="application/problem+json",
            )
        offer = await request.text()
        self.offers.append(offer)
        self._peers.append(peer)
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return web.Response(
            status=201,
            text=peer.localDescription.sdp,
            content_type="application/sdp",
            headers={"Location": f"/session/{len(self.offers)}", "ETag": '"1"'},
        )

    async def _restart(self, request: web.Request) -> web.Response:
        """An ICE restart as a full ICE agent does it, on the newest session."""
        if self.restart_refusals:
            return self.restart_refusals.pop(0)(request)
        assert request.headers["If-Match"] == "*"
        assert request.content_type == FRAGMENT
        self.restarts += 1
        transport = self._peers[-1].getTransceivers()[0].receiver.transport.transport
        restart = Restart(transport, controlling=False)
        await restart.gather(None)
        finish = asyncio.create_task(restart.finish(parse_fragment(await request.text())))
        self._readers.add(finish)
        return web.Response(
            text=restart.fragment("video", "0"),
            content_type=FRAGMENT,
            headers={"ETag": f'"{self.restarts + 1}"'},
        )

    async def _delete(self, request: web.Request) -> web.Response:
        self.deleted.append(request.match_info["session"])
        return web.Response()

    def _on_channel(self, channel: RTCDataChannel) -> None:
        async def message(text: str) -> None:
            async with self.seen:
                self.messages.append(text)
                self.seen.notify_all()
            if self.answers:
                channel.send(self.answers.pop(0))

        channel.on("message", message)

    def _on_track(self, track: MediaStreamTrack) -> None:
        reader = asyncio.create_task(self._read(track))
        self._readers.add(reader)

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            async with self.seen:
                if isinstance(frame, VideoFrame):
                    self.stamps.append(stamp.read(frame_planes(frame)[0]))
                elif isinstance(frame, AudioFrame):
                    loudest = int(np.abs(frame.to_ndarray().astype(np.int32)).max())
                    self.loudest = max(self.loudest, loudest)
                self.seen.notify_all()
