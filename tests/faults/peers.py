"""WebRTC peers that misbehave, and publishers that look alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiortc import MediaStreamTrack, RTCRtpReceiver
from aiortc.rtp import RtpPacket

from mobile_sim.phone import Connection
from mobile_sim.whip import WhipClient
from tests.faults.watching import awaited

MODULUS = 1 << 16
OPEN_S = 10.0


class BadViewer(Connection):
    """Watches, reads nothing, and says what it likes about it."""

    def __init__(self) -> None:
        super().__init__(())
        self._tracks: list[MediaStreamTrack] = []
        self.peer.on("track", self._tracks.append)
        self.peer.addTransceiver("audio", direction="recvonly")
        self._receiver = self.peer.addTransceiver("video", direction="recvonly").receiver
        self.newest: tuple[int, int] | None = None
        """SSRC and sequence number of the newest packet of the picture."""
        self.answered = 0
        self.echo = self.peer.createDataChannel("echo")
        self.echo.on("message", self._on_answer)
        _spy(self._receiver, self)

    async def connect(self, answer: str) -> None:
        """Not heeding the server's word on how long a message may be."""
        await super().connect(answer.replace("a=max-message-size:", "a=x-said:"))

    async def say_missing(self, count: int) -> None:
        """NACK the newest packets, all of which arrived."""
        if self.newest is not None:
            ssrc, newest = self.newest
            lost = [(newest - back) % MODULUS for back in range(count, 0, -1)]
            await self._receiver._send_rtcp_nack(ssrc, lost)

    async def opened(self) -> None:
        """Until the data channel is. Raises TimeoutError."""
        await awaited("the channel opens", lambda: self.echo.readyState == "open", OPEN_S)

    def _on_answer(self, message: str | bytes) -> None:
        self.answered += 1


@asynccontextmanager
async def connected(
    peer: Connection, url: str, key: str | None = None
) -> AsyncIterator[Connection]:
    """The peer at a WHIP or WHEP address, for the length of the block."""
    async with aiohttp.ClientSession() as http:
        client = WhipClient(http, url, key)
        try:
            session = await client.post(await peer.offer())
            await peer.connect(session.answer)
            yield peer
            await client.delete(session)
        finally:
            await peer.close()


def _spy(receiver: RTCRtpReceiver, viewer: BadViewer) -> None:
    async def seen(packet: RtpPacket, arrival_time_ms: int) -> None:
        # Nothing is decoded: what it does to the server is all that counts.
        viewer.newest = packet.ssrc, packet.sequence_number

    setattr(receiver, "_handle_rtp_packet", seen)  # noqa: B010
