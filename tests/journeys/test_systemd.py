"""deploy/sluice.service under a real systemd: it serves, is kept, and is as narrow as it says."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.journeys.netns import Namespace
from tests.journeys.publisher import Publisher
from tests.journeys.systemd import Systemd, booted
from tests.journeys.waiting import until

pytestmark = [pytest.mark.netns, pytest.mark.needs("systemctl", "nsenter", "unshare")]

UNIT = "sluice.service"
ORIGIN = "http://127.0.0.1:8080"
AGAIN_S = 60.0
"""Until a new server answers: on a busy machine, Python alone reads its code for seconds."""


@pytest.fixture
def systemd() -> Iterator[Systemd]:
    network = Namespace()
    try:
        with network.entered(), booted() as systemd:
            systemd.ctl("start", UNIT)  # returns when the server says that it is ready
            yield systemd
            print(systemd.read("/run/sluice.log"))
    finally:
        network.close()


def answer(path: str, data: dict[str, str] | None = None, token: str | None = None) -> str:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = None if data is None else json.dumps(data).encode()
    with urlopen(Request(ORIGIN + path, body, headers), timeout=10) as response:
        return str(response.read().decode())


def is_ready() -> bool:
    try:
        return '"ok"' in answer("/readyz")
    except OSError:
        return False


def main_pid(systemd: Systemd) -> int:
    return int(systemd.show(UNIT, "MainPID"))


def test_it_serves_as_a_user_without_rights_and_takes_a_broadcast(
    systemd: Systemd, tmp_path: Path
) -> None:
    assert is_ready()
    status = systemd.status(main_pid(systemd))
    assert status["Uid"].split()[0] == systemd.run("id", "-u", "sluice").strip()
    assert (int(status["CapBnd"], 16), status["NoNewPrivs"], status["Seccomp"]) == (0, "1", "2")
    # Its media threads go first without any right, if this machine lets systemd raise the limit.
    assert systemd.show(UNIT, "LimitNICE") == "30"
    limits = systemd.read(f"/proc/{main_pid(systemd)}/limits")
    nice = "-10" if re.search(r"Max nice priority +30 ", limits) else "0"
    stats = systemd.run("sh", "-c", f"cat /proc/{main_pid(systemd)}/task/*/stat")
    assert re.search(rf"\(sluice-media-0\) (\S+ ){{16}}{nice} ", stats), stats
    assert systemd.run("stat", "-c", "%a %U", "/var/lib/sluice").strip() == "700 sluice"

    found = re.search(r"Admin token .*: (\S+)", systemd.read("/run/sluice.log"))
    assert found is not None
    made = json.loads(answer("/api/channels", {"channel": "garden"}, found[1]))
    # VP8 cannot be passed on: an encoder in a process of its own, which locks itself up, is needed.
    command = [sys.executable, "-m", "mobile_sim", "publish", f"{ORIGIN}/whip/garden"]
    command += ["--testcard", "--json", "--codec", "vp8", "--size", "320x180", "--audio", "tone"]
    with Publisher(command, {"MOBILE_SIM_KEY": made["key"]}, tmp_path / "phone.log"):
        until("it is live", lambda: '"live":true' in answer("/api/channels/garden/state"), 30)
        until("it can be watched by HLS", lambda: segment("garden"), 30)
        find = ["find", "/var/lib/sluice/recordings", "-name", "source-*"]
        until("it is recorded", lambda: systemd.run(*find, check=False), 30)
        [encoder] = systemd.run("pgrep", "-f", "bridge.transcode").split()
        for space in ("net", "user"):
            assert namespace(systemd, encoder, space) != namespace(
                systemd, str(main_pid(systemd)), space
            )


def namespace(systemd: Systemd, pid: str, kind: str) -> str:
    return systemd.run("readlink", f"/proc/{pid}/ns/{kind}")


def segment(channel: str) -> str:
    """The first segment's name in the playlist; empty where there is none yet."""
    try:
        master = answer(f"/live/{channel}/master.m3u8")
        media = re.findall(r"^[^#\s].*$", master, re.MULTILINE)[0]
        playlist = answer(f"/live/{channel}/{media}")
    except OSError:
        return ""
    return next(iter(re.findall(r"^[^#\s].*$", playlist, re.MULTILINE)), "")


def restarted(systemd: Systemd, times: int) -> bool:
    return systemd.show(UNIT, "NRestarts") == str(times) and is_ready()


def test_it_is_started_again_when_it_dies_and_when_it_hangs(systemd: Systemd) -> None:
    for number, sign in enumerate((signal.SIGKILL, signal.SIGSTOP), start=1):
        before = main_pid(systemd)
        systemd.run("kill", f"-{sign.name.removeprefix('SIG')}", str(before))
        until("it is started again", partial(restarted, systemd, number), AGAIN_S)
        assert main_pid(systemd) != before


def test_it_ends_in_order_when_it_is_asked_to(systemd: Systemd) -> None:
    systemd.ctl("stop", UNIT)
    assert systemd.show(UNIT, "Result") == "success"
    assert systemd.show(UNIT, "ExecMainStatus") == "0"
    assert not is_ready()
