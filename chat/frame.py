"""What is sent to a client: encoded once, the same bytes for everybody and on both transports."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from chat import protocol
from chat.entry import Epoch
from chat.protocol import BATCH_BYTES, FromServer

_TEXT = 0x81
"""First byte of a whole WebSocket text message (RFC 6455 section 5.2)."""
_COMPRESSED = 0x40
"""The bit RSV1 in it: the message is deflated (RFC 7692)."""
_WORTH_BYTES = 256
"""Smaller messages go as they are."""
_LEVEL = 1
"""Higher ones gain little on text that repeats itself so much."""
_HEAD_BYTES = 160
"""Room for what stands around the items of a batch."""


class Frame:
    """One or several messages that go out together, in their order."""

    __slots__ = ("_deflated", "_websocket", "payloads", "size")

    def __init__(self, *payloads: bytes) -> None:
        self.payloads = payloads
        self.size = sum(map(len, payloads))
        self._websocket: bytes | None = None
        self._deflated: bytes | None = None

    @property
    def websocket(self) -> bytes:
        """The messages with their WebSocket headers, made with the first use."""
        if self._websocket is None:
            self._websocket = b"".join(map(websocket_text, self.payloads))
        return self._websocket

    @property
    def deflated(self) -> bytes:
        """The same, compressed each by itself: once for all who take it, not once for each."""
        if self._deflated is None:
            self._deflated = b"".join(map(websocket_deflated, self.payloads))
        return self._deflated


def of(*frames: FromServer) -> Frame:
    return Frame(*map(protocol.encode, frames))


def websocket_text(payload: bytes) -> bytes:
    """A text message from a server, whole and without a mask."""
    return _framed(_TEXT, payload)


def websocket_deflated(payload: bytes) -> bytes:
    """Compressed without what came before (`server_no_context_takeover`), where it is worth it."""
    if len(payload) < _WORTH_BYTES:
        return _framed(_TEXT, payload)
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)
    return _framed(_TEXT | _COMPRESSED, packed[:-4])  # RFC 7692 section 7.2.1


def _framed(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126)) + size.to_bytes(2) + payload
    return bytes((first, 127)) + size.to_bytes(8) + payload


class Item:
    """An entry on its way into batches. `wire` None: not for this audience."""

    __slots__ = ("is_message", "seq", "wire")

    def __init__(self, seq: int, wire: bytes | None, is_message: bool) -> None:
        self.seq = seq
        self.wire = wire
        self.is_message = is_message


def batches(
    epoch: Epoch, first: int, last: int, items: Sequence[Item], *, sampled: bool = False
) -> Frame:
    """`batch` messages that cover all numbers from first to last, each at most BATCH_BYTES
    (unless one entry alone is larger)."""
    payloads: list[bytes] = []
    wires: list[bytes] = []
    size, messages, begin, reached = _HEAD_BYTES, 0, first, first - 1
    for item in items:
        if item.wire is not None:
            if wires and size + len(item.wire) > BATCH_BYTES:
                of = messages if sampled else None
                payloads.append(protocol.batch(epoch, begin, reached, wires, of))
                wires, size, messages, begin = [], _HEAD_BYTES, 0, reached + 1
            wires.append(item.wire)
            size += len(item.wire) + 1
        messages += item.is_message
        reached = item.seq
    payloads.append(protocol.batch(epoch, begin, last, wires, messages if sampled else None))
    return Frame(*payloads)
