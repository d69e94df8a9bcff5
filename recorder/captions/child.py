"""The caption process itself: `python -m recorder.captions.child DESCRIPTOR MEMORY PARENT`.

Started by `process` alone. A thread reads and one gives signs of life, so that sound that comes
while an utterance is searched through neither waits in the socket nor looks like a hang.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from recorder.captions.confine import confine
from recorder.captions.engine import EngineMissing, open_engine
from recorder.captions.listener import Listener
from recorder.captions.wire import (
    LONGEST,
    TO_CHILD,
    Alive,
    Begin,
    Flush,
    FromChild,
    Heard,
    Open,
    Part,
    Ready,
    Refused,
    ToChild,
    packed,
    unpacked,
)

ALIVE_S: Final = 1.0
IDLE_S: Final = 3.0
"""Without sound for so long, what was heard last is said: nothing may follow."""

Inbox = SimpleQueue[ToChild | None]
"""None: the parent hung up. It is the parent that bounds it: it sends only so much unanswered."""


def run(descriptor: int, memory_bytes: int, parent: int) -> None:
    """Until the parent hangs up. Raises WireError when it talks nonsense."""
    measures = confine(memory_bytes, parent)
    connection = socket.socket(fileno=descriptor)

    def send(message: FromChild) -> None:
        connection.sendall(packed(message))

    packet = connection.recv(LONGEST)
    wanted = unpacked(TO_CHILD, packet) if packet else None
    if not isinstance(wanted, Open):
        return
    try:
        folder = Path(wanted.model_dir) if wanted.model_dir else None
        engine = open_engine(wanted.engine, folder, wanted.language)
    except EngineMissing as error:
        send(Refused(str(error)))
        return
    send(Ready(measures))
    inbox: Inbox = SimpleQueue()
    Thread(target=_read, args=(connection, inbox), daemon=True).start()
    Thread(target=_beat, args=(send,), daemon=True).start()
    work(inbox, Listener(engine), send)


def work(
    inbox: Inbox, listener: Listener, send: Callable[[FromChild], None], idle_s: float = IDLE_S
) -> None:
    """Until the inbox ends."""
    number = 0
    while True:
        try:
            message = inbox.get(timeout=idle_s)
        except Empty:
            if words := listener.flush():
                send(Heard(number, words, listener.heard_ms))
            continue
        match message:
            case None:
                return
            case Begin():
                if words := listener.begin(message.init):
                    send(Heard(number, words, listener.heard_ms))
            case Part():
                number = message.number
                words = listener.hear(message.time_ms, message.data)
                send(Heard(number, words, listener.heard_ms, listener.problem))
            case Flush():
                number = message.number
                send(Heard(number, listener.flush(), listener.heard_ms))
            case Open():
                return


def _read(connection: socket.socket, inbox: Inbox) -> None:
    try:
        while packet := connection.recv(LONGEST + 1):
            inbox.put(unpacked(TO_CHILD, packet))
    finally:
        inbox.put(None)


def _beat(send: Callable[[FromChild], None]) -> None:
    with contextlib.suppress(OSError):
        while True:
            time.sleep(ALIVE_S)
            send(Alive())
    os._exit(0)


if __name__ == "__main__":
    # Ctrl-C in a terminal is for everybody in it. Whoever started us ends us, when it is time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run(*(int(argument) for argument in sys.argv[1:4]))
