"""What comes from the network unasked: damaged datagrams, and checks by strangers."""

from __future__ import annotations

import random
import re
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aioice import stun

COOKIE = bytes.fromhex("2112a442")
CLIENT_HELLO = bytes.fromhex("16 fefd 0000 0000 0000 0000") + struct.pack("!H", 220)
"""The head of a DTLS 1.2 record that holds a handshake message of 220 bytes."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One side's of ICE."""

    ufrag: str
    pwd: str


def credentials(sdp: str) -> Credentials:
    """Raises ValueError when the text has none."""
    ufrag = re.search(r"a=ice-ufrag:(\S+)", sdp)
    pwd = re.search(r"a=ice-pwd:(\S+)", sdp)
    if ufrag is None or pwd is None:
        raise ValueError("no ICE credentials in it")
    return Credentials(ufrag[1], pwd[1])


def check(server: Credentials, client: Credentials, pwd: str | None = None) -> bytes:
    """A STUN check as ICE makes them (RFC 8445 section 7.2.2), signed with the server's password
    or with another."""
    message = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.REQUEST,
        attributes={
            "USERNAME": f"{server.ufrag}:{client.ufrag}",
            "PRIORITY": 1_853_824_767,
            "ICE-CONTROLLING": 7,
            "USE-CANDIDATE": None,
        },
    )
    message.add_message_integrity((pwd or server.pwd).encode())
    message.add_fingerprint()
    return bytes(message)


def rubbish(dice: random.Random, seeds: list[bytes]) -> bytes:
    """A datagram that is nearly right: a real one with damage, or noise behind a real head."""
    if seeds and dice.random() < 0.6:
        whole = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 8)):
            whole[dice.randrange(len(whole))] ^= dice.randint(1, 255)
        return bytes(whole[: dice.randint(1, len(whole))] if dice.random() < 0.3 else whole)
    heads = (
        struct.pack("!HH", dice.choice((1, 0x101, 0x111)), dice.randrange(1 << 16)) + COOKIE,
        bytes((dice.randint(20, 63), 0xFE, dice.choice((0xFD, 0xFF)))),
        bytes((0x80 | dice.randrange(64), dice.randrange(256))),
        bytes((0x80 | dice.randrange(32), dice.randint(192, 223))) + struct.pack("!H", 9),
        b"",
    )
    return dice.choice(heads) + dice.randbytes(dice.randint(0, 1_200))


class Stranger:
    """A UDP socket that counts what it sends and what it is sent."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind((to[0], 0))
        self._to = to
        self.sent = self.received = 0

    def send(self, datagram: bytes) -> None:
        self._socket.sendto(datagram, self._to)
        self.sent += len(datagram)

    def listen(self, seconds: float) -> None:
        """Count what comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                self.received += len(self._socket.recv(65_536))

    def close(self) -> None:
        self._socket.close()


@contextmanager
def stranger(to: tuple[str, int]) -> Iterator[Stranger]:
    one = Stranger(to)
    try:
        yield one
    finally:
        one.close()
