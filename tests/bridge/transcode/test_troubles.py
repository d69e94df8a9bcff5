"""Troubles are counted, and told once a second."""

from __future__ import annotations

from bridge.transcode.troubles import Troubles
from bridge.transcode.wire import Trouble


def test_the_first_is_told_at_once_and_the_rest_together() -> None:
    said: list[Trouble] = []
    troubles = Troubles(said.append)
    for now_ms in range(0, 2_001, 100):
        troubles.count("undecodable", 1, f"at {now_ms}")
        troubles.tell(now_ms)
    assert [(one.count, one.detail) for one in said] == [
        (1, "at 0"),
        (10, "at 1000"),
        (10, "at 2000"),
    ]


def test_kinds_are_told_apart_and_nothing_is_told_twice() -> None:
    said: list[Trouble] = []
    troubles = Troubles(said.append)
    troubles.count("behind", 7)
    troubles.count("keyframe-wanted", 1)
    troubles.tell(0)
    troubles.tell(5_000)
    assert said == [Trouble("behind", 7), Trouble("keyframe-wanted", 1)]
