"""Rows for tests."""

from __future__ import annotations

from mobile_sim.device.adaptation import Reason
from mobile_sim.device.thermal import Thermal
from mobile_sim.scenario.conditions import App
from mobile_sim.scenario.timeline import Connected, Row

CALM = Row(
    at_s=1.0,
    connected=Connected.LIVE,
    network="lte",
    app=App.FOREGROUND,
    rung="720p30",
    height=720,
    fps=30,
    bitrate=2_580_000.0,
    estimate=4_000_000.0,
    capacity=9_000_000.0,
    latency_ms=105.4,
    loss=0.01,
    battery=0.5,
    power_w=4.2,
    chip_c=50.0,
    skin_c=38.25,
    thermal=Thermal.NOMINAL,
    brightness=0.8,
    hardware=True,
    reason=Reason.NONE,
)
