"""One WebRTC connection of the phone, sending or watching."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.stats import (
    RTCInboundRtpStreamStats,
    RTCOutboundRtpStreamStats,
    RTCRemoteInboundRtpStreamStats,
    RTCTransportStats,
)

from mobile_sim.camera import Camera, CameraTrack, Microphone, MicrophoneTrack
from mobile_sim.encoder import OpusEncoder, VideoCodec, VideoEncoder, VideoSettings, use_encoder
from mobile_sim.network import use_loopback_when_alone

CONNECT_TIMEOUT_S = 10.0
H264_PROFILE = "42e01f"
"""Constrained Baseline, level 3.1: what every browser decodes (RFC 6184 section 8.1)."""


class ConnectionLost(Exception):
    """The connection could not be made or has ended; the text says how."""


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """Figures of one connection since it began."""

    packets_received: int
    """On the transport: media, RTCP and DTLS."""
    bytes_sent: int
    packets_lost: int
    """Sending: as the far end reports. Watching: as counted here."""
    rtt_ms: float | None


class Connection:
    """A peer connection with one end: it gets lost once, and says why."""

    def __init__(self, ice_servers: Sequence[RTCIceServer]) -> None:
        use_loopback_when_alone()
        self.peer = RTCPeerConnection(
            # An empty list, not None: aiortc's default is somebody else's STUN server.
            RTCConfiguration(iceServers=list(ice_servers), bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._connected = asyncio.Event()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._closing = False
        self.peer.on("connectionstatechange", self._on_state)

    async def offer(self) -> str:
        """Gather candidates and return the complete offer.

        Raises ConnectionLost when the machine has no address to send from.
        """
        await self.peer.setLocalDescription(await self.peer.createOffer())
        sdp = str(self.peer.localDescription.sdp)
        if "a=candidate:" not in sdp:
            raise ConnectionLost("this machine has no network address")
        return sdp

    async def connect(self, answer: str) -> None:
        """Take the answer and wait until media can flow. Raises ConnectionLost."""
        try:
            await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as error:  # aiortc's parser raises whatever the bad line made it raise
            raise ConnectionLost(f"the server's answer cannot be used: {error}") from error
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._until_connected()
        except TimeoutError:
            raise ConnectionLost(f"no connection after {CONNECT_TIMEOUT_S:.0f} s") from None

    async def wait_lost(self, timeout_s: float) -> str | None:
        """Wait until the connection has ended and return why; None after `timeout_s`."""
        done, _ = await asyncio.wait({self._lost}, timeout=timeout_s)
        return self._lost.result() if done else None

    async def stats(self) -> ConnectionStats:
        """Return the present figures."""
        received = sent = lost = 0
        rtt: float | None = None
        for entry in (await self.peer.getStats()).values():
            if isinstance(entry, RTCTransportStats):
                received = entry.packetsReceived
            elif isinstance(entry, RTCOutboundRtpStreamStats):
                sent += entry.bytesSent
            elif isinstance(entry, RTCRemoteInboundRtpStreamStats):
                lost += entry.packetsLost
                if entry.roundTripTime is not None and entry.kind == "video":
                    rtt = entry.roundTripTime * 1000
            elif isinstance(entry, RTCInboundRtpStreamStats):
                lost += entry.packetsLost
        return ConnectionStats(received, sent, lost, rtt)

    async def close(self) -> None:
        """End the connection. Idempotent."""
        self._closing = True
        await self.peer.close()
        self._lost.cancel()

    def lose(self, reason: str) -> None:
        """Say that the connection is of no more use; the first reason counts."""
        if not self._closing and not self._lost.done():
            self._lost.set_result(reason)

    async def _until_connected(self) -> None:
        waiter = asyncio.create_task(self._connected.wait())
        either: list[asyncio.Future[str] | asyncio.Task[Literal[True]]] = [waiter, self._lost]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
        if self._lost.done():
            raise ConnectionLost(self._lost.result())

    def _on_state(self) -> None:
        state = self.peer.connectionState
        if state == "connected":
            self._connected.set()
        elif state == "failed":
            was_up = self._connected.is_set()
            self.lose("consent to send was lost" if was_up else "no path to the server (ICE)")
        elif state == "closed":
            self.lose("the server closed the connection")


class Phone(Connection):
    """A connection that sends camera and microphone."""

    def __init__(
        self,
        camera: Camera,
        microphone: Microphone | None,
        video: VideoSettings,
        ice_servers: Sequence[RTCIceServer] = (),
    ) -> None:
        super().__init__(ice_servers)
        self.encoder = VideoEncoder(video)
        track = CameraTrack(camera)
        transceiver = self.peer.addTransceiver(track, direction="sendonly")
        transceiver.setCodecPreferences(_video_codecs(video.codec))
        use_encoder(transceiver.sender, self.encoder)
        self._watch_track(track, transceiver.sender)
        if microphone is not None:
            sound = MicrophoneTrack(microphone)
            transceiver = self.peer.addTransceiver(sound, direction="sendonly")
            transceiver.setCodecPreferences(
                [
                    codec
                    for codec in RTCRtpSender.getCapabilities("audio").codecs
                    if codec.name == "opus"
                ]
            )
            use_encoder(transceiver.sender, OpusEncoder())
            self._watch_track(sound, transceiver.sender)

    def _watch_track(self, track: MediaStreamTrack, sender: RTCRtpSender) -> None:
        """A sender that fails only logs it and stops its track: make a loss of that."""

        def ended() -> None:
            failure = track.failure if isinstance(track, CameraTrack) else None
            if failure is not None:
                self.lose(f"the camera failed: {failure}")
            elif sender.transport.state == "connected":
                self.lose(f"the {track.kind} encoder failed")
            # Else the transport went first, and the connection's state says so.

        track.on("ended", ended)


def _video_codecs(codec: VideoCodec) -> list[RTCRtpCodecCapability]:
    """The one codec to offer, and its retransmission format (RFC 4588)."""
    wanted = []
    for capability in RTCRtpSender.getCapabilities("video").codecs:
        name = capability.name.lower()
        profile = capability.parameters.get("profile-level-id")
        if name == "rtx" or (name == codec and profile in (None, H264_PROFILE)):
            wanted.append(capability)
    return wanted
