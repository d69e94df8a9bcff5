"""A bad day in forty seconds: another address, a narrow line, an outage; viewers come through."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from mobile_sim.scenario.timeline import Connected
from tests.journeys.tram import ride, table

pytestmark = pytest.mark.browser

SCENARIO = """
name: A short ride
duration: 0:40
seed: 7
device: {battery: 0.6, rung: 540p30}
networks:
  home: {kind: wifi, rate: 4M, delay_ms: 10}
  lte: {kind: cellular, rate: 700k, delay_ms: 35, jitter_ms: 5, queue_kb: 96}
start: home
events:
  - {at: 10, network: lte, gap: 1}
  - {at: 24, outage: 4}
"""
OUTAGE_OVER_S = 28


def test_viewers_come_through_a_short_ride(browser: Browser, tmp_path: Path) -> None:
    scenario = tmp_path / "short.yaml"
    scenario.write_text(SCENARIO)
    one = ride(browser, scenario, tmp_path)
    print(table(one))
    rows = one.timeline.rows

    # The phone changed its address without a new session, and came back after the outage.
    assert rows[-1].restarts >= 1
    assert rows[-1].connected is Connected.LIVE
    assert any(row.rung for row in rows if row.at_s > OUTAGE_OVER_S)

    # It answered the narrow line with smaller pictures, and said how it was.
    heights = [row.height for row in rows if row.rung]
    assert min(heights) < heights[0] == 540
    assert one.signals_taken > 5

    # Both viewers saw what was sent after the outage, in the session that they began with.
    after = [row.latency_ms for row in rows if row.at_s > OUTAGE_OVER_S]
    assert any(latency is not None for latency in after)
    for viewer in (one.webrtc, one.llhls):
        assert (viewer.joins, viewer.errors) == (1, [])
    assert one.llhls.last_captured_s > one.began_s + OUTAGE_OVER_S
