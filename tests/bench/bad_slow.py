"""Clients that are slow on purpose: request heads a byte at a time, and answers read likewise.

Plain non-blocking sockets that are all visited once in a step: a thousand cost next to nothing.
"""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from collections.abc import Callable
from itertools import chain, repeat
from urllib.request import urlopen

from tests.bench.bad_plan import Found, Plan, found, in_turn

DRIPS = 400
"""Send a head a byte at a time, and never its end."""
PLAYLISTS, MEDIA, EVENTS = 150, 150, 300
"""Ask at once, and read a byte at a time."""
ADDRESSES, EVENT_ADDRESSES = 10, 2
STEP_S = 1.0
"""Between two bytes of a connection."""
OPEN_PER_S = 400
RECEIVE_BYTES = 2_304
"""The smallest receive buffer that Linux gives: what is beyond it waits at the server."""
STATUS_AT = len("HTTP/1.1 ")
NEWEST = re.compile(r"^(?!#)(\S+)$", re.MULTILINE)


class Slow:
    """One connection that is there already. `outcome` says what became of it."""

    def __init__(self, kind: str, wire: socket.socket, sends: bytes, endless: bytes = b"") -> None:
        """`sends` goes out at once; then a byte of `endless`, again and again, with each step.
        Without it a byte is read with each step."""
        self.kind = kind
        self._wire = wire
        self._endless = endless
        self._sent = 0
        self._got = bytearray()
        self.ended = False
        wire.setblocking(False)
        if sends:
            self._send(sends)

    def step(self) -> None:
        if self.ended:
            return
        if self._endless:
            self._send(self._endless[self._sent % len(self._endless) :][:1])
            self._sent += 1
        try:
            byte = self._wire.recv(1 if not self._endless else 512)
        except BlockingIOError:
            return
        except OSError:
            self.ended = True
            return
        if not byte:
            self.ended = True
        elif len(self._got) < STATUS_AT + 3:
            self._got += byte

    @property
    def outcome(self) -> str:
        status = bytes(self._got[STATUS_AT : STATUS_AT + 3]).decode("latin-1")
        answer = status if len(status) == 3 else "no answer"
        return f"{self.kind}: {answer}, {'closed by the server' if self.ended else 'still open'}"

    def close(self) -> None:
        self._wire.close()

    def _send(self, data: bytes) -> None:
        try:
            self._wire.send(data)
        except BlockingIOError:
            return
        except OSError:
            self.ended = True


def connected(address: str, host: str, port: int) -> socket.socket:
    """From this address. Raises OSError."""
    wire = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        wire.settimeout(5)
        wire.bind((address, 0))
        wire.connect((host, port))
    except OSError:
        wire.close()
        raise
    return wire


def run(plan: Plan) -> Found:
    """All of them until the plan's end."""
    outcomes: Counter[str] = Counter()
    all_of_them: list[Slow] = []
    try:
        media = newest_media(plan)
    except (OSError, ValueError) as error:
        outcomes[f"no segment to read, a playlist instead: {error}"] += 1
        media = playlist_of(plan)
    kinds = chain(
        repeat("head", plan.part(DRIPS)),
        repeat("playlist", plan.part(PLAYLISTS)),
        repeat("media", plan.part(MEDIA)),
        repeat("events", plan.part(EVENTS)),
    )
    own, of_events = in_turn("slow", ADDRESSES), in_turn("events", EVENT_ADDRESSES)
    end = time.monotonic() + plan.seconds

    def open_some(most: int) -> None:
        for kind in kinds:
            try:
                address = next(of_events if kind == "events" else own)
                wire = connected(address, plan.host, plan.port)
            except OSError as error:
                outcomes[f"{kind}: {type(error).__name__} while it connected"] += 1
            else:
                all_of_them.append(one(kind, wire, plan, media))
            most -= 1
            if most <= 0:
                return

    def step() -> None:
        for slow in all_of_them:
            slow.step()

    every(STEP_S, end, lambda: open_some(round(OPEN_PER_S * STEP_S)), step)
    for slow in all_of_them:
        outcomes[slow.outcome] += 1
        slow.close()
    return found(outcomes)


def one(kind: str, wire: socket.socket, plan: Plan, media: str) -> Slow:
    """A slow client of a kind on a connection."""
    host = f"Host: {plan.host}:{plan.port}\r\n"
    paths = {
        "playlist": playlist_of(plan),
        "media": media,
        "events": f"/api/channels/{plan.channel}/events",
    }
    if kind == "head":
        return Slow(kind, wire, f"GET /watch/{plan.channel} HTTP/1.1\r\n".encode(), b"X-A: a\r\n")
    return Slow(kind, wire, f"GET {paths[kind]} HTTP/1.1\r\n{host}\r\n".encode())


def newest_media(plan: Plan) -> str:
    """The path of a segment that exists. Raises OSError, or ValueError when there is none."""
    path = playlist_of(plan)
    with urlopen(f"http://{plan.host}:{plan.port}{path}", timeout=10) as answer:
        playlist: bytes = answer.read()
    names = NEWEST.findall(playlist.decode())
    if not names:
        raise ValueError("the playlist has no segment yet")
    newest: str = names[-1]
    return f"{path.rpartition('/')[0]}/{newest}"


def playlist_of(plan: Plan) -> str:
    return f"/live/{plan.hls_channel}/source/index.m3u8"


def every(
    step_s: float,
    end: float,
    *work: Callable[[], None],
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Do all of it, each `step_s` seconds until `end`; a step that is late leaves none out."""
    due = now()
    while due < end:
        for one_of_it in work:
            one_of_it()
        due += step_s
        sleep(max(0.0, min(due, end) - now()))
