"""Rows of the table of faults that must have the machine for themselves, three seeds each."""

from __future__ import annotations

import pytest

from tests.faults import suite, table
from tests.faults.verdict import lines

pytestmark = [pytest.mark.browser, pytest.mark.netns, pytest.mark.needs("conntrack")]


@pytest.mark.parametrize(
    "name",
    ["NAT rebind of the publisher", "NAT rebind of a viewer", "malformed packets"],
)
def test_a_row_meets_its_targets(name: str) -> None:
    outcomes = suite.run(table.chosen(name), 3, print)
    found = lines(outcomes, {})
    assert found
    assert {line.verdict for line in found} == {"ok"}
