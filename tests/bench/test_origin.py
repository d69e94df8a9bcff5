"""What the bench of the origin makes of what it was told."""

from __future__ import annotations

import os

import pytest

from tests.bench.origin import OriginFigures, processes, requests, table

SAID = """Running 2s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  10527 requests in 2.06s, 5.38MB read
"""

FIGURES = OriginFigures(
    playlist_per_cpu_s=30_000,
    part_per_cpu_s=28_000,
    playlist_bytes=2_000,
    origin_fills=1,
    release_ms_p50_direct=30.0,
    release_ms_p99_direct=100.0,
    release_ms_p50_edge=25.0,
    release_ms_p99_edge=80.0,
    edge_playlist_per_cpu_s=25_000,
    edge_part_per_cpu_s=24_000,
    varnish_fills=None,
    release_ms_p50_varnish=None,
    release_ms_p99_varnish=None,
    varnish_playlist_per_cpu_s=None,
    varnish_part_per_cpu_s=None,
    waiters=1_000,
    doubts=[],
)


def test_requests_are_counted_in_a_clean_run_only() -> None:
    assert requests(SAID) == 10_527
    with pytest.raises(RuntimeError, match="no clean run"):
        requests(SAID + "  Non-2xx or 3xx responses: 3\n")
    with pytest.raises(RuntimeError, match="no clean run"):
        requests("unable to connect")


def test_a_process_is_among_its_own() -> None:
    assert processes([os.getpid()])[0] == os.getpid()


def test_what_was_not_measured_is_said_so() -> None:
    rows = {what: figure for what, figure, _ in table(FIGURES)}
    assert [figure for what, figure in rows.items() if "nginx" in what] == ["not measured"] * 3
    assert rows["reload, 1,000 waiters: at the own edge"] == "p50 25.0 ms, p99 80.0 ms"
