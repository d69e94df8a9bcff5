"""The process itself: reads from its parent, asks the core, writes back.

A thread only reads, so that units which come while another is encoded have the right age.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Final

import av.logging

from bridge.transcode.core import Core
from bridge.transcode.encoder import HARDWARE, SOFTWARE, EncoderMissing, chosen
from bridge.transcode.inbox import Inbox
from bridge.transcode.overload import TOO_FAR_MS
from bridge.transcode.sandbox import Limits, enter
from bridge.transcode.wire import (
    TO_CHILD,
    FromChild,
    Plan,
    Ready,
    Status,
    ToChild,
    Trouble,
    Unpacker,
    packed,
)

READ_BYTES: Final = 1 << 18
STATUS_MS: Final = 1_000
MOST_THREADS: Final = 4
"""As many as there are rungs below a 1080p source, and one."""


def run(descriptor: int, memory_bytes: int, parent: int) -> None:
    """Until the parent hangs up. Raises WireError when it talks nonsense."""
    av.logging.set_level(None)
    connection = socket.socket(fileno=descriptor)
    memory = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    messages = _read(connection)
    plan = next((one for one in messages if isinstance(one, Plan)), None)
    if plan is None:
        return
    encoder, missing = _encoder(plan.encoder)
    taken = enter(Limits(memory_bytes, hardware=encoder in HARDWARE), parent)

    def send(message: FromChild) -> None:
        connection.sendall(packed(message))

    send(Ready(encoder, taken))
    if missing:
        send(Trouble("no-encoder", 1, missing))
    inbox = Inbox(now_ms)
    inbox.put(plan)
    Thread(target=_fill, args=(messages, inbox), daemon=True).start()
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as threads:
        work(inbox, Core(encoder, threads, send), send, lambda: _rss_bytes(memory))


def now_ms() -> int:
    """Monotonic."""
    return time.monotonic_ns() // 1_000_000


def work(
    inbox: Inbox,
    core: Core,
    send: Callable[[FromChild], None],
    rss_bytes: Callable[[], int],
    now_ms: Callable[[], int] = now_ms,
) -> None:
    """Until the inbox ends."""
    told_ms, waited_ms, caught_up_ms = now_ms(), 0, -1
    while True:
        try:
            waiting = inbox.take(STATUS_MS / 1_000)
        except EOFError:
            return
        now = now_ms()
        if waiting is not None:
            waited_ms = now - waiting.since_ms
            # What was left after catching up is as old, and is what it was left for.
            if waited_ms > TOO_FAR_MS and waiting.since_ms > caught_up_ms:
                caught_up_ms = now
                if dropped := inbox.catch_up():
                    core.dropped(dropped, now)
            core.handle(waiting.message, now, waited_ms)
        else:
            waited_ms = 0
        if now - told_ms >= STATUS_MS:
            told_ms = now
            send(Status(rss_bytes(), time.process_time_ns() // 1_000_000, waited_ms))


def _read(connection: socket.socket) -> Iterator[ToChild]:
    unpacker = Unpacker(TO_CHILD)
    while data := connection.recv(READ_BYTES):
        yield from unpacker.feed(data)


def _fill(messages: Iterator[ToChild], inbox: Inbox) -> None:
    try:
        for message in messages:
            inbox.put(message)
    finally:
        inbox.close()


def _encoder(wanted: str) -> tuple[str, str]:
    """Its name, and what was wrong with the wanted one."""
    try:
        return chosen(wanted), ""
    except EncoderMissing as error:
        return SOFTWARE, str(error)


def _rss_bytes(statm: int) -> int:
    return int(os.pread(statm, 256, 0).split()[1]) * os.sysconf("SC_PAGE_SIZE")
