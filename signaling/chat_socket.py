"""WebSocket on the port of everything else: `/chat/{channel}`, straight to the hub.

uvicorn reads the HTTP request and hands the connection over. The handshake and what comes in are
read by websockets' protocol, which does no I/O. What goes out was framed once for everybody and
is written to the transport as it is: no task, no queue and no copy for each client.
"""

from __future__ import annotations

import asyncio
import logging
import re
import zlib
from collections.abc import Sequence
from typing import Final, cast

from starlette.requests import Request as HttpRequest
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import CloseCode, Opcode
from websockets.frames import Frame as WebSocketFrame
from websockets.http11 import Request
from websockets.protocol import CLOSED, CLOSING, OPEN
from websockets.server import ServerProtocol

from chat import frame
from chat.client import Client
from chat.closing import CLOSINGS, WEBSOCKET_BASE, Reason, bye
from chat.entry import RoomId
from chat.frame import Frame
from chat.full import Full
from chat.hub import Hub
from chat.protocol import CLIENT_BYTES
from signaling.intake import Intake
from sluice.channels import ChannelBook
from sluice.clock import Clock
from sluice.ids import CHANNEL_PATTERN, ChannelId
from sluice.tasks import Tasks

PING_MS: Final = 25_000
"""A connection that was silent for so long is asked whether it lives ..."""
SILENT_MS: Final = 45_000
"""... and is closed when it says nothing until then."""
CLOSING_MS: Final = 3_000
"""After our close frame, a client has so long for its own."""
HIGH_WATER: Final = 131_072
LOW_WATER: Final = 32_768
_PATH: Final = re.compile(rf"/chat/({CHANNEL_PATTERN.pattern})")
_PING: Final = b"\x89\x00"
_REASON_BYTES: Final = 120
"""A close frame has room for 123."""
_DEFLATE: Final = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True
)
"""Nothing is remembered from message to message: neither memory for each connection, nor a
message that only one client could read."""
_LOG: Final = logging.getLogger("sluice.chat.websocket")


class ChatSockets:
    """All open sockets: who may open one, and which are dead."""

    def __init__(
        self, hub: Hub, book: ChannelBook, intake: Intake, clock: Clock,
        public_url: str | None, origins: Sequence[str],
    ) -> None:  # fmt: skip
        """`origins`: whose pages may open a socket; empty: our own only."""
        self.hub = hub
        self.clock = clock
        self._book = book
        self._intake = intake
        self._public_url = public_url
        self._origins = frozenset(origins)
        self._open: set[ChatSocket] = set()
        self._tasks = Tasks()

    def __len__(self) -> int:
        return len(self._open)

    def start(self) -> None:
        self._tasks.spawn(self._tick_forever(), "chat-sockets")

    async def stop(self) -> None:
        """Cut what the hub's farewell did not end."""
        await self._tasks.close()
        for one in list(self._open):
            one.abort()

    def add(self, one: ChatSocket) -> None:
        self._open.add(one)

    def discard(self, one: ChatSocket) -> None:
        self._open.discard(one)

    def room(self, path: str) -> RoomId | None:
        """The room of an address, if there is such a channel."""
        found = _PATH.fullmatch(path.partition("?")[0])
        if found is None or self._book.get(ChannelId(found[1])) is None:
            return None
        return RoomId(found[1])

    def welcomes(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of this origin may speak to us. Only browsers send one, always."""
        if origin is None:
            return True
        if self._origins:
            return origin in self._origins
        if self._public_url is not None:
            return origin == self._public_url
        return host is not None and origin in (f"http://{host}", f"https://{host}")

    def address(self, peer: str, headers: Sequence[tuple[str, str]]) -> str:
        """Whom the connection counts for; proxies are believed as everywhere else."""
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        return self._intake.client(
            HttpRequest({"type": "http", "headers": raw, "client": (peer, 0)})
        )

    def second(self) -> None:
        """Once a second: who is silent, who does not let itself be closed."""
        now_ms = self.clock.now_ms()
        for one in list(self._open):
            one.look(now_ms)

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.second()


def _shares(extension: Extension) -> bool:
    """Whether messages that were compressed once for everybody can be read by this client."""
    return (
        isinstance(extension, PerMessageDeflate)
        and extension.local_no_context_takeover
        and extension.local_max_window_bits == zlib.MAX_WBITS
    )


def protocol_class(sockets: ChatSockets) -> type[asyncio.Protocol]:
    """What uvicorn's `ws` takes: it makes one for each upgrade of a connection."""

    class HandedOver(ChatSocket):
        __slots__ = ()

        def __init__(self, config: object, server_state: object, app_state: object) -> None:
            super().__init__(sockets)

    return HandedOver


class ChatSocket(asyncio.Protocol):
    """One connection, and the `Line` of its client."""

    __slots__ = (
        "_client", "_closing_ms", "_deflates", "_heard_ms", "_parts", "_pinged", "_sockets",
        "_transport", "_wire", "ready",
    )  # fmt: skip

    def __init__(self, sockets: ChatSockets) -> None:
        self._sockets = sockets
        self._transport: asyncio.Transport
        self._wire = ServerProtocol(extensions=[_DEFLATE], max_size=CLIENT_BYTES, logger=_LOG)
        self._deflates = False
        """The client takes compressed messages."""
        self._client: Client | None = None
        self._parts: list[bytes] = []
        self._heard_ms = sockets.clock.now_ms()
        self._pinged = False
        self._closing_ms: int | None = None
        self.ready = False
        """The transport takes more."""

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes, though they do all that those do.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        self._sockets.add(self)

    def data_received(self, data: bytes) -> None:
        self._heard_ms = self._sockets.clock.now_ms()
        self._pinged = False
        self._wire.receive_data(data)
        for event in self._wire.events_received():
            if isinstance(event, Request):
                self._handshake(event)
            elif isinstance(event, WebSocketFrame):
                self._take(event)
        self._answer()
        state = self._wire.state
        if state is CLOSED or self._wire.eof_sent or self._wire.close_rcvd is not None:
            self._transport.close()
        elif state is CLOSING and self._closing_ms is None:
            self.ready = False
            self._closing_ms = self._heard_ms

    def pause_writing(self) -> None:
        self.ready = False

    def resume_writing(self) -> None:
        if self._client is not None and not self._client.closed:
            self.ready = True
            self._client.pump()

    def connection_lost(self, error: Exception | None) -> None:
        self.ready = False
        self._sockets.discard(self)
        if self._client is not None:
            self._sockets.hub.lost(self._client)

    # --- the client's line

    def write(self, frame: Frame) -> None:
        if not self._transport.is_closing():  # connection_lost comes later than the loss
            self._transport.write(frame.deflated if self._deflates else frame.websocket)

    def write_hearts(self, frame: Frame) -> None:
        self.write(frame)

    def close(self, reason: Reason, detail: str) -> None:
        """Say `bye`, and wait a moment for the other side's close: a connection that is cut with
        bytes unread would take the farewell with it."""
        if self._wire.state is not OPEN or self._transport.is_closing():
            return
        farewell = bye(reason, detail)
        self._transport.write(frame.of(farewell).websocket)
        text = farewell.detail.encode()[:_REASON_BYTES].decode(errors="ignore")
        self._wire.send_close(WEBSOCKET_BASE + CLOSINGS[reason].code, text)
        self.ready = False
        self._answer(always=True)
        self._closing_ms = self._sockets.clock.now_ms()

    # --- inside

    def look(self, now_ms: int) -> None:
        """Ask a silent connection, and end a dead one."""
        if self._closing_ms is not None:
            if now_ms - self._closing_ms >= CLOSING_MS:
                self.abort()
            return
        silent_ms = now_ms - self._heard_ms
        if silent_ms >= SILENT_MS and self._client is not None:
            self._sockets.hub.close(self._client, "silent")
        elif silent_ms >= PING_MS and not self._pinged and self.ready:
            self._pinged = True
            self._transport.write(_PING)

    def abort(self) -> None:
        self._transport.abort()

    def _handshake(self, request: Request) -> None:
        response = self._wire.accept(request)
        refusal = None
        if response.status_code == 101:
            refusal = self._let_in(request)
        if refusal is not None:
            status, text = refusal
            response = self._wire.reject(status, text + "\n")
        self._wire.send_response(response)
        if self._client is not None and response.status_code == 101:
            self._deflates = any(map(_shares, self._wire.extensions))
            self._answer(always=True)
            self.ready = True

    def _let_in(self, request: Request) -> tuple[int, str] | None:
        """Connect to the hub; or the status and the sentence of a refusal."""
        room = self._sockets.room(request.path)
        if room is None:
            return 404, "There is no such room."
        origin = request.headers.get_all("Origin")
        host = request.headers.get_all("Host")
        if len(origin) > 1 or not self._sockets.welcomes(
            origin[0] if origin else None, host[0] if host else None
        ):
            return 403, "Pages of this origin may not open the room."
        peer = self._transport.get_extra_info("peername")
        where = self._sockets.address(
            peer[0] if peer else "unknown", list(request.headers.raw_items())
        )
        try:
            self._client = self._sockets.hub.connect(self, room, where)
        except Full as full:
            if full.what == "address":
                return 429, "There are too many connections from this address."
            return 503, "The server takes no more connections now."
        return None

    def _take(self, event: WebSocketFrame) -> None:
        if event.opcode is Opcode.BINARY:
            self._wire.fail(CloseCode.UNSUPPORTED_DATA, "Frames are text.")
            return
        if event.opcode not in (Opcode.TEXT, Opcode.CONT) or self._client is None:
            return
        if event.fin and not self._parts:
            self._sockets.hub.take(self._client, bytes(event.data))
            return
        self._parts.append(bytes(event.data))
        if event.fin:
            whole, self._parts = b"".join(self._parts), []
            self._sockets.hub.take(self._client, whole)

    def _answer(self, *, always: bool = False) -> None:
        """What the protocol itself has to say: pongs, and the close. Where the client does not
        read, its pongs are dropped, or pings would fill our memory."""
        closing = self._wire.state is not OPEN
        for data in self._wire.data_to_send():
            if data and (self.ready or always or closing):
                self._transport.write(data)
