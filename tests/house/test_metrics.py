"""docs/metrics.md names every metric there is, and no other."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from sfu.engine import HISTOGRAMS
from sluice.histogram import Histogram
from sluice.metrics import Metrics
from tests.house.tree import ROOT

DOCUMENT = (ROOT / "docs/metrics.md").read_text()
COUNTERS = (ROOT / "sfu/rust/io/src/counters.rs").read_text()


def documented() -> set[str]:
    """Names in the first column of the tables that hold metrics."""
    return set(re.findall(r"^\| `(sluice_\w+)` \|", DOCUMENT, re.MULTILINE))


def documented_reasons(heading: str) -> set[str]:
    section = DOCUMENT.partition(f"{heading}, by reason:")[2].partition("\n\n|")[2]
    return set(re.findall(r"^\| `(\w+)` \|", section.partition("\n\n")[0], re.MULTILINE))


def engine_counters() -> set[str]:
    block = re.search(r"^counters! \{(.*?)^\}", COUNTERS, re.MULTILINE | re.DOTALL)
    assert block is not None
    return set(re.findall(r"^    (\w+),$", block[1], re.MULTILINE))


def exposed() -> set[str]:
    """Every family as /metrics shows it when the engine counts all that it can count."""
    metrics = Metrics()
    metrics.show_engine(dict.fromkeys(engine_counters(), 1), peers=1, queue_depth=1)
    metrics.show_histograms({name: Histogram((1.0,), (1, 1), 3.0) for name in HISTOGRAMS})
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in families
        # The library adds when each counter was made.
        if not family.name.endswith("_created")
    }


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    assert len(engine_counters()) > 10
    assert documented() == exposed()


def test_every_reason_is_documented_and_every_documented_one_exists() -> None:
    for heading, prefix in (("Drops", "drops_"), ("Errors", "errors_")):
        counted = {name.removeprefix(prefix) for name in engine_counters() if prefix in name}
        assert documented_reasons(heading) == counted, heading


def test_metrics_named_in_running_text_exist() -> None:
    assert set(re.findall(r"`(sluice_\w+)`", DOCUMENT)) <= exposed()
