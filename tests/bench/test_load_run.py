"""How a run joins, watches and leaves."""

from __future__ import annotations

import os

import pytest

from signaling.load_door import LoadFailed, WhepDoor
from signaling.load_run import LoadRun, Plan
from signaling.process_meter import ProcessMeter
from tests.bench.fakes import PACKETS_PER_S, FakeClock, FakeLoad, FakeServer


def run_of(
    server: FakeServer,
    clock: FakeClock,
    viewers: int = 5,
    rate: float = 10.0,
    seconds: float = 4.0,
    publish_url: str | None = None,
    key: str | None = None,
) -> tuple[LoadRun, FakeLoad]:
    load = FakeLoad(clock)
    door = WhepDoor(f"{server.base}/whep/a", "tok", publish_url, key, clock)
    return LoadRun(Plan(viewers, rate, seconds), load, door, clock=clock), load


async def test_every_viewer_joins_with_its_token_and_is_ended_with_it() -> None:
    async with FakeServer().running() as server:
        run, load = run_of(server, FakeClock())
        result = await run.measure()
    assert (result.joined, result.connected, result.refused) == (5, 5, {})
    assert {auth for _, auth, _ in server.posts} == {"Bearer tok"}
    assert sorted(path for path, _ in server.deletes) == [f"/whep/a/s{n}" for n in range(5)]
    assert {auth for _, auth in server.deletes} == {"Bearer tok"}
    assert load.stopped
    assert load.latency_resets == 1


async def test_joins_keep_their_rate() -> None:
    clock = FakeClock()
    async with FakeServer().running() as server:
        run, _ = run_of(server, clock, viewers=20, rate=10.0, seconds=1.0)
        await run.measure()
    assert clock.time == pytest.approx(19 / 10 + 1.0, abs=0.1)


async def test_the_window_counts_only_what_came_within_it() -> None:
    async with FakeServer().running() as server:
        run, _ = run_of(server, FakeClock())
        result = await run.measure()
    assert result.window_s == pytest.approx(4.0)
    assert result.video.packets == 5 * PACKETS_PER_S * 4
    assert result.packets_per_s == pytest.approx(5 * PACKETS_PER_S)
    assert result.mbit_per_s == pytest.approx(5 * PACKETS_PER_S * 1200 * 8 / 1e6)


async def test_a_channel_that_is_not_live_yet_is_waited_for() -> None:
    async with FakeServer(lambda number: 409 if number < 3 else 201).running() as server:
        run, _ = run_of(server, FakeClock(), viewers=1)
        result = await run.measure()
    assert (result.joined, len(server.posts)) == (1, 4)


async def test_refused_viewers_are_counted_by_status_and_taken_back() -> None:
    async with FakeServer(lambda number: 201 if number % 2 else 503).running() as server:
        run, load = run_of(server, FakeClock(), viewers=6)
        result = await run.measure()
    assert (result.joined, result.refused) == (3, {"503": 3})
    assert len(load.removed) == 3


async def test_a_run_without_any_viewer_fails_and_still_stops_the_client() -> None:
    async with FakeServer(lambda number: 401).running() as server:
        run, load = run_of(server, FakeClock())
        with pytest.raises(LoadFailed, match="401"):
            await run.measure()
    assert load.stopped


async def test_an_answer_that_does_not_fit_is_counted_and_its_session_ended() -> None:
    async with FakeServer().running() as server:
        run, load = run_of(server, FakeClock(), viewers=1)
        load.bad_answers = True
        with pytest.raises(LoadFailed, match="no fingerprint"):
            await run.measure()
    assert len(server.deletes) == 1


async def test_the_own_publisher_comes_first_and_uses_its_key() -> None:
    async with FakeServer().running() as server:
        run, _ = run_of(
            server, FakeClock(), viewers=1, publish_url=f"{server.base}/whip/a", key="k"
        )
        await run.measure()
    assert server.posts[0] == ("/whip/a", "Bearer k", "publisher offer")
    assert ("/whip/a/s0", "Bearer k") in server.deletes


async def test_a_publisher_that_is_refused_or_never_connects_fails_the_run() -> None:
    async with FakeServer(lambda number: 403).running() as server:
        run, _ = run_of(server, FakeClock(), publish_url=f"{server.base}/whip/a")
        with pytest.raises(LoadFailed, match="refused: 403"):
            await run.measure()
    async with FakeServer().running() as server:
        run, load = run_of(server, FakeClock(), publish_url=f"{server.base}/whip/a")
        load.publisher_connects = False
        with pytest.raises(LoadFailed, match="did not connect"):
            await run.measure()


async def test_with_a_process_to_look_at_the_server_has_figures() -> None:
    async with FakeServer().running() as server:
        run, _ = run_of(server, FakeClock())
        run.meter = ProcessMeter(os.getpid())
        result = await run.measure()
    assert result.server is not None
    assert result.server.rss_kb > 1000
    assert result.server.us_per_packet >= 0


async def test_progress_is_told_for_both_phases() -> None:
    told: list[tuple[str, int, int]] = []
    async with FakeServer().running() as server:
        run, _ = run_of(server, FakeClock())
        run.progress = lambda phase, done, total: told.append((phase, done, total))
        await run.measure()
    assert ("join", 5, 5) in told
    assert any(phase == "watch" and total == 4000 for phase, _, total in told)
