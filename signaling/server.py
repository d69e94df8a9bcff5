"""Runs the app under uvicorn, with limits, and ends it in the right order."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from types import FrameType

import structlog
import uvicorn

from signaling.app import create_front
from signaling.chat_socket import protocol_class
from signaling.house import House
from sluice import memory
from sluice.config import ServerConfig, Settings

log = structlog.get_logger(__name__)


class CannotStart(Exception):
    """The text says what is in the way and what to do."""


async def serve(
    house: House,
    on_ready: Callable[[str], Awaitable[None]] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM or `stop`; `on_ready` gets the server's own origin.

    Raises CannotStart. The house is opened before uvicorn starts, so that a taken port is one
    clear sentence and not a traceback.
    """
    config = house.settings.server
    warn_if_exposed(house.settings)
    raise_file_limit()
    listener = _listen(config)
    try:
        await _open(house)
        address = origin(config, listener.getsockname()[1])
        server = HouseServer(_uvicorn_config(house), house, address, on_ready)
        stopping = asyncio.create_task(_stop_at(server, stop or asyncio.Event()), name="stop")
        memory.settle()
        try:
            await server.serve(sockets=[listener])
        finally:
            stopping.cancel()
    finally:
        await house.close()
        listener.close()


class HouseServer(uvicorn.Server):
    """Uvicorn waits for open responses before it ends, and event streams never end by
    themselves: so they are told first."""

    def __init__(
        self,
        config: uvicorn.Config,
        house: House,
        address: str,
        on_ready: Callable[[str], Awaitable[None]] | None,
    ) -> None:
        super().__init__(config)
        self._house = house
        self._address = address
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_ready is not None:
            await self._on_ready(self._address)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not the original: it raises the signal again after the end, in the middle of our own.
        self.force_exit = self.should_exit  # a second Ctrl-C waits for nothing
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._house.begin_stop()
        await super().shutdown(sockets)


def origin(config: ServerConfig, port: int) -> str:
    """What a browser on this machine enters."""
    host = config.host
    if ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def warn_if_exposed(settings: Settings) -> bool:
    """Say loudly when strangers can reach plain HTTP. True when they can."""
    host = settings.server.host
    public_url = settings.server.public_url
    behind_tls = public_url is not None and public_url.startswith("https://")
    if behind_tls or ip_address(host).is_loopback:
        return False
    log.warning(
        "The web server is open to the network without TLS: stream keys travel in clear text, "
        "and browsers give no camera on plain http. Put a TLS proxy in front (see docs/behind-"
        "nginx.md), bind server.host to 127.0.0.1 and set server.public_url to the https address.",
        host=host,
        public_url=public_url,
    )
    return True


def _listen(config: ServerConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.host, config.port))
    except OSError as error:
        listener.close()
        raise CannotStart(
            f"Web server: {config.host} port {config.port}: {error.strerror}. Stop the program "
            "that uses it, or choose another: SLUICE_SERVER__PORT=8081."
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


async def _stop_at(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def _uvicorn_config(house: House) -> uvicorn.Config:
    config = house.settings.server
    return uvicorn.Config(
        create_front(house),
        loop="uvloop",
        http="httptools",
        ws="none" if house.chat is None else protocol_class(house.chat.sockets),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # we do it ourselves, for trusted proxies only
        limit_concurrency=config.limit_concurrency,
        timeout_keep_alive=config.keep_alive_s,
        timeout_graceful_shutdown=config.shutdown_s,
        h11_max_incomplete_event_size=house.settings.limits.header_bytes,
    )
