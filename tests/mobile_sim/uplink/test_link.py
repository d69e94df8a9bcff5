"""A link lets through what its trace allows, in order, and drops what its queue cannot take."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_sim.uplink.link import Link, LinkSettings
from mobile_sim.uplink.trace import Trace

PLAIN = LinkSettings(delay_s=0.0)


def link(trace: Trace, settings: LinkSettings = PLAIN, start_s: float = 0.0) -> Link:
    return Link(trace, settings, random.Random(1), start_s)


def offered(link_: Link, count: int, spacing_s: float, size: int = 1200) -> list[float | None]:
    return [link_.offer(i * spacing_s, size) for i in range(count)]


def test_packets_leave_at_the_moments_of_the_trace() -> None:
    on = link(Trace([10, 20, 100]))
    assert [on.offer(0, 1500), on.offer(0, 1500), on.offer(0.015, 1500)] == [0.01, 0.02, 0.1]


def test_small_packets_share_a_moment_and_large_ones_need_several() -> None:
    on = link(Trace([10, 20, 30, 40]))
    assert [on.offer(0, 700), on.offer(0, 700), on.offer(0, 700)] == [0.01, 0.01, 0.02]
    assert on.offer(0, 3000) == 0.04


def test_a_moment_that_nobody_used_is_gone() -> None:
    on = link(Trace([10, 20, 30]))
    assert on.offer(0.012, 1500) == 0.02


def test_the_delay_comes_on_top_and_the_trace_begins_when_told() -> None:
    on = link(Trace([10]), LinkSettings(delay_s=0.05), start_s=100.0)
    assert on.offer(100.0, 1500) == pytest.approx(100.06)


def test_the_rate_holds() -> None:
    on = link(Trace.constant(3_000_000), LinkSettings(delay_s=0, queue_bytes=10_000_000))
    arrivals = [at for at in offered(on, 5000, 0.0005) if at is not None]
    bps = len(arrivals) * 1200 * 8 / (arrivals[-1] - arrivals[0])
    assert bps == pytest.approx(3_000_000, rel=0.02)


def test_the_queue_is_bounded_and_empties() -> None:
    on = link(Trace.constant(1_000_000), LinkSettings(delay_s=0, queue_bytes=30_000))
    arrivals = offered(on, 100, 0.0)
    assert sum(at is not None for at in arrivals) == 25
    assert on.queued_bytes(0) == 30_000
    assert 0 < on.queued_bytes(0.1) < 30_000
    assert on.queued_bytes(1.0) == 0
    assert on.offer(1.0, 1200) is not None


def test_loss_takes_its_share_and_its_turn() -> None:
    on = link(Trace.constant(20_000_000), LinkSettings(loss=0.1))
    lost = sum(at is None for at in offered(on, 10_000, 0.001))
    assert lost == pytest.approx(1000, rel=0.15)
    all_lost = link(Trace([10]), LinkSettings(loss=1.0))
    assert all_lost.offer(0, 1500) is None
    assert all_lost.queued_bytes(0) == 1500


def test_bursts_come_in_bursts() -> None:
    settings = LinkSettings(burst_loss=0.05, burst_packets=8)
    on = link(Trace.constant(20_000_000), settings)
    lost = "".join("x" if at is None else "." for at in offered(on, 40_000, 0.001))
    runs = [len(run) for run in lost.split(".") if run]
    assert lost.count("x") == pytest.approx(2000, rel=0.3)
    assert sum(runs) / len(runs) == pytest.approx(8, rel=0.25)


def test_jitter_keeps_the_order() -> None:
    on = link(Trace.constant(20_000_000), LinkSettings(delay_s=0.02, jitter_s=0.03))
    arrivals = [at for at in offered(on, 2000, 0.001) if at is not None]
    assert arrivals == sorted(arrivals)
    delays = [at - i * 0.001 for i, at in enumerate(arrivals)]
    assert max(delays) > 0.045
    assert min(delays) >= 0.02


def test_a_link_that_is_cut_loses_everything_until_it_is_mended() -> None:
    on = link(Trace.constant(1_000_000))
    on.cut()
    assert on.offer(0, 1200) is None
    on.mend()
    assert on.offer(0.1, 1200) is not None


def test_a_tunnel_makes_packets_wait() -> None:
    on = link(Trace([1, 5000]))
    assert [on.offer(0, 1500), on.offer(0.1, 1500)] == [0.001, 5.0]


def test_the_same_dice_make_the_same_day() -> None:
    settings = LinkSettings(loss=0.1, jitter_s=0.01)
    trace = Trace.constant(2_000_000)
    assert offered(link(trace, settings), 500, 0.01) == offered(link(trace, settings), 500, 0.01)


@pytest.mark.parametrize("size", [0, -1, 65_536])
def test_what_is_no_packet_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="a packet of"):
        link(Trace([1])).offer(0, size)


def test_time_does_not_fall() -> None:
    on = link(Trace([1]))
    on.offer(1.0, 100)
    with pytest.raises(ValueError, match="time falls"):
        on.offer(0.5, 100)


@pytest.mark.parametrize(
    "wrong",
    [
        {"delay_s": -1},
        {"delay_s": float("nan")},
        {"jitter_s": 11},
        {"loss": 1.1},
        {"burst_loss": 0.95},
        {"burst_packets": 0.5},
        {"burst_packets": float("nan")},
        {"queue_bytes": 100},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"delay|loss|burst|queue"):
        LinkSettings(**wrong)  # type: ignore[arg-type]


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=40).map(sorted).filter(lambda m: m[-1]),
    st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 5000)), max_size=60),
)
def test_nothing_arrives_before_it_was_sent_nor_out_of_order(
    moments: list[int], packets: list[tuple[float, int]]
) -> None:
    on = link(Trace(moments), LinkSettings(delay_s=0.01, jitter_s=0.02, queue_bytes=20_000))
    now_s, before = 0.0, 0.0
    for wait_s, size in packets:
        now_s += wait_s
        arrives = on.offer(now_s, size)
        assert on.queued_bytes(now_s) <= 20_000
        if arrives is not None:
            assert arrives >= max(before, now_s + 0.01)
            before = arrives
