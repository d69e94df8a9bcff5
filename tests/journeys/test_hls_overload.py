"""A machine that is really too slow for all rungs, and one that has its time back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.request import urlopen

from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.waiting import until

SPINNERS = 8
LATE_S = 6.0
"""A playlist whose newest part is older than this has fallen behind: two segments and a part."""


@contextmanager
def starved(pid: int) -> Iterator[None]:
    """All threads of a process on one core, among many that never rest."""
    core = max(os.sched_getaffinity(0))
    tasks = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    cores = {task: os.sched_getaffinity(task) for task in tasks}
    for task in tasks:
        os.sched_setaffinity(task, {core})
    spin = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    command = [sys.executable, "-c", spin]
    # A session each: the kernel may share out time by session first.
    busy = [subprocess.Popen(command, start_new_session=True) for _ in range(SPINNERS)]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()
        for task in tasks:
            if Path(f"/proc/{pid}/task/{task}").exists():
                os.sched_setaffinity(task, cores[task])


def renditions(server: SluiceServer) -> dict[str, bool]:
    """By name, whether it is shed."""
    views = server.state("lina")["renditions"]
    assert isinstance(views, list)
    return {view["name"]: view["shed"] for view in views}


def counted(server: SluiceServer, event: str) -> float:
    return server.metric("sluice_bridge_events_total", event=event)


def behind_s(server: SluiceServer, name: str) -> float:
    """How old the end of the last segment in a playlist is."""
    with urlopen(server.live_url("lina", f"{name}/index.m3u8"), timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    begins = [line.partition(":")[2] for line in lines if line.startswith("#EXT-X-PROGRAM-DATE")]
    return time.time() - datetime.fromisoformat(begins[-1].replace("Z", "+00:00")).timestamp()


def test_rungs_are_shed_and_come_back_and_live_never_falls_behind(server: SluiceServer) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key, "vp8", "1280x720"):
        server.await_live("lina")
        server.await_segments("lina", 2)
        assert list(renditions(server).values()) == [False, False, False]
        [encoder] = server.encoders()
        with starved(encoder):
            until("a rung is shed", lambda: any(renditions(server).values()), 60)
            [largest, *_, smallest] = renditions(server)
            assert renditions(server)[largest]
            until("live is caught up with", lambda: behind_s(server, smallest) < LATE_S, 30)
            shed = renditions(server)
            assert not shed[smallest], "the last one stays"
        count = sum(shed.values())
        until("a rung is back", lambda: sum(renditions(server).values()) < count, 90)
        until(
            "both are counted", lambda: counted(server, "shed") and counted(server, "restored"), 5
        )
        assert server.encoders() == [encoder]
