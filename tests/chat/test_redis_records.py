"""What stands in Redis is read as it was written; what is not ours is refused."""

from __future__ import annotations

import pytest

from chat.entry import Draft, EpochEnd
from chat.log import LogError
from chat.redis_records import (
    draft_arguments,
    packed,
    read_appended,
    read_record,
    read_request,
    read_view,
    request,
)
from tests.chat.log_conformance import T0, draft

DRAFTS = [
    Draft("message", b'{"text":"\xc3\xbc"}', T0, T0 - 5, "kim:1", 1_000, False),
    Draft("ban", b"{}", T0 - 3, None, None, None, True),
]


def record(*drafts: Draft, last: int, before: int) -> list[object]:
    blob = bytes([0x90 + len(drafts)]) + b"".join(packed(one) for one in drafts)
    names = (b"e", b"n", b"p", b"t", b"b")
    values = (b"epoch", b"2", str(before).encode(), b"0", blob)
    fields = [part for pair in zip(names, values, strict=True) for part in pair]
    return [f"{last}-0".encode(), fields]


def test_a_record_gives_its_entries_their_numbers_and_times() -> None:
    read = read_record(record(*DRAFTS, last=8, before=T0 - 9))
    assert [(entry.seq, entry.t_show) for entry in read.entries] == [(7, T0), (8, T0)]
    first = read.entries[0]
    assert (first.kind, first.body, first.t_seen, first.key) == (
        "message", DRAFTS[0].body, T0 - 5, "kim:1",
    )  # fmt: skip
    assert read.entries[1].staff


def test_a_mark_has_no_entries() -> None:
    read = read_record((b"8-3", {b"e": b"epoch"}))
    assert (read.id, read.epoch, read.entries) == ("8-3", "epoch", ())


@pytest.mark.parametrize("raw", [None, [], [b"1-0", None], [b"1-0"], [3, []]])
def test_what_is_no_record_is_an_error(raw: object) -> None:
    with pytest.raises(LogError):
        read_record(raw)


def test_a_request_carries_drafts_whole() -> None:
    assert read_request(request(DRAFTS, T0 + 7)) == (T0 + 7, DRAFTS)


def test_a_view_has_the_chain() -> None:
    parts = [b"e3", b"9", b"12", b"2", b"e1 4,e2 7,", b"5-1", b"6-1", b"mine"]
    view = read_view(parts)
    assert view.head is not None
    assert view.head.position.seq == 9
    assert view.head.chain == (EpochEnd(view.head.chain[0].epoch, 4), view.head.chain[1])
    assert [(end.epoch, end.last) for end in view.head.chain] == [("e1", 4), ("e2", 7)]
    assert (view.inbox, view.reply, view.whose) == ("5-1", "6-1", "mine")


def test_a_view_of_no_room_has_no_head() -> None:
    view = read_view([None, None, None, None, None, None, b"0-0", b"taken"])
    assert (view.head, view.whose) == (None, "taken")


def test_arguments_say_how_long_a_key_lasts() -> None:
    drafts = (draft(key="a", ttl_ms=5), draft(key="b", ttl_ms=None), draft(kind="pin"))
    assert [draft_arguments(one)[2:] for one in drafts] == [
        ("a", 5, ""), ("b", "lasting", ""), ("", "", "act"),
    ]  # fmt: skip


def test_results_come_in_threes() -> None:
    assert [(one.seq, one.repeated) for one in read_appended([4, T0, 0, 2, T0, 1])] == [
        (4, False), (2, True),
    ]  # fmt: skip
