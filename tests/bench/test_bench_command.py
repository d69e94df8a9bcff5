"""`sluice bench sfu` as it is typed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from signaling import bench
from signaling.load_door import MonotonicClock
from tests.bench.fakes import FakeClock, FakeLoad, FakeServer


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server on a thread of its own: the command runs its own event loop."""
    fake, ready = FakeServer(), threading.Event()
    loop, done = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with fake.running():
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield fake
    loop.call_soon_threadsafe(done.set)
    thread.join()
    loop.close()


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[bench.ClientOptions]:
    """Fakes instead of the native client and the clock; gives the options asked for."""
    asked: list[bench.ClientOptions] = []
    clock = FakeClock()

    def load_client(options: bench.ClientOptions) -> FakeLoad:
        asked.append(options)
        return FakeLoad(clock)

    monkeypatch.setattr(bench, "load_client", load_client)
    monkeypatch.setattr(MonotonicClock, "now", lambda self: clock.now())
    monkeypatch.setattr(MonotonicClock, "sleep", lambda self, s: clock.sleep(s))
    return asked


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(bench.bench_app, ["sfu", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_last_line_is_one_json_object_below_a_table(
    server: FakeServer, options: list[bench.ClientOptions]
) -> None:
    code, out, _ = invoke("--url", f"{server.base}/whep/a", "--viewers", "3", "--seconds", "1")
    assert code == 0
    lines = out.strip().splitlines()
    figures = json.loads(lines[-1])
    assert (figures["joined"], figures["server"]) == (3, None)
    assert any("3 of 3 viewers" in line for line in lines[:-1])


def test_json_alone_is_all_that_is_printed(
    server: FakeServer, options: list[bench.ClientOptions]
) -> None:
    url = f"{server.base}/whep/a"
    code, out, err = invoke("--url", url, "--viewers", "2", "--seconds", "1", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["viewers"] == 2


def test_options_reach_the_load_client(
    server: FakeServer, options: list[bench.ClientOptions]
) -> None:
    url = f"{server.base}/whep/a"
    given = ("--viewers", "1", "--seconds", "1", "--verify-every", "20", "--loss", "0.05")
    code, _, _ = invoke("--url", url, *given, "--no-twcc", "--gro", "--layers", "3", "--json")
    assert code == 0
    (asked,) = options
    assert (asked.verify_every, asked.loss, asked.twcc, asked.gro) == (20, 0.05, False, True)
    assert asked.publisher_layers == 3


def test_a_run_that_fails_says_why_and_exits_with_one(
    server: FakeServer, options: list[bench.ClientOptions]
) -> None:
    server.decide = lambda number: 404
    code, out, err = invoke("--url", f"{server.base}/whep/a", "--viewers", "1", "--json")
    assert (code, out) == (1, "")
    assert "404" in err


def test_a_server_process_that_does_not_exist_is_an_error_before_any_join(
    server: FakeServer, options: list[bench.ClientOptions]
) -> None:
    code, _, err = invoke("--url", f"{server.base}/whep/a", "--server-pid", "2147483647")
    assert (code, server.posts) == (1, [])
    assert "2147483647" in err
