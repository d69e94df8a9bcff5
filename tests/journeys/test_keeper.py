"""`sluice serve` as people run it: kept by a small parent that starts it again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer, clean_environment, sluice_command
from tests.journeys.waiting import until

AGAIN_S = 60.0
"""Until a new server answers: on a busy machine, Python alone reads its code for seconds."""
HANG_S = 5
KEPT = {"keeper": True, "hang_s": HANG_S}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[SluiceServer]:
    with SluiceServer(tmp_path / "server", settings={"server": KEPT}) as server:
        yield server
        print(server.log())


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def is_ready(server: SluiceServer) -> bool:
    connection = HTTPConnection(server.host, server.port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def test_a_server_that_is_killed_is_started_again_and_who_publishes_comes_back(
    kept: SluiceServer,
) -> None:
    key = kept.create_channel("lina")
    keeper, [server] = kept.pid, children(kept.pid)
    assert rss_mb(keeper) < rss_mb(server) / 3
    limits = Path(f"/proc/{server}/limits").read_text()
    assert re.search(r"^Max core file size +0 ", limits, re.MULTILINE)
    with Phone(kept, "lina", key):
        kept.await_live("lina")
        os.kill(server, signal.SIGKILL)
        until("the old one is gone", lambda: not exists(server), AGAIN_S)
        until("a new one answers", lambda: is_ready(kept), AGAIN_S)
        assert kept.pid == keeper
        assert children(keeper) != [server]
        kept.await_live("lina", AGAIN_S)


def test_one_in_reserve_takes_the_place_of_a_server_that_is_killed(kept: SluiceServer) -> None:
    [server] = children(kept.pid)
    until("one is in reserve", lambda: len(children(kept.pid)) == 2, AGAIN_S)
    [reserve] = set(children(kept.pid)) - {server}
    os.kill(server, signal.SIGKILL)
    until("the old one is gone", lambda: not exists(server), AGAIN_S)
    until("a new one answers", lambda: is_ready(kept), AGAIN_S)
    assert reserve in children(kept.pid)


def test_a_server_that_hangs_is_replaced(kept: SluiceServer) -> None:
    [server] = children(kept.pid)
    os.kill(server, signal.SIGSTOP)
    until("the hung one is gone", lambda: not exists(server), AGAIN_S)
    until("a new one answers", lambda: is_ready(kept), AGAIN_S)
    assert "its loop hangs" in kept.log()


def test_sigterm_to_the_keeper_ends_both_in_order(kept: SluiceServer) -> None:
    process = kept._process
    assert process is not None
    [server] = children(kept.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(AGAIN_S) == 0
    assert not exists(server)


def test_a_server_whose_keeper_was_killed_ends_by_itself(kept: SluiceServer) -> None:
    [server] = children(kept.pid)
    kept.kill()
    until("it ended", lambda: not exists(server), AGAIN_S)


def test_what_is_in_the_way_of_a_start_is_said_once(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        config = tmp_path / "sluice.yaml"
        config.write_text(f"server: {{port: {other.getsockname()[1]}}}\n")
        ended = subprocess.run(
            [sluice_command(), "serve", "--config", str(config)],
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    assert ended.stderr.count("SLUICE_SERVER__PORT") == 1
    assert "the server died" not in ended.stderr


def test_under_systemd_there_is_no_keeper_and_systemd_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        prefix = ["env", f"NOTIFY_SOCKET={tmp_path / 'notify'}", "WATCHDOG_USEC=10000000"]
        own = SluiceServer(tmp_path / "server", prefix=prefix, settings={"server": KEPT})
        with own:
            heard = [*until_told(systemd, "READY=1"), *until_told(systemd, "WATCHDOG=1")]
            assert "signaling.keeper" not in Path(f"/proc/{own.pid}/cmdline").read_text()
        heard += until_told(systemd, "STOPPING=1")
    assert heard[0].startswith("READY=1")
    assert "EXTEND_TIMEOUT_USEC=35000000" in heard[-1]


def until_told(systemd: socket.socket, word: str) -> list[str]:
    """Everything up to the message that begins so; it is among the next hundred, or never."""
    heard: list[str] = []
    for _ in range(100):
        heard.append(systemd.recv(1_000).decode())
        if heard[-1].startswith(word):
            return heard
    raise AssertionError(f"{word} was not told: {heard}")
