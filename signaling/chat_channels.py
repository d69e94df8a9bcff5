"""The room over WebRTC: data channels of peers that are viewers (or publishers) already.

`chat` is ordered and reliable, `hearts` is neither. The media plane hands messages up through
`DataChannels`, and takes each frame once for all the peers that get it. What a peer refuses,
because its buffer is full, is kept and offered again, and only then does its place move on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from chat import frame
from chat.client import Client
from chat.closing import Reason, bye
from chat.entry import RoomId
from chat.frame import Frame
from chat.full import Full
from chat.hub import Hub
from chat.protocol import is_hello
from sfu.engine import CloseReason, DataMessage, Engine
from sfu.rooms import Role, Rooms
from signaling.data_channels import DataChannels
from sluice.ids import ChannelId, PeerId
from sluice.ratelimit import address_key
from sluice.tasks import Tasks

CHAT: Final = "chat"
HEARTS: Final = "hearts"
AGAIN_S: Final = 0.1
"""A peer whose buffer was full is tried again so often."""
EARLY: Final = 16
"""Messages that wait while a peer's address is looked up; more are dropped."""

log = structlog.get_logger(__name__)


class ChatChannels:
    """All clients that came by data channel."""

    def __init__(self, hub: Hub, engine: Engine, rooms: Rooms, channels: DataChannels) -> None:
        self._hub = hub
        self._engine = engine
        self._rooms = rooms
        self._channels = channels
        self._lines: dict[PeerId, ChannelLine] = {}
        self._early: dict[PeerId, deque[bytes]] = {}
        self._outbox: dict[tuple[str, int], tuple[Frame, list[ChannelLine]]] = {}
        self._refused: list[ChannelLine] = []
        self._some = asyncio.Event()
        self._again: asyncio.TimerHandle | None = None
        self._tasks = Tasks()

    def __len__(self) -> int:
        return len(self._lines)

    def start(self) -> None:
        for label in (CHAT, HEARTS):
            self._channels.listen(label, self.take)
        self._rooms.listen(self.peer_gone)
        self._tasks.spawn(self._send_forever(), "chat-channels")

    async def stop(self) -> None:
        for label in (CHAT, HEARTS):
            self._channels.forget(label)
        if self._again is not None:
            self._again.cancel()
        await self._tasks.close()

    # --- from the media plane

    def take(self, channel: ChannelId, message: DataMessage) -> None:
        """A message of a peer. The first makes it a client; that of a closed one, and another
        `hello`, a new client.
        """
        line = self._lines.get(message.peer)
        going_on = line is not None and not line.client.closed
        if going_on and line is not None and line.client.greeted:
            # A viewer takes a name while watching: the same peer, and somebody else.
            going_on = message.label != CHAT or not is_hello(message.payload)
        if going_on and line is not None:
            self._hub.take(line.client, message.payload)
        elif message.peer in self._early:
            if len(self._early[message.peer]) < EARLY:
                self._early[message.peer].append(message.payload)
        elif message.label == CHAT:
            self._early[message.peer] = deque([message.payload])
            self._tasks.spawn(self._connect(channel, message.peer), "chat-channel-connect")

    def peer_gone(self, peer: PeerId, role: Role, reason: CloseReason) -> None:
        self._early.pop(peer, None)
        line = self._lines.pop(peer, None)
        if line is not None:
            self._hub.lost(line.client)

    async def _connect(self, channel: ChannelId, peer: PeerId) -> None:
        stats = await self._engine.peer_stats(peer)
        early = self._early.pop(peer, None)
        if stats is None or early is None:
            return  # it is gone
        before = self._lines.pop(peer, None)
        if before is not None:
            self._hub.lost(before.client)
        line = ChannelLine(self, peer)
        try:
            line.client = self._hub.connect(line, RoomId(channel), _network(stats.address))
        except Full:
            self._say_last(peer, "busy", "")
            return
        self._lines[peer] = line
        for payload in early:
            self._hub.take(line.client, payload)

    # --- to the media plane

    def put(self, line: ChannelLine, label: str, told: Frame) -> None:
        """Send with the next turn of the loop, together with all who get the same."""
        self._outbox.setdefault((label, id(told)), (told, []))[1].append(line)
        self._some.set()

    def close(self, line: ChannelLine, reason: Reason, detail: str) -> None:
        """The peer goes on watching; only its chat ends. A new `hello` begins anew."""
        self._say_last(line.peer, reason, detail)

    def _say_last(self, peer: PeerId, reason: Reason, detail: str) -> None:
        payload = frame.of(bye(reason, detail)).payloads[0]
        self._tasks.spawn(self._offer_last(peer, payload), "chat-channel-bye")

    async def _offer_last(self, peer: PeerId, payload: bytes) -> None:
        await self._offer([peer], CHAT, payload)

    async def _send_forever(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            outbox, self._outbox = self._outbox, {}
            for (label, _), (told, lines) in outbox.items():
                try:
                    await self._send(label, told, lines)
                except Exception:
                    # One odd frame must not end everybody's chat; stuck clients are closed.
                    log.exception("a frame was not sent", peers=len(lines))

    async def _send(self, label: str, told: Frame, lines: Sequence[ChannelLine]) -> None:
        waiting = [line for line in lines if not line.client.closed]
        for at, payload in enumerate(told.payloads):
            refused = set(await self._offer([line.peer for line in waiting], label, payload))
            if refused and label == CHAT:
                rest = Frame(*told.payloads[at:])
                for line in waiting:
                    if line.peer in refused:
                        line.rest = rest
                        self._refused.append(line)
            waiting = [line for line in waiting if line.peer not in refused]
        if label == CHAT:
            for line in waiting:
                line.sent()
        if self._refused and self._again is None:
            loop = asyncio.get_running_loop()
            self._again = loop.call_later(AGAIN_S, self.offer_again)

    def offer_again(self) -> None:
        """Those whose buffers were full."""
        self._again = None
        refused, self._refused = self._refused, []
        for line in refused:
            if line.rest is not None and not line.client.closed:
                rest, line.rest = line.rest, None
                self.put(line, CHAT, rest)

    async def _offer(
        self, peers: Sequence[PeerId], label: str, payload: bytes
    ) -> Sequence[PeerId]:  # fmt: skip
        """Who did not take it."""
        if not peers:
            return ()
        return await self._engine.send_data_many(peers, label, payload, False)


class ChannelLine:
    """The `Line` of a peer's client: one frame at a time is on its way."""

    __slots__ = ("_busy", "_channels", "client", "peer", "rest")

    def __init__(self, channels: ChatChannels, peer: PeerId) -> None:
        self._channels = channels
        self.peer = peer
        self.client: Client
        self.rest: Frame | None = None
        """What was refused, and is offered again."""
        self._busy = False

    @property
    def ready(self) -> bool:
        return not self._busy

    def write(self, frame: Frame) -> None:
        self._busy = True
        self._channels.put(self, CHAT, frame)

    def write_hearts(self, frame: Frame) -> None:
        self._channels.put(self, HEARTS, frame)

    def close(self, reason: Reason, detail: str) -> None:
        self._channels.close(self, reason, detail)

    def sent(self) -> None:
        """The media plane has all of the frame."""
        self._busy = False
        self.client.pump()


def _network(address: str) -> str:
    """Whom a peer counts for, from a transport address such as `udp:192.0.2.1:5000`."""
    host = address.partition(":")[2].rpartition(":")[0].strip("[]")
    return address_key(host) if host else "unknown"
