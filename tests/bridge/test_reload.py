"""Shared waiting."""

from __future__ import annotations

import pytest

from bridge.reload import Holds, Waiting
from sluice.errors import Problem


async def test_all_who_wait_for_the_same_share_one_future() -> None:
    waiting = Waiting()
    assert waiting.future((7, 1)) is waiting.future((7, 1))
    assert waiting.future((7, 2)) is not waiting.future((7, 1))


async def test_only_what_lies_before_the_edge_is_released() -> None:
    waiting = Waiting()
    early, late = waiting.future((7, 1)), waiting.future((7, 2))
    waiting.release((7, 2))
    assert early.done()
    assert not late.done()
    assert len(waiting) == 1
    waiting.release(None)
    assert late.done()
    assert len(waiting) == 0


def test_the_cap_is_counted_and_given_back() -> None:
    holds = Holds(2)
    with holds, holds:
        assert holds.held == 2
        with pytest.raises(Problem) as busy:
            holds.check()
        assert busy.value.kind.code == "busy"
        assert busy.value.retry_after_s == 1
    assert holds.held == 0
    holds.check()
