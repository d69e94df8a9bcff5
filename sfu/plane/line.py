"""One end of the socket between front process and media plane: messages in, messages out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar, cast

import msgspec

from sfu.plane.wire import FromPlane, ToPlane, Unpacker, WireError, packed

HIGH_BYTES: Final = 1 << 20
"""So much may wait for the other end before `ready` is waited for."""

Message = TypeVar("Message")


class Line(asyncio.BufferedProtocol, Generic[Message]):
    """Hands each message to `hear`, and says once why it ended."""

    def __init__(
        self,
        decoder: msgspec.msgpack.Decoder[Message],
        hear: Callable[[Message], None],
        ended: Callable[[str], None],
    ) -> None:
        self._unpacker = Unpacker(decoder)
        self._hear = hear
        self._ended: Callable[[str], None] | None = ended
        self._transport: asyncio.Transport | None = None
        self._ready = asyncio.Event()
        self.gone = asyncio.Event()
        """The socket is closed, and what was sent before is sent."""

    def send(self, message: ToPlane | FromPlane) -> None:
        """Never waits. What is sent after the end goes nowhere. Raises WireError."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packed(message))

    @property
    def waiting(self) -> int:
        """Bytes that the other end has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    async def ready(self) -> None:
        """Wait while too much waits."""
        await self._ready.wait()

    def close(self) -> None:
        """Hang up, after what was sent."""
        self._ended = None
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Hang up at once."""
        self._ended = None
        if self._transport is not None:
            self._transport.abort()

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=HIGH_BYTES)
        self._ready.set()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._unpacker.room()

    def buffer_updated(self, nbytes: int) -> None:
        try:
            for message in self._unpacker.came(nbytes):
                self._hear(message)
        except WireError as error:
            self._end(str(error))
            self.close()

    def eof_received(self) -> None:
        self._end("it hung up")

    def pause_writing(self) -> None:
        self._ready.clear()

    def resume_writing(self) -> None:
        self._ready.set()

    def connection_lost(self, exc: Exception | None) -> None:
        gone = exc is None or isinstance(exc, OSError)  # it left without reading all that we sent
        self._end("it hung up" if gone else f"{type(exc).__name__}: {exc}")
        self._transport = None
        self._ready.set()
        self.gone.set()

    def _end(self, reason: str) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(reason)
