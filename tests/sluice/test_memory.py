"""The collector of cycles, told to be patient."""

from __future__ import annotations

import gc

from sluice.memory import THRESHOLDS, settle


def test_what_is_there_is_left_alone_and_the_rest_is_looked_at_less_often() -> None:
    before = gc.get_threshold()
    try:
        settle()
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > 1_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
