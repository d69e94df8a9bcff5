"""The loop inside the process: what it does with what waits."""

from __future__ import annotations

from bridge.transcode.child import now_ms, work
from bridge.transcode.core import Core
from bridge.transcode.inbox import Inbox
from bridge.transcode.overload import TOO_FAR_MS
from bridge.transcode.wire import FromChild, Plan, Status, Trouble, Unit
from tests.bridge.transcode.sources import SMALL, Here, encoded, in_order, sound, video


def worked(units: list[Unit], age_ms: int) -> list[FromChild]:
    """What it says when all units came so long ago."""
    came = now_ms() - age_ms
    inbox = Inbox(lambda: came)
    inbox.put(Plan(SMALL))
    for unit in units:
        inbox.put(unit)
    inbox.close()
    said: list[FromChild] = []
    work(inbox, Core("libx264", Here(), said.append), said.append, lambda: 77)
    return said


def test_everything_is_done_in_order_until_the_end() -> None:
    said = worked(in_order(video(count=30), sound(50)), 0)
    assert len(encoded(said, "source")) == 30
    assert len(encoded(said, "audio")) > 40


def test_too_far_behind_it_goes_on_with_the_last_keyframe_and_all_of_the_sound() -> None:
    said = worked(in_order(video(count=60, gop=25), sound(100)), TOO_FAR_MS + 60_000)
    behind = [one for one in said if isinstance(one, Trouble) and one.kind == "behind"]
    assert sum(one.count for one in behind) >= 49
    assert encoded(said, "source")[-1].time == 59 * 3_000
    assert len(encoded(said, "audio")) > 90


def test_it_gives_signs_of_life() -> None:
    clock = iter(range(0, 10**9, 400))
    inbox = Inbox(lambda: 0)
    inbox.put(Plan([]))
    for unit in sound(10):
        inbox.put(unit)
    inbox.close()
    said: list[FromChild] = []
    core = Core("libx264", Here(), said.append)
    work(inbox, core, said.append, lambda: 77, lambda: next(clock))
    signs = [one for one in said if isinstance(one, Status)]
    assert len(signs) >= 3
    assert {one.rss_bytes for one in signs} == {77}
