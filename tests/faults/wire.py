"""Listening on loopback, and saying something in another's name there. Needs root."""

from __future__ import annotations

import select
import socket
import struct
import time
from dataclasses import dataclass

ALL = 0x0003
OUTGOING = 4
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Heard:
    """A UDP datagram that passed by."""

    source: Address
    to: Address
    payload: bytes


def overhear(ports: range, seconds: float, at_most: int = 20_000) -> list[Heard]:
    """The datagrams to these ports of loopback in the next seconds. Raises PermissionError."""
    found: list[Heard] = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL)) as ear:
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        ear.bind(("lo", ALL))
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and len(found) < at_most:
            if not select.select([ear], [], [], left)[0]:
                continue
            packet, origin = ear.recvfrom(65_536)
            # Loopback shows each packet twice: as it leaves, and as it comes.
            if origin[2] != OUTGOING and (heard := parsed(packet)) and heard.to[1] in ports:
                found.append(heard)
    return found


def parsed(packet: bytes) -> Heard | None:
    """An IPv4 packet, if it holds a whole UDP datagram."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_UDP:
        return None
    head = (packet[0] & 15) * 4
    source, to, length = struct.unpack_from("!HHH", packet, head)
    payload = packet[head + 8 : head + length]
    if len(payload) != length - 8:
        return None
    here, there = (socket.inet_ntoa(packet[at : at + 4]) for at in (12, 16))
    return Heard((here, source), (there, to), payload)


class Mouth:
    """Sends UDP datagrams with any source address."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def say(self, source: Address, to: Address, payload: bytes) -> None:
        self._socket.sendto(packet(source, to, payload), (to[0], 0))

    def close(self) -> None:
        self._socket.close()


def packet(source: Address, to: Address, payload: bytes) -> bytes:
    """IPv4 and UDP around it; the kernel fills in what is left 0, and UDP needs no checksum."""
    length = 8 + len(payload)
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(to[0])
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, socket.IPPROTO_UDP, 0)
    return head + addresses + struct.pack("!HHHH", source[1], to[1], length, 0) + payload
