"""The one place that knows private parts of aioice, and of aiortc's ICE transport.

Three things have no supported way: to stand between the sockets and the network (`interpose`), an
ICE restart (RFC 8445 section 9; here a second aioice connection takes the place of the first under
the DTLS that runs, `Restart`), and the time of a STUN check (`round_trip_s`).
tests/mobile_sim/test_ice.py fails when the pinned versions keep these parts elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import aioice
import aioice.stun
from aiortc import RTCIceTransport

Address = tuple[str, int]
Datagrams = Callable[[bytes, Address], None]
"""Takes a datagram and where it goes, or comes from."""

MONITOR = "_RTCIceTransport__monitor_task"
CHECK_TIMEOUT_S = 8.0
"""A path that has not answered by then is none."""
CHECK_REPEATS = 1
"""A check of the round trip is sent again after half a second, and given up after another."""


class Wire(Protocol):
    """What stands between a socket and the network."""

    def join(self, send: Datagrams, receive: Datagrams) -> tuple[Datagrams, Datagrams]:
        """Take a socket's two ends; return what its user sends to, and what hears the network."""
        ...


class PathFailed(Exception):
    """No path to the far end was found; the text says why."""


@dataclass(frozen=True, slots=True)
class RemoteIce:
    """The far end's part of an ICE restart."""

    ufrag: str
    pwd: str
    candidates: tuple[aioice.Candidate, ...]
    lite: bool


def interpose(connection: aioice.Connection, wire: Wire) -> None:
    """Put `wire` between the gathered sockets of `connection` and the network.

    Relays (TURN) are left alone, and so is what a STUN server was asked while gathering.
    Raises RuntimeError when this aioice keeps its sockets elsewhere.
    """
    protocols = getattr(connection, "_protocols", None)
    if not isinstance(protocols, list):
        raise RuntimeError("this version of aioice is not supported: it needs 0.13")
    for protocol in protocols:
        if protocol.local_candidate.type == "relay":
            continue
        socket: asyncio.DatagramTransport = protocol.transport
        send, receive = wire.join(_sender(socket), protocol.datagram_received)
        protocol.transport = _Wired(socket, send)
        protocol.datagram_received = receive


class Restart:
    """An ICE connection that is to take the place of the one in use.

    `gather`, tell the far end `fragment`, `finish` with its answer. Or `drop` it: then all is as it
    was. While it runs, media goes the old way and may come on both.
    """

    def __init__(self, transport: RTCIceTransport, controlling: bool = True) -> None:
        """`controlling` is the role of who made the offer.

        Raises RuntimeError when this aiortc keeps its ICE connection elsewhere.
        """
        if MONITOR not in vars(transport) or not hasattr(transport, "_recv"):
            raise RuntimeError("this version of aiortc is not supported: it needs 1.16")
        self._transport = transport
        self._old = old = transport._connection
        self._fresh = aioice.Connection(
            ice_controlling=controlling,
            stun_server=old.stun_server,
            turn_server=old.turn_server,
            turn_username=old.turn_username,
            turn_password=old.turn_password,
            turn_ssl=old.turn_ssl,
            turn_transport=old.turn_transport,
        )
        # DTLS waits for the next datagram of the old connection, and must hear this one as well.
        self._fresh._queue = old._queue

    async def gather(self, wire: Wire | None) -> None:
        """Open sockets. Raises PathFailed when there is no address to send from."""
        await self._fresh.gather_candidates()
        if not self._fresh.local_candidates:
            raise PathFailed("this machine has no network address")
        if wire is not None:
            interpose(self._fresh, wire)

    def fragment(self, kind: str, mid: str) -> str:
        """The SDP fragment (RFC 8840 section 9) that asks for the restart.

        `kind` and `mid` are those of the first section of the offer: with BUNDLE it speaks for all.
        """
        form = (
            "UDP/DTLS/SCTP webrtc-datachannel" if kind == "application" else "UDP/TLS/RTP/SAVPF 0"
        )
        lines = [
            "a=ice-options:trickle ice2",
            f"m={kind} 9 {form}",
            f"a=mid:{mid}",
            f"a=ice-ufrag:{self._fresh.local_username}",
            f"a=ice-pwd:{self._fresh.local_password}",
            *(f"a=candidate:{one.to_sdp()}" for one in self._fresh.local_candidates),
            "a=end-of-candidates",
        ]
        return "\r\n".join(lines) + "\r\n"

    async def finish(self, remote: RemoteIce) -> None:
        """Check the new path and move the connection there. Raises PathFailed; then `drop` it."""
        fresh = self._fresh
        fresh.remote_is_lite = remote.lite
        fresh.remote_username, fresh.remote_password = remote.ufrag, remote.pwd
        try:
            for candidate in remote.candidates:
                await fresh.add_remote_candidate(candidate)
            await fresh.add_remote_candidate(None)
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await fresh.connect()
        except TimeoutError:
            raise PathFailed(f"no answer on the new path for {CHECK_TIMEOUT_S:.0f} s") from None
        except (ConnectionError, ValueError) as error:
            raise PathFailed(str(error)) from error
        if self._transport.state != "completed" or self._old._closed:
            raise PathFailed("the connection ended meanwhile")
        await self._take_over()

    async def drop(self) -> None:
        """Close the new connection; the old one goes on."""
        await _close_quietly(self._fresh)

    async def _take_over(self) -> None:
        transport, fresh = self._transport, self._fresh
        monitor: asyncio.Future[None] | None = vars(transport)[MONITOR]
        if monitor is not None:
            monitor.cancel()  # it would take the end of the old connection for ours
        transport._connection = transport.iceGatherer._connection = fresh
        transport._recv, transport._send = fresh.recv, fresh.send
        vars(transport)[MONITOR] = asyncio.ensure_future(transport._monitor())
        await _close_quietly(self._old)


async def round_trip_s(transport: RTCIceTransport) -> float | None:
    """Seconds that a STUN check takes on the path in use; None when none is, or none answers.

    It is the check that keeps consent (RFC 7675), as browsers measure `currentRoundTripTime`.
    """
    connection = transport._connection
    pair = connection._nominated.get(1)
    if pair is None or connection.remote_password is None:
        return None
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        await pair.protocol.request(
            connection.build_request(pair, nominate=False),
            pair.remote_addr,
            integrity_key=connection.remote_password.encode(),
            retransmissions=CHECK_REPEATS,
        )
    except aioice.stun.TransactionError:
        return None
    return loop.time() - began


def local_address(transport: RTCIceTransport) -> str | None:
    """The machine's own address that the path in use begins at; None where there is none."""
    pair = transport._connection._nominated.get(1)
    if pair is None or pair.protocol.local_candidate.type != "host":
        return None
    return str(pair.protocol.local_candidate.host)


def parse_fragment(text: str) -> RemoteIce:
    """Read the answer to a restart. Raises PathFailed when it has no credentials."""
    ufrag = pwd = ""
    candidates: list[aioice.Candidate] = []
    lines = text.splitlines()
    for line in lines:
        name, _, value = line.partition(":")
        if name == "a=ice-ufrag":
            ufrag = ufrag or value
        elif name == "a=ice-pwd":
            pwd = pwd or value
        elif name == "a=candidate":
            try:
                candidates.append(aioice.Candidate.from_sdp(value))
            except ValueError as error:
                raise PathFailed(f"the answer's candidate cannot be used: {error}") from error
    if not ufrag or not pwd:
        raise PathFailed("the answer has no ICE credentials")
    return RemoteIce(ufrag, pwd, tuple(candidates), "a=ice-lite" in lines)


class _Wired(asyncio.DatagramTransport):
    """A socket whose datagrams go by another way."""

    def __init__(self, socket: asyncio.DatagramTransport, send: Datagrams) -> None:
        super().__init__()
        self._socket = socket
        self._send = send

    def sendto(self, data: Any, addr: Any = None) -> None:
        self._send(bytes(data), addr)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._socket.is_closing()

    def close(self) -> None:
        self._socket.close()

    def abort(self) -> None:
        self._socket.abort()


def _sender(socket: asyncio.DatagramTransport) -> Datagrams:
    def send(data: bytes, address: Address) -> None:
        if not socket.is_closing():  # a wire may still hold datagrams of a closed socket
            socket.sendto(data, address)

    return send


async def _close_quietly(connection: aioice.Connection) -> None:
    """Close it without telling who reads the queue that it shares."""
    connection._queue = asyncio.Queue()
    await connection.close()
