"""A publisher that says on its data channel `device` whatever a test wants it to say."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar
from urllib.request import Request, urlopen

from aiortc import RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import VideoStreamTrack

from tests.journeys.waiting import until

T = TypeVar("T")
CONNECT_S = 20.0
HOT = {
    "battery": {"level": 0.42, "charging": False, "low_power": False},
    "thermal": "serious",
    "encoder": {"codec": "h264", "hardware": True, "width": 1280, "height": 720, "fps": 30,
                "bitrate": 2_500_000, "dropped": 0, "reason": "heat"},
    "network": {"kind": "cellular", "signal": 0.8, "rtt_ms": 45, "loss": 0.01,
                "available_bps": 3_000_000},
    "app": "foreground",
}  # fmt: skip
"""The parts of a hot phone's report."""


class DevicePhone:
    """Sends a picture from `with` on.

    It runs on an event loop in a thread of its own: Playwright keeps one in the tests' thread.
    """

    def __init__(self, whip_url: str, key: str) -> None:
        self._whip_url = whip_url
        self._key = key
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._session = ""
        self.answers: list[dict[str, Any]] = []
        """What the server said on the channel so far."""

    def __enter__(self) -> DevicePhone:
        self._thread.start()
        self._run(self._publish())
        until("the data channel is open", lambda: self._channel.readyState == "open", CONNECT_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def say(self, message: str | bytes) -> None:
        """Send this as it is."""
        self._run(self._say(message))

    def report(self, **parts: object) -> None:
        """Send a report that is right, if its parts are."""
        self.say(json.dumps({"v": 1, "type": "device", **parts}))

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The answers of this type."""
        return [one for one in self.answers if one["type"] == kind]

    # --- on the other thread

    def _run(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CONNECT_S)

    async def _publish(self) -> None:
        self._peer = RTCPeerConnection()
        self._peer.addTrack(VideoStreamTrack())
        self._channel: RTCDataChannel = self._peer.createDataChannel("device")
        self._channel.on("message", lambda text: self.answers.append(json.loads(text)))
        await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = self._peer.localDescription.sdp
        answer = await asyncio.to_thread(self._exchange, "POST", self._whip_url, offer)
        await self._peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def _leave(self) -> None:
        await asyncio.to_thread(self._exchange, "DELETE", self._session, None)
        await self._peer.close()

    async def _say(self, message: str | bytes) -> None:
        self._channel.send(message)

    def _exchange(self, method: str, url: str, body: str | None) -> str:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/sdp"}
        data = None if body is None else body.encode()
        with urlopen(Request(url, data, headers, method=method), timeout=CONNECT_S) as answer:
            if method == "POST":
                origin = self._whip_url.split("/whip/")[0]
                self._session = origin + answer.headers["Location"]
            text: str = answer.read().decode()
            return text
