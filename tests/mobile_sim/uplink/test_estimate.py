"""The guess falls with loss and filling queues, grows while all is calm, and begins anew."""

from __future__ import annotations

import pytest

from mobile_sim.uplink.estimate import LEAST_BPS, START_BPS, Estimate

M = 1e6


def grown(estimate: Estimate, seconds: float, sent_bps: float, rtt_s: float = 0.05) -> float:
    """Let the time from 100 s on pass with short round trips; return the estimate."""
    steps = round(seconds / 0.3)
    for step in range(steps + 1):
        estimate.answered(100 + step * 0.3, rtt_s, sent_bps)
    return estimate.bps


def test_a_calm_link_is_tried_further_fast_at_first() -> None:
    assert grown(Estimate(1 * M), 0.6, sent_bps=1 * M) == pytest.approx(1.5**0.6 * M, rel=0.01)


def test_after_trouble_it_grows_slowly() -> None:
    estimate = Estimate(2 * M)
    estimate.lost(90, 0.2, 2 * M)
    before = estimate.bps
    assert grown(estimate, 3, sent_bps=2 * M) == pytest.approx(before * 1.08**3, rel=0.01)


def test_from_hardly_anything_it_comes_back_fast() -> None:
    estimate = Estimate(LEAST_BPS)
    estimate.lost(90, 0.5, LEAST_BPS)
    assert grown(estimate, 5, sent_bps=LEAST_BPS) > 200e3


def test_nothing_is_believed_far_beyond_what_was_sent() -> None:
    assert grown(Estimate(1 * M), 30, sent_bps=1 * M) == pytest.approx(1.5 * M)
    assert grown(Estimate(100e3), 30, sent_bps=60e3) == pytest.approx(260e3)


def test_an_estimate_that_is_higher_already_is_not_lowered_by_sending_little() -> None:
    assert grown(Estimate(3 * M), 10, sent_bps=0.1 * M) == 3 * M


def test_loss_takes_half_of_its_share_of_what_was_sent() -> None:
    estimate = Estimate(3 * M)
    estimate.lost(100, 0.4, sent_bps=2 * M)
    assert estimate.bps == pytest.approx(2 * M * 0.8)


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.1])
def test_some_loss_lowers_nothing(loss: float) -> None:
    estimate = Estimate(1 * M)
    estimate.lost(100, loss, sent_bps=1 * M)
    assert estimate.bps == 1 * M


def test_some_loss_stops_growth_for_a_while() -> None:
    estimate = Estimate(1 * M)
    estimate.answered(100, 0.05, 1 * M)
    estimate.lost(100, 0.05, 1 * M)
    estimate.answered(101, 0.05, 1 * M)
    assert estimate.bps == 1 * M
    estimate.answered(102, 0.05, 1 * M)
    assert estimate.bps > 1 * M


def test_a_filling_queue_lowers_it_below_what_was_sent_and_a_deep_one_more() -> None:
    filling, deep = Estimate(1 * M), Estimate(1 * M)
    for estimate, rtt_s in ((filling, 0.2), (deep, 0.6)):
        estimate.answered(100, 0.05, 1 * M)
        estimate.answered(100.3, rtt_s, 1 * M)
        estimate.answered(100.6, rtt_s, 1 * M)
    assert filling.bps == pytest.approx(0.85 * M)
    assert deep.bps == pytest.approx(0.6 * M)


def test_one_long_round_trip_says_nothing() -> None:
    estimate = Estimate(1 * M)
    for at_s, rtt_s in ((100, 0.05), (100.3, 0.9), (100.6, 0.05)):
        estimate.answered(at_s, rtt_s, 1 * M)
    assert estimate.bps >= 1 * M


def test_a_step_down_is_given_time_to_show() -> None:
    estimate = Estimate(2 * M)
    for step in range(4):
        estimate.lost(100 + step * 0.1, 0.5, sent_bps=2 * M)
    assert estimate.bps == pytest.approx(2 * M * 0.75)


def test_no_answer_lowers_it_only_to_where_a_new_path_begins() -> None:
    estimate = Estimate(1 * M)
    for second in range(20):
        estimate.unanswered(100 + second, sent_bps=0.5 * M)
    assert estimate.bps == START_BPS
    low = Estimate(100e3)
    low.unanswered(100, sent_bps=50e3)
    assert low.bps == 100e3


def test_a_filling_queue_counts_what_arrives_and_not_what_is_lost() -> None:
    estimate = Estimate(1 * M)
    estimate.answered(100, 0.05, 1 * M)
    estimate.lost(100, 0.09, 1 * M)
    for at_s in (100.3, 100.6):
        estimate.answered(at_s, 0.2, 1 * M)
    assert estimate.bps == pytest.approx(0.85 * 0.91 * M)


def test_one_step_takes_half_at_most() -> None:
    estimate = Estimate(2 * M)
    estimate.lost(100, 0.5, sent_bps=0.1 * M)
    assert estimate.bps == 1 * M


def test_it_never_reaches_nothing() -> None:
    estimate = Estimate(1 * M)
    for second in range(50):
        estimate.lost(100 + second, 0.9, sent_bps=estimate.bps)
    assert estimate.bps == LEAST_BPS


def test_a_new_path_begins_with_half_and_its_own_shortest_round_trip() -> None:
    estimate = Estimate(2 * M)
    estimate.answered(100, 0.01, 2 * M)
    estimate.moved(101, before_bps=2 * M)
    assert estimate.bps == 1 * M
    # 150 ms more than on the old path is the new path's distance and not a queue.
    for step in range(1, 4):
        estimate.answered(101 + step * 0.3, 0.16, 1 * M)
    assert estimate.bps > 1 * M
    estimate.moved(110, before_bps=0.2 * M)
    assert estimate.bps == START_BPS


def test_an_old_shortest_round_trip_is_forgotten() -> None:
    estimate = Estimate(1 * M)
    estimate.answered(100, 0.01, 1 * M)
    for step in range(10):
        estimate.answered(131 + step * 0.3, 0.2, 1 * M)
    assert estimate.bps > 1 * M
