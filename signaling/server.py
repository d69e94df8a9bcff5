"""Runs the app under uvicorn, with limits, and ends it in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_address
from types import FrameType

import structlog
import uvicorn

from signaling.app import create_front
from signaling.chat_socket import protocol_class
from signaling.entry import longest_end_s
from signaling.heads import guard
from signaling.heartbeat import Heart, NoKeeper, beat_forever
from signaling.house import House
from signaling.refusals import open_to_strangers
from sluice import memory
from sluice.config import ServerConfig

log = structlog.get_logger(__name__)


class CannotStart(Exception):
    """The text says what is in the way and what to do."""


async def serve(
    house: House,
    on_ready: Callable[[str], Awaitable[None]] | None = None,
    stop: asyncio.Event | None = None,
    heart: Heart | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM, SIGHUP or `stop`; `on_ready` gets the server's own origin.

    Raises CannotStart. The house is opened before uvicorn starts, so that a taken port is one
    clear sentence and not a traceback. `heart` is told all along that the loop runs.
    """
    config = house.settings.server
    if open_to_strangers(house.settings):
        log.warning("the web server is open to the network without TLS", host=config.host)
    raise_file_limit()
    listeners = [_listen(config.host, config.port, "SLUICE_SERVER__PORT=8081")]
    if config.admin_port is not None:
        example = "SLUICE_SERVER__ADMIN_PORT=8081"
        listeners.append(_listen(config.admin_host, config.admin_port, example))
    heart, stop = heart or NoKeeper(), stop or asyncio.Event()
    beating = asyncio.create_task(beat_forever(heart, stop), name="heartbeat")
    try:
        await _open(house)
        address = origin(config, listeners[0].getsockname()[1])
        server = HouseServer(_uvicorn_config(house), house, address, on_ready, heart)
        stopping = asyncio.create_task(_stop_at(server, stop), name="stop")
        memory.settle()
        try:
            await server.serve(sockets=listeners)
        finally:
            stopping.cancel()
    finally:
        await house.close()
        for listener in listeners:
            listener.close()
        beating.cancel()


class HouseServer(uvicorn.Server):
    """Ends in this order: nobody new, then `server.drain_s` for those who are there, then they
    are told. Uvicorn waits for open responses, and event streams never end by themselves."""

    def __init__(
        self,
        config: uvicorn.Config,
        house: House,
        address: str,
        on_ready: Callable[[str], Awaitable[None]] | None,
        heart: Heart,
    ) -> None:
        super().__init__(config)
        self._house = house
        self._address = address
        self._on_ready = on_ready
        self._heart = heart
        self._drained_at: float | None = None
        """On the monotonic clock; None as long as nobody wants the end."""
        self._told = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_ready is not None:
            await self._on_ready(self._address)
        self._heart.ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals(), _hang_up_is_an_end(self):
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not the original: it raises the signal again after the end, in the middle of our own.
        self.force_exit = self._drained_at is not None  # a second Ctrl-C waits for nothing
        if self.force_exit:
            self.should_exit = True
        else:
            self.drain()

    def drain(self) -> None:
        """Begin to end. Only flags are set here: it is called by signals, at any moment."""
        if self._drained_at is None:
            self._house.begin_drain()
            self._drained_at = time.monotonic() + self._house.settings.server.drain_s

    async def on_tick(self, counter: int) -> bool:
        if self._drained_at is not None:
            self._tell()
            if time.monotonic() >= self._drained_at:
                self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._house.begin_stop()
        await super().shutdown(sockets)

    def _tell(self) -> None:
        """Once: what is under way, and how long it may take."""
        if not self._told:
            self._told = True
            drain_s = self._house.settings.server.drain_s
            self._heart.stopping(longest_end_s(self._house.settings.server))
            log.info("stopping", drain_s=drain_s)


def origin(config: ServerConfig, port: int) -> str:
    """What a browser on this machine enters."""
    host = config.host
    if ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listen(host: str, port: int, example: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotStart(
            f"Web server: {host} port {port}: {error.strerror}. Stop the program that uses it, or "
            f"choose another: {example}."
        ) from None
    return listener


async def _open(house: House) -> None:
    media = house.settings.media
    try:
        await house.open()
    except OSError as error:
        raise CannotStart(
            f"Media plane: {media.host} from port {media.port}: {error}. Stop the program that "
            "uses it, or choose another: SLUICE_MEDIA__PORT=8289. `sluice doctor` tells more."
        ) from error


def raise_file_limit() -> None:
    """Take as many open files as the system gives: each HTTP and each ICE-TCP connection is one,
    and the usual soft limit of 1024 is kept low for programs that use `select`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def _hang_up_is_an_end(server: HouseServer) -> Iterator[None]:
    """A terminal that is closed ends it in order too; under nohup it goes on."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    if ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, server.handle_exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


async def _stop_at(server: HouseServer, stop: asyncio.Event) -> None:
    await stop.wait()
    server.drain()


def _uvicorn_config(house: House) -> uvicorn.Config:
    config = house.settings.server
    return uvicorn.Config(
        create_front(house),
        loop="uvloop",
        http=guard(house.settings.limits.header_bytes, config.head_timeout_s, house.metrics),
        ws="none" if house.chat is None else protocol_class(house.chat.sockets),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # we do it ourselves, for trusted proxies only
        limit_concurrency=config.limit_concurrency,
        timeout_keep_alive=config.keep_alive_s,
        timeout_graceful_shutdown=config.shutdown_s,
    )
