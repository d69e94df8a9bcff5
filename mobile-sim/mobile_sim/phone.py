"""One WebRTC connection of the phone, sending or watching."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Literal

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCIceTransport,
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
from mobile_sim.ice import (
    PathFailed,
    Restart,
    interpose,
    local_address,
    parse_fragment,
    round_trip_s,
)
from mobile_sim.network import Network, machine_addresses, only, use_loopback_when_alone
from mobile_sim.resend import ResendBudget, limit_resends
from mobile_sim.signals import LABEL

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
    loss: float = 0.0
    """0 to 1: of the video packets between the far end's last two reports."""
    reported_at: datetime | None = None
    """When the last report came."""


class Connection:
    """A peer connection with one end: it gets lost once, and says why."""

    def __init__(self, ice_servers: Sequence[RTCIceServer], network: Network | None = None) -> None:
        """`network` is the phone's; the machine's as it is when None."""
        use_loopback_when_alone()
        self.peer = RTCPeerConnection(
            # An empty list, not None: aiortc's default is somebody else's STUN server.
            RTCConfiguration(iceServers=list(ice_servers), bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._connected = asyncio.Event()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()
        self._network = network
        self._closing = False
        self.peer.on("connectionstatechange", self._on_state)

    async def offer(self) -> str:
        """Gather candidates and return the complete offer.

        Raises ConnectionLost when the machine has no address to send from.
        """
        with self._addresses():
            await self.peer.setLocalDescription(await self.peer.createOffer())
        sdp = str(self.peer.localDescription.sdp)
        if "a=candidate:" not in sdp:
            raise ConnectionLost("this machine has no network address")
        if self._network is not None:
            interpose(self._ice()._connection, self._network)
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
        """Wait until the connection has ended and return why.

        None after `timeout_s`, and as soon as the phone's address has changed.
        """
        changed = asyncio.create_task(self._changed.wait())
        either: list[asyncio.Future[str] | asyncio.Task[Literal[True]]] = [self._lost, changed]
        try:
            await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        return self._lost.result() if self._lost.done() else None

    def address_changed(self) -> None:
        """Say that the phone has another address now, so that this path is dead."""
        self._changed.set()

    def take_change(self) -> bool:
        """Whether the address changed since the last call: by itself, or so it was said."""
        changed = self._changed.is_set() or self._address_is_gone()
        self._changed.clear()
        return changed

    def _address_is_gone(self) -> bool:
        """Consent would notice by itself, but only when the server has given up already."""
        used = local_address(self._ice()) if self._network is None else None
        if used is None or ip_address(used).is_loopback:
            return False
        return used not in machine_addresses()

    async def restart(self, exchange: Callable[[str], Awaitable[str]]) -> None:
        """Look for another path and move there, with DTLS and all that is above it as it was.

        `exchange` takes our fragment to the server and brings its own; its errors pass through.
        Raises ConnectionLost when there is no such path, or no connection any more.
        """
        restart = Restart(self._ice())
        moved = False
        try:
            with self._addresses():
                await restart.gather(self._network)
            transceiver = self.peer.getTransceivers()[0]
            answer = await exchange(restart.fragment(transceiver.kind, transceiver.mid or "0"))
            await restart.finish(parse_fragment(answer))
            moved = True
        except PathFailed as error:
            raise ConnectionLost(f"ICE restart: {error}") from error
        finally:
            if not moved:
                await restart.drop()

    async def stats(self) -> ConnectionStats:
        """Return the present figures."""
        received = sent = lost = 0
        rtt: float | None = None
        loss, reported_at = 0.0, None
        for entry in (await self.peer.getStats()).values():
            if isinstance(entry, RTCTransportStats):
                received = entry.packetsReceived
            elif isinstance(entry, RTCOutboundRtpStreamStats):
                sent += entry.bytesSent
            elif isinstance(entry, RTCRemoteInboundRtpStreamStats):
                lost += entry.packetsLost
                if entry.kind == "video":
                    loss, reported_at = entry.fractionLost / 256, entry.timestamp
                    if entry.roundTripTime is not None:
                        rtt = entry.roundTripTime * 1000
            elif isinstance(entry, RTCInboundRtpStreamStats):
                lost += entry.packetsLost
        return ConnectionStats(received, sent, lost, rtt, loss, reported_at)

    async def round_trip_s(self) -> float | None:
        """Seconds to the far end and back on the present path; None without an answer.

        aiortc's own figure is of RTCP, smoothed, and stands still when a queue gets long.
        """
        return await round_trip_s(self._ice())

    async def close(self) -> None:
        """End the connection. Idempotent."""
        self._closing = True
        await self.peer.close()
        self._lost.cancel()

    def lose(self, reason: str) -> None:
        """Say that the connection is of no more use; the first reason counts."""
        if not self._closing and not self._lost.done():
            self._lost.set_result(reason)

    def _addresses(self) -> AbstractContextManager[None]:
        return only(None if self._network is None else self._network.addresses)

    def _ice(self) -> RTCIceTransport:
        """The one ICE transport: everything is bundled, and there is always media."""
        return self.peer.getTransceivers()[0].sender.transport.transport

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
        network: Network | None = None,
        on_advice: Callable[[object], None] | None = None,
    ) -> None:
        """With `on_advice` there is a data channel for device signals; it gets what comes back."""
        super().__init__(ice_servers, network)
        self.encoder = VideoEncoder(video)
        track = CameraTrack(camera)
        transceiver = self.peer.addTransceiver(track, direction="sendonly")
        transceiver.setCodecPreferences(_video_codecs(video.codec))
        use_encoder(transceiver.sender, self.encoder)
        self.resends = ResendBudget(lambda: self.encoder.target_bitrate)
        limit_resends(transceiver.sender, self.resends, asyncio.get_running_loop().time)
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
        self._signals: RTCDataChannel | None = None
        if on_advice is not None:
            self._signals = self.peer.createDataChannel(LABEL)
            self._signals.on("message", on_advice)

    def signal(self, message: str) -> bool:
        """Send a device signal; False when it cannot go now. A stale one is of no use later."""
        channel = self._signals
        if channel is None or channel.readyState != "open" or channel.bufferedAmount > 0:
            return False
        channel.send(message)
        return True

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
