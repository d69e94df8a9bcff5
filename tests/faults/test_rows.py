"""The tools that rows stand on. The rows themselves: `make faults`."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.outage import holes
from tests.faults.processes import Tree
from tests.faults.seen import longest_gap_s
from tests.faults.strangers import credentials, rubbish
from tests.faults.wire import Heard, packet, parsed
from tests.faults.world import World
from tests.journeys.watch_page import Frame


def test_a_world_starts_a_server_and_ends_it(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        server = world.server()
        tree = world.tree(server)
        assert tree.front == server.pid
        assert tree.rss > 10 << 20
        pids = tree.all()
    assert pids[0] == tree.root
    with pytest.raises(ProcessLookupError):
        tree.kill(1)


def test_a_process_is_found_by_its_command_below_its_root() -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', {0!r}])"
    waits = "import sys; print('ready', flush=True); sys.stdin.read()  # the-marked-one"
    with subprocess.Popen(
        [sys.executable, "-c", child.format(waits)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (found,) = Tree(process.pid).named("the-marked-one")
        assert found != process.pid
        Tree(process.pid).kill(found)


def test_a_forged_datagram_is_read_as_it_was_written() -> None:
    source, to = ("127.0.0.1", 4000), ("127.0.0.2", 5000)
    raw = bytearray(packet(source, to, b"hello"))
    assert parsed(bytes(raw)) == Heard(source, to, b"hello")
    assert parsed(bytes(raw[:-1])) is None
    raw[9] = socket.IPPROTO_TCP
    assert parsed(bytes(raw)) is None


def test_rubbish_repeats_with_its_seed_and_fits_a_datagram() -> None:
    seeds = [b"\x80" + bytes(99)]
    first, again = (
        [rubbish(dice, seeds) for _ in range(500)] for dice in (random.Random(4), random.Random(4))
    )
    assert first == again
    assert seeds[0] not in first
    assert max(map(len, first)) <= 1_300


def test_credentials_are_found_or_missed() -> None:
    found = credentials("v=0\r\na=ice-ufrag:ab\r\na=ice-pwd:cd\r\n")
    assert (found.ufrag, found.pwd) == ("ab", "cd")
    with pytest.raises(ValueError, match="no ICE"):
        credentials("v=0\r\n")


def test_the_longest_gap_is_that_after_the_moment() -> None:
    frames = [Frame(n, shown, shown, 0) for n, shown in enumerate((0, 900, 1_000, 1_400, 1_450))]
    assert longest_gap_s(frames, since_ms=950) == 0.4
    assert longest_gap_s(frames, since_ms=0) == 0.9
    assert longest_gap_s(frames, since_ms=2_000) == 0


def test_holes_are_counted() -> None:
    assert holes([4, 5, 6]) == 0
    assert holes([4, 6, 5]) == 2
