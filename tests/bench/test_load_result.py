"""How figures are made of two snapshots."""

from __future__ import annotations

import pytest

from signaling.load_result import LoadResult, Spread, Window
from signaling.process_meter import Usage
from tests.bench.fakes import PublisherState, Report, Totals


def window(before: Report, after: Report, *usage: Usage) -> Window:
    idle, used_before, used_after = usage or (None, None, None)
    return Window(10.0, before, after, idle, used_before, used_after)


def test_loss_is_of_what_was_due_in_the_window() -> None:
    before = Report(video=Totals(packets=1000, lost=500))
    after = Report(video=Totals(packets=1990, lost=510))
    result = LoadResult.of(1, 1, {}, window(before, after))
    assert (result.video.packets, result.video.lost) == (990, 10)
    assert result.video.loss_percent == pytest.approx(1.0)
    assert result.audio.loss_percent == 0.0


def test_the_server_is_charged_by_packet_and_by_viewer() -> None:
    usage = (Usage(1.0, 10_000), Usage(2.0, 20_000), Usage(4.5, 30_000))
    after = Report(connected=100, video=Totals(packets=900_000), audio=Totals(packets=100_000))
    server = LoadResult.of(100, 100, {}, window(Report(), after, *usage)).server
    assert server is not None
    assert server.us_per_packet == pytest.approx(2.5)
    assert server.cpu_percent == pytest.approx(25.0)
    assert server.viewers_per_core == 400
    assert server.kb_per_viewer == pytest.approx(200.0)


def test_without_a_process_there_are_no_server_figures() -> None:
    assert LoadResult.of(1, 1, {}, window(Report(), Report())).server is None


def test_a_client_that_may_be_at_fault_says_so() -> None:
    after = Report(client_drops=3, cpu_s=9.5, publishers=(PublisherState(True, 80.0),))
    doubts = LoadResult.of(1, 1, {}, window(Report(), after)).doubts
    assert [doubt.split()[1] for doubt in doubts] == ["client's", "client's", "publisher"]
    assert LoadResult.of(1, 1, {}, window(Report(), Report())).doubts == []


def test_a_spread_takes_the_value_at_the_rank() -> None:
    spread = Spread.of([float(ms) for ms in range(1, 101)])
    assert spread == Spread(100, 50.0, 95.0, 99.0, 100.0)
    assert Spread.of([7.0]) == Spread(1, 7.0, 7.0, 7.0, 7.0)
    assert Spread.of([]) == Spread(0, 0.0, 0.0, 0.0, 0.0)


def test_what_was_delivered_is_measured_by_what_our_publishers_sent() -> None:
    sent = PublisherState(True, video_packets=80, audio_packets=20)
    before = Report(connected=4, publishers=(PublisherState(True), PublisherState(True)))
    after = Report(connected=4, video=Totals(packets=300), publishers=(sent, sent))
    # Two publishers of 100 packets, two viewers each: 400 would be all.
    assert LoadResult.of(4, 4, {}, window(before, after)).delivered_percent == 75.0
    assert LoadResult.of(4, 4, {}, window(Report(), Report(connected=4))).delivered_percent is None
