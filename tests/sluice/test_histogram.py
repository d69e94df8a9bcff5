"""A distribution as it was counted."""

from __future__ import annotations

import pytest

from sluice.histogram import Histogram


def test_buckets_add_up_towards_the_one_without_a_bound() -> None:
    histogram = Histogram((0.5, 1.0), (3, 0, 2), 9.5)
    assert histogram.cumulative == [("0.5", 3), ("1.0", 3), ("+Inf", 5)]
    assert histogram.total == 5


def test_a_histogram_without_bounds_is_a_plain_count() -> None:
    assert Histogram((), (4,), 1.0).cumulative == [("+Inf", 4)]


@pytest.mark.parametrize("counts", [(), (1,), (1, 2, 3)])
def test_counts_that_do_not_fit_the_bounds_are_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit 1 bounds"):
        Histogram((0.5,), counts, 0.0)
