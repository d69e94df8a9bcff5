"""What a server's /metrics says, as plain numbers, and what changed between two looks."""

from __future__ import annotations

from typing import TypeAlias
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

Figures: TypeAlias = dict[tuple[str, tuple[str, ...]], float]
"""By the sample's name and the values of its labels, in the order of the labels' names."""

WITHIN_S = 15.0


def scrape(origin: str) -> Figures:
    """Raises OSError."""
    with urlopen(f"{origin}/metrics", timeout=WITHIN_S) as answer:
        text: bytes = answer.read()
    return read(text.decode())


def read(text: str) -> Figures:
    """Of the text format. Raises ValueError."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def grown(before: Figures, after: Figures, name: str) -> dict[str, int]:
    """By its labels, what a counter counted in between, most first; what is 0 is left out."""
    counted = {
        " ".join(labels): round(value - before.get((one, labels), 0.0))
        for (one, labels), value in after.items()
        if one == name
    }
    return dict(sorted(((k, v) for k, v in counted.items() if v), key=lambda item: -item[1]))
