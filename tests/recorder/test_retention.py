"""What is to be deleted, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.retention import DAY_MS, Doomed, Keeping, Kept, Level, decide

NOW_MS = 1_790_000_000_000
ENDLESS = Keeping(keep_days=0, quota_bytes=0, keep_clips=True)


def kept(
    number: int,
    *,
    size: int = 100,
    until: int | None = None,
    chosen: bool = False,
    recording: bool = False,
) -> Kept:
    """The higher the number, the newer."""
    return Kept(f"live-{number}", NOW_MS - DAY_MS + number, size, recording, until, chosen)


def test_what_is_past_its_time_goes_the_oldest_first() -> None:
    vods = [kept(3, until=NOW_MS + 1), kept(2, until=NOW_MS), kept(1, until=NOW_MS - 1), kept(0)]
    plan = decide(vods, ENDLESS, NOW_MS)
    assert plan.doomed == [Doomed("live-1", "retention", 100), Doomed("live-2", "retention", 100)]
    assert (plan.used_bytes, plan.left_bytes, plan.level) == (400, 200, "fine")


def test_over_the_quota_the_oldest_go_until_it_fits() -> None:
    vods = [kept(number) for number in range(5)]
    plan = decide(vods, replace(ENDLESS, quota_bytes=300), NOW_MS)
    assert plan.doomed == [Doomed("live-0", "quota", 100), Doomed("live-1", "quota", 100)]
    assert (plan.left_bytes, plan.level) == (300, "near")


def test_what_goes_for_its_age_may_be_enough_for_the_quota() -> None:
    vods = [kept(0), kept(1, until=NOW_MS), kept(2)]
    plan = decide(vods, replace(ENDLESS, quota_bytes=250), NOW_MS)
    assert [(one.id, one.reason) for one in plan.doomed] == [("live-1", "retention")]


def test_what_the_owner_chose_to_keep_goes_last() -> None:
    vods = [kept(0, chosen=True), kept(1), kept(2)]
    ids = [one.id for one in decide(vods, replace(ENDLESS, quota_bytes=50), NOW_MS).doomed]
    assert ids == ["live-1", "live-2", "live-0"]


def test_what_the_owner_chose_to_keep_for_a_time_goes_then() -> None:
    (doomed,) = decide([kept(0, until=NOW_MS, chosen=True)], ENDLESS, NOW_MS).doomed
    assert doomed.reason == "retention"


def test_what_is_recorded_never_goes_and_counts() -> None:
    vods = [kept(0, size=500, recording=True, until=0), kept(1), kept(2)]
    plan = decide(vods, replace(ENDLESS, quota_bytes=400), NOW_MS)
    assert [one.id for one in plan.doomed] == ["live-1", "live-2"]
    assert (plan.left_bytes, plan.level) == (500, "over")


def test_clips_that_stayed_count() -> None:
    plan = decide([kept(0)], replace(ENDLESS, quota_bytes=150), NOW_MS, other_bytes=100)
    assert [one.id for one in plan.doomed] == ["live-0"]
    assert (plan.used_bytes, plan.left_bytes) == (200, 100)


@pytest.mark.parametrize(
    ("size", "level"), [(89, "fine"), (90, "near"), (100, "near"), (101, "over")]
)
def test_the_owner_is_warned_before_anything_goes(size: int, level: Level) -> None:
    vods = [kept(0, size=size, recording=True)]
    assert decide(vods, replace(ENDLESS, quota_bytes=100), NOW_MS).level == level


def test_a_rule_counts_from_the_end() -> None:
    week = replace(ENDLESS, keep_days=7)
    assert week.until_ms(NOW_MS) == NOW_MS + 7 * DAY_MS
    assert week.until_ms(None) is None
    assert ENDLESS.until_ms(NOW_MS) is None


@given(
    st.lists(
        st.builds(
            kept,
            st.integers(0, 50),
            size=st.integers(0, 1_000),
            until=st.none() | st.integers(NOW_MS - 5, NOW_MS + 5),
            chosen=st.booleans(),
            recording=st.booleans(),
        ),
        unique_by=lambda one: one.id,
    ),
    st.integers(0, 5_000),
)
def test_whatever_there_is_no_more_goes_than_must(vods: list[Kept], quota: int) -> None:
    plan = decide(vods, replace(ENDLESS, quota_bytes=quota), NOW_MS)
    by_id = {one.id: one for one in vods}
    assert len({one.id for one in plan.doomed}) == len(plan.doomed)
    assert not any(by_id[one.id].recording for one in plan.doomed)
    assert plan.used_bytes - plan.left_bytes == sum(one.size_bytes for one in plan.doomed)
    for_quota = [one for one in plan.doomed if one.reason == "quota"]
    if for_quota:
        assert plan.left_bytes + for_quota[-1].size_bytes > quota
    stays = by_id.keys() - {one.id for one in plan.doomed}
    if quota and plan.left_bytes > quota:
        assert all(by_id[one].recording for one in stays)
    due = {one.id for one in vods if one.keep_until_ms is not None and one.keep_until_ms <= NOW_MS}
    assert not {one for one in stays & due if not by_id[one].recording}
    assert decide([by_id[one] for one in stays], replace(ENDLESS, quota_bytes=quota), NOW_MS) == (
        replace(plan, doomed=[], used_bytes=plan.left_bytes)
    )
