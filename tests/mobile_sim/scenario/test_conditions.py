"""A network makes links that a seed says everything of."""

from __future__ import annotations

from mobile_sim.device.model import Radio
from mobile_sim.scenario.conditions import App, Network
from mobile_sim.uplink.link import LinkSettings
from mobile_sim.uplink.trace import Trace

LOSSY = Network("lte", Radio.CELLULAR, 0.7, Trace([10]), LinkSettings(loss=0.5))


def test_the_same_seed_makes_the_same_losses() -> None:
    def losses(seed: int) -> list[float | None]:
        link = LOSSY.link(seed, 5.0)
        return [link.offer(5 + i * 0.02, 1000) for i in range(50)]

    assert losses(1) == losses(1) != losses(2)


def test_the_trace_begins_when_the_phone_comes() -> None:
    link = Network("wifi", Radio.WIFI, 1, Trace([10]), LinkSettings(delay_s=0)).link(1, 7.0)
    assert link.offer(7.0, 1500) == 7.01


def test_the_words_are_those_of_a_device_signal() -> None:
    assert {app.value for app in App} == {"foreground", "background", "interrupted"}
    assert {radio.value for radio in Radio} == {"wifi", "cellular", "none"}
