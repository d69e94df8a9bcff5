"""The receivers' part of a sender's time is read from perf's report."""

from __future__ import annotations

import os

import pytest

from tests.bench.receiving import ReceivingShare, read_share

REPORT = """
# Overhead  Symbol
    55.65%     0.10%  [k] __sys_sendmmsg
    34.30%     0.37%  [k] net_rx_action
     3.55%     0.81%  [k] loopback_xmit
"""


def test_the_share_is_all_that_passes_through_the_receiving_function() -> None:
    assert read_share(REPORT) == pytest.approx(0.343)


def test_a_report_without_it_says_nothing() -> None:
    assert read_share("# no samples") is None


def test_without_perf_there_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with ReceivingShare(os.getpid()) as sampling:
        sampling.start(0.1)
        assert sampling.share() is None
