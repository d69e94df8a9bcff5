"""What is to be deleted, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.retention import (
    DAY_MS,
    BeyondLimit,
    Choice,
    Doomed,
    Keeping,
    Kept,
    Level,
    Limits,
    allowed,
    decide,
    granted,
    limits,
    settled,
)

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


# --- what is chosen for a channel

SERVER = Keeping(keep_days=14, quota_bytes=100 << 30, keep_clips=True)


def test_who_chooses_nothing_has_what_the_server_says() -> None:
    assert settled(Choice(), SERVER) == SERVER
    assert limits(Choice(), SERVER) == Limits(14, 100)


def test_an_owner_chooses_less_than_the_server() -> None:
    wish = Choice(7, 5, keep_clips=False)
    assert allowed(wish, Choice(), SERVER) == wish
    assert settled(wish, SERVER) == Keeping(7, 5 << 30, keep_clips=False)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (Choice(keep_days=15), "15 days is too much; at most 14 days"),
        (Choice(keep_days=0), "no end is too much; at most 14 days"),
        (Choice(quota_gb=101), "101 GB is too much; at most 100 GB"),
        (Choice(quota_gb=0), "no end is too much; at most 100 GB"),
    ],
)
def test_an_owner_that_wants_more_is_told_how_far_it_may_go(wish: Choice, why: str) -> None:
    with pytest.raises(BeyondLimit, match=why):
        allowed(wish, Choice(), SERVER)


def test_where_the_server_sets_no_limit_an_owner_chooses_anything() -> None:
    wish = Choice(900, 0)
    assert allowed(wish, Choice(), ENDLESS) == wish
    assert settled(wish, ENDLESS) == Keeping(900, 0, keep_clips=True)


def test_what_the_admin_sets_beyond_the_server_the_owner_may_have_again() -> None:
    by_admin = granted(Choice(90, 0), Choice(), SERVER)
    assert settled(by_admin, SERVER) == Keeping(90, 0, keep_clips=True)
    assert limits(by_admin, SERVER) == Limits(90, 0)
    less = allowed(Choice(30, 7), by_admin, SERVER)
    assert settled(less, SERVER) == Keeping(30, 7 << 30, keep_clips=True)
    assert allowed(Choice(90, 0), less, SERVER) == by_admin
    with pytest.raises(BeyondLimit):
        allowed(Choice(91), less, SERVER)
    default = allowed(Choice(), less, SERVER)
    assert settled(default, SERVER) == SERVER


def test_what_the_admin_leaves_as_it_was_takes_nothing_from_the_owner() -> None:
    by_admin = granted(Choice(90, 500), Choice(), SERVER)
    owners = allowed(Choice(30, 500), by_admin, SERVER)
    again = granted(Choice(30, 50), owners, SERVER)
    assert limits(again, SERVER) == Limits(90, 100), "the days stayed, the quota is the server's"
    assert granted(Choice(), owners, SERVER) == Choice()


def test_a_server_that_comes_to_allow_less_cuts_what_was_chosen() -> None:
    owners = allowed(Choice(14, 100), Choice(), SERVER)
    stricter = Keeping(7, 10 << 30, keep_clips=True)
    assert settled(owners, stricter) == stricter
    assert settled(granted(Choice(14, 101), owners, SERVER), stricter).quota_bytes == 101 << 30


@given(
    st.builds(Choice, *[st.none() | st.integers(0, 40)] * 2, st.none() | st.booleans()),
    st.builds(Choice, *[st.none() | st.integers(0, 40)] * 2, st.none() | st.booleans()),
    st.builds(Keeping, st.integers(0, 40), st.integers(0, 40).map(lambda gb: gb << 30),
              keep_clips=st.booleans()),
)  # fmt: skip
def test_no_owner_has_more_than_its_limits(wish: Choice, admins: Choice, server: Keeping) -> None:
    before = granted(admins, Choice(), server)
    most = limits(before, server)
    try:
        keeping = settled(allowed(wish, before, server), server)
    except BeyondLimit:
        return
    if most.keep_days:
        assert 0 < keeping.keep_days <= most.keep_days
    if most.quota_gb:
        assert 0 < keeping.quota_bytes <= most.quota_gb << 30
