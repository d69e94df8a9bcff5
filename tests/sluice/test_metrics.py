"""The text that Prometheus reads."""

from __future__ import annotations

from sluice.histogram import Histogram
from sluice.metrics import Metrics


def test_two_apps_in_one_process_do_not_share_counters() -> None:
    one, other = Metrics(), Metrics()
    one.problems.labels("not-found").inc()
    assert b'sluice_http_problems_total{code="not-found"} 1.0' in one.render()
    assert b'code="not-found"' not in other.render()


def test_the_engines_counters_become_families_and_reasons_become_labels() -> None:
    metrics = Metrics()
    metrics.show_engine({"offers": 3, "drops_late": 2, "drops_replay": 1, "errors_dtls": 4}, 7, 5)
    text = metrics.render().decode()
    assert "sluice_engine_offers_total 3.0" in text
    assert 'sluice_engine_drops_total{reason="late"} 2.0' in text
    assert 'sluice_engine_errors_total{reason="dtls"} 4.0' in text
    assert "sluice_engine_peers 7.0" in text
    assert "sluice_engine_queue_depth 5.0" in text


def test_the_engines_distributions_are_real_histograms() -> None:
    metrics = Metrics()
    metrics.show_histograms({"join_seconds": Histogram((0.1, 0.5), (3, 1, 2), 4.25)})
    lines = metrics.render().decode().splitlines()
    assert "# TYPE sluice_media_join_seconds histogram" in lines
    assert [line for line in lines if line.startswith("sluice_media_join_seconds")] == [
        'sluice_media_join_seconds_bucket{le="0.1"} 3.0',
        'sluice_media_join_seconds_bucket{le="0.5"} 4.0',
        'sluice_media_join_seconds_bucket{le="+Inf"} 6.0',
        "sluice_media_join_seconds_count 6.0",
        "sluice_media_join_seconds_sum 4.25",
    ]


def test_engine_events_are_shown_by_kind() -> None:
    metrics = Metrics()
    metrics.show_events({"MediaStarted": 2})
    assert b'sluice_engine_events_total{event="MediaStarted"} 2.0' in metrics.render()
