"""How the server tells its keeper that it lives: our own (signaling/keeper.py), or systemd.

One of them reads these words and acts on silence. Where there is neither, they go nowhere.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Final, Protocol

import structlog

log = structlog.get_logger(__name__)

BEAT_S: Final = 0.5


class Heart(Protocol):
    """Each call returns at once, and raises nothing."""

    @property
    def gone(self) -> bool:
        """Whether there was a keeper that died."""
        ...

    def beat(self) -> None:
        """The event loop runs."""
        ...

    def ready(self) -> None:
        """Requests are answered."""
        ...

    def stopping(self, within_s: float) -> None:
        """It ends in order, and that takes at most so long."""
        ...

    def unfit(self) -> None:
        """It cannot start, and the user was told why."""
        ...


class NoKeeper:
    """Nobody is to be told."""

    gone: Final = False

    def beat(self) -> None: ...

    def ready(self) -> None: ...

    def stopping(self, within_s: float) -> None: ...

    def unfit(self) -> None: ...


class Pipe:
    """To `signaling.keeper`: one letter a word."""

    def __init__(self, descriptor: int) -> None:
        """Takes the descriptor over. No child of ours inherits it. Raises OSError."""
        os.set_blocking(descriptor, False)
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor
        self.gone = False

    def beat(self) -> None:
        self._tell(b"b")

    def ready(self) -> None:
        self._tell(b"r")

    def stopping(self, within_s: float) -> None:
        """Our keeper asked for it, and knows how long that may take."""

    def unfit(self) -> None:
        self._tell(b"u")

    def _tell(self, word: bytes) -> None:
        try:
            os.write(self._descriptor, word)
        except BlockingIOError:
            pass  # it is stopped, and has enough to read when it goes on
        except OSError:
            self.gone = True


class Systemd:
    """sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names."""

    gone: Final = False
    """It may be started again itself, and listens then."""

    def __init__(self, address: str, watchdog: bool) -> None:
        """Raises OSError."""
        self._watchdog = watchdog
        self._serving = False
        self._owed: list[str] = []
        """What its queue had no room for; a lost READY would have it end us."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        # A leading @ means an abstract address.
        self._socket.connect("\0" + address[1:] if address.startswith("@") else address)

    def beat(self) -> None:
        owed, self._owed = self._owed, []
        for text in owed:
            self._tell(text)
        if self._watchdog and self._serving and not self._owed:
            self._tell("WATCHDOG=1", owe=False)

    def ready(self) -> None:
        self._serving = True
        self._tell("READY=1\nSTATUS=Serving")

    def stopping(self, within_s: float) -> None:
        usec = int(within_s * 1_000_000)
        self._tell(f"STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC={usec}")

    def unfit(self) -> None:
        self._tell("STATUS=Cannot start")

    def _tell(self, text: str, *, owe: bool = True) -> None:
        try:
            self._socket.send(text.encode())
        except BlockingIOError:
            if owe:
                self._owed.append(text)
        except OSError as error:
            log.warning("systemd is not told", text=text.replace("\n", " "), error=str(error))


def find_heart(descriptor: int | None, environment: Mapping[str, str] = os.environ) -> Heart:
    """Whom this process is kept by. `descriptor` is what our own keeper gave."""
    try:
        if descriptor is not None:
            return Pipe(descriptor)
        if address := environment.get("NOTIFY_SOCKET"):
            watched = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
            return Systemd(address, watched and "WATCHDOG_USEC" in environment)
    except OSError as error:
        log.error("the keeper cannot be told of anything", error=str(error))
    return NoKeeper()


async def beat_forever(heart: Heart, stop: asyncio.Event) -> None:
    """Sets `stop` when the keeper is gone: without it, nobody would end us."""
    while True:
        heart.beat()
        if heart.gone:
            log.error("the keeper is gone, so the server ends")
            stop.set()
            return
        await asyncio.sleep(BEAT_S)
