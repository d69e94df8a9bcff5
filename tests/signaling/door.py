"""A small world for the front door's tests: the whole app on a fake engine and a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from starlette.types import Message

from sfu.engine import Layer
from sfu.fake import FakeEngine
from signaling.app import build_house, create_app
from signaling.placement import Placement
from sluice.clock import VirtualClock
from sluice.config import Settings
from sluice.ids import ChannelId, PeerId
from sluice.media import Codec
from sluice.storage import Access

ADMIN = "adm_" + "a" * 40
SECRET = "s" * 64
SDP = {"Content-Type": "application/sdp"}
FRAG = {"Content-Type": "application/trickle-ice-sdpfrag"}
LAYERS = (
    Layer("h", Codec.VP8, 1_500_000, 1280, 720, True),
    Layer("q", Codec.VP8, 200_000, 320, 180, True),
)


def offer(direction: str = "sendonly", *, codec: str = "VP8", extra: tuple[str, ...] = ()) -> str:
    """A plausible offer with one audio and one video section."""
    lines = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=ice-ufrag:cLnT",
        "a=ice-pwd:clientpasswordclientpassword",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
    ]
    for mid, kind, payload, name in (
        ("0", "audio", 111, "opus/48000/2" if codec == "VP8" else "L16/8000"),
        ("1", "video", 96, f"{codec}/90000"),
    ):
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {payload}",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{mid}",
            f"a={direction}",
            "a=rtcp-mux",
            f"a=rtpmap:{payload} {name}",
        ]
    return "\r\n".join([*lines, *extra]) + "\r\n"


def fragment(
    ufrag: str = "cLnT", pwd: str = "clientpasswordclientpassword", *candidates: str
) -> str:
    """A trickle fragment for the first section."""
    lines = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0"]
    lines += [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{pwd}"]
    lines += [f"a={candidate}" for candidate in candidates]
    return "\r\n".join(lines) + "\r\n"


HOST = "candidate:1 1 udp 2130706431 192.0.2.9 50000 typ host"
HIDDEN = "candidate:2 1 udp 2130706431 0f9c3a2e-1f.local 50001 typ host"


class Door:
    """The app, and short words for what tests do with it."""

    def __init__(self, settings: Settings, placement: Placement | None = None) -> None:
        self.engine = FakeEngine()
        self.clock = VirtualClock()
        self.house = build_house(
            settings, engine=self.engine, clock=self.clock, placement=placement
        )
        self.app = create_app(self.house)
        self.http = self.from_address("192.0.2.1")
        self.keys: dict[str, str] = {}

    def from_address(self, address: str) -> httpx.AsyncClient:
        """A client that seems to come from another machine."""
        transport = httpx.ASGITransport(
            app=self.app, client=(address, 40000), raise_app_exceptions=False
        )
        return httpx.AsyncClient(transport=transport, base_url="http://sluice.test")

    async def add_channel(self, name: str = "live", access: Access = "public") -> str:
        _, key = await self.house.book.create(ChannelId(name), name.title(), access)
        self.keys[name] = key
        return key

    async def publish(self, name: str = "live", key: str | None = None) -> httpx.Response:
        headers = SDP | bearer(key or self.keys[name])
        return await self.http.post(f"/whip/{name}", content=offer(), headers=headers)

    async def go_live(self, name: str = "live") -> httpx.Response:
        """Publish, connect and send the first packet."""
        response = await self.publish(name)
        assert response.status_code == 201, response.text
        self.engine.start_media(name, LAYERS)
        await self.engine.settled()
        return response

    async def watch(self, name: str = "live", token: str | None = None) -> httpx.Response:
        headers = SDP | (bearer(token) if token else {})
        return await self.http.post(f"/whep/{name}", content=offer("recvonly"), headers=headers)

    def viewers(self, name: str = "live") -> list[PeerId]:
        return [p for p, one in self.engine.peers.items()
                if one.role == "viewer" and one.channel == name]  # fmt: skip

    async def removals(self) -> None:
        """Let the rooms' background removals happen."""
        for _ in range(3):
            await asyncio.sleep(0)
        await self.engine.settled()

    async def state(self, name: str = "live") -> dict[str, Any]:
        state: dict[str, Any] = (await self.http.get(f"/api/channels/{name}/state")).json()
        return state

    async def admin(
        self, method: str, path: str, json: object = None, **rest: Any
    ) -> httpx.Response:
        return await self.http.request(method, path, json=json, headers=bearer(ADMIN), **rest)

    def counted(self, name: str, **labels: str) -> float:
        """A metric's present value; 0 when it was never touched."""
        value = self.house.metrics._registry.get_sample_value(name, labels)
        return value or 0.0


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def open_door(
    folder: Path, placement: Placement | None = None, **sections: object
) -> AsyncIterator[Door]:
    """A running app with one public channel, `live`. Ends everything in the end."""
    tree: dict[str, Any] = {
        "storage": {"path": folder},
        "auth": {"admin_token": ADMIN, "viewer_token_secret": SECRET},
        "recorder": {"record": "never"},  # there is no media to be kept
        **sections,
    }
    door = Door(Settings(**tree), placement)
    async with door.app.router.lifespan_context(door.app):
        await door.add_channel()
        try:
            yield door
        finally:
            await door.http.aclose()


class Listening:
    """A client of an event stream, at the ASGI level: httpx would wait for the stream's end."""

    def __init__(
        self, door: Door, path: str, query: str = "", headers: dict[str, str] | None = None
    ) -> None:
        raw = [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()]
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": path, "raw_path": path.encode(),
            "query_string": query.encode(), "root_path": "", "headers": raw,
            "client": ("192.0.2.7", 41000), "server": ("sluice.test", 80), "state": {},
        }  # fmt: skip
        self._door = door
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self.blocked: asyncio.Event | None = None
        """When set, `send` waits for it: a client that does not read."""
        self.status = 0
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Listening:
        async def receive() -> Message:
            if not self._asked:
                self._asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if self.blocked is not None:
                await self.blocked.wait()
            await self._sent.put(message)

        self.task = asyncio.create_task(self._door.app(self._scope, receive, send))
        first = await self._sent.get()
        self.status = first["status"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.hang_up()

    async def hang_up(self) -> None:
        self._gone.set()
        assert self.task is not None
        await self.task

    async def chunk(self) -> str:
        """The next piece, or an empty text at the end."""
        async with asyncio.timeout(5):
            message = await self._sent.get()
        body: bytes = message.get("body", b"")
        return body.decode()

    async def ended(self) -> None:
        """Wait until the server ends the stream."""
        assert self.task is not None
        async with asyncio.timeout(5):
            await self.task
