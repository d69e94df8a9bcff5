"""What the keeper hears of the server."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from signaling.heartbeat import NoKeeper, Pipe, Systemd, beat_forever, find_heart


@pytest.fixture
def pipe() -> Iterator[tuple[int, Pipe]]:
    read, write = os.pipe()
    yield read, Pipe(write)
    for end in (read, write):
        try:
            os.close(end)
        except OSError:
            continue  # the test closed it


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd is to a service."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


class TestOurOwnKeeper:
    def test_each_word_is_a_letter(self, pipe: tuple[int, Pipe]) -> None:
        read, heart = pipe
        heart.ready()
        heart.beat()
        heart.stopping(5)
        heart.unfit()
        assert os.read(read, 100) == b"rbu"

    def test_one_that_does_not_read_holds_nobody_up(self, pipe: tuple[int, Pipe]) -> None:
        _, heart = pipe
        for _ in range(70_000):
            heart.beat()
        assert not heart.gone

    async def test_without_it_the_server_ends(self, pipe: tuple[int, Pipe]) -> None:
        read, heart = pipe
        stop = asyncio.Event()
        os.close(read)
        await beat_forever(heart, stop)
        assert stop.is_set()

    def test_children_do_not_get_the_pipe(self) -> None:
        read, write = os.pipe()
        os.set_inheritable(write, True)
        Pipe(write)
        assert not os.get_inheritable(write)
        os.close(read)
        os.close(write)


class TestSystemd:
    def test_it_hears_of_each_step(self, manager: socket.socket) -> None:
        heart = find_heart(
            None, {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "10000000"}
        )
        heart.ready()
        heart.beat()
        heart.stopping(35.5)
        heard = [manager.recv(1_000).decode().splitlines() for _ in range(3)]
        assert heard[0][0] == "READY=1"
        assert heard[1] == ["WATCHDOG=1"]
        assert heard[2][0] == "STOPPING=1"
        assert "EXTEND_TIMEOUT_USEC=35500000" in heard[2]

    def test_without_a_watchdog_it_hears_no_beats(self, manager: socket.socket) -> None:
        heart = find_heart(None, {"NOTIFY_SOCKET": manager.getsockname()})
        heart.ready()
        heart.beat()
        heart.stopping(1)
        assert manager.recv(1_000).startswith(b"READY=1")
        assert manager.recv(1_000).startswith(b"STOPPING=1")

    def test_before_it_serves_there_are_no_beats(self, manager: socket.socket) -> None:
        heart = Systemd(manager.getsockname(), watchdog=True)
        heart.beat()
        heart.ready()
        assert manager.recv(1_000).startswith(b"READY=1")

    def test_what_it_has_no_room_for_is_told_later(self, manager: socket.socket) -> None:
        heart = Systemd(manager.getsockname(), watchdog=True)
        heart.ready()
        for _ in range(1_000):
            heart.beat()
        heart.stopping(1)
        heard: list[bytes] = []
        while not heard or not heard[-1].startswith(b"STOPPING=1"):
            heard.append(manager.recv(1_000))
            heart.beat()
        assert heard[0].startswith(b"READY=1")

    def test_a_watchdog_of_another_process_is_not_ours(self, manager: socket.socket) -> None:
        environment = {
            "NOTIFY_SOCKET": manager.getsockname(),
            "WATCHDOG_USEC": "1",
            "WATCHDOG_PID": "1",
        }
        heart = find_heart(None, environment)
        heart.ready()
        heart.beat()
        heart.stopping(1)
        assert manager.recv(1_000).startswith(b"READY=1")
        assert manager.recv(1_000).startswith(b"STOPPING=1")

    def test_an_abstract_address_can_be_used(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind("")  # Linux chooses an abstract one
            name = listening.getsockname()
            listening.settimeout(5)
            Systemd("@" + name[1:].decode(), watchdog=True).ready()
            assert listening.recv(100).startswith(b"READY=1")

    def test_its_absence_ends_nobody(self, tmp_path: Path, manager: socket.socket) -> None:
        heart = find_heart(None, {"NOTIFY_SOCKET": manager.getsockname()})
        manager.close()
        heart.ready()
        assert not heart.gone
        assert isinstance(find_heart(None, {"NOTIFY_SOCKET": str(tmp_path / "none")}), NoKeeper)


def test_without_any_keeper_nothing_is_told() -> None:
    assert isinstance(find_heart(None, {}), NoKeeper)
