"""Two audiences, one order; and what a takeover means for those who are somewhere in it."""

from __future__ import annotations

import json
from typing import Any

from chat.counts import Counts
from chat.entry import Epoch, Position
from chat.feed import Feed
from chat.frame import Frame
from chat.protocol import Retract
from chat.ring import Ring
from tests.chat.entries import EPOCH, entry, head


def feed(seq: int = 0) -> Feed:
    return Feed(head(seq), Ring(100_000, 5_000), Counts())


def read(frame: Frame) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in frame.payloads]


def test_everybody_gets_the_same_object_where_nothing_is_for_staff() -> None:
    made = feed()
    made.publish([entry(1), entry(2)], (), 0)
    slot = made.ring.get(0)
    assert slot is not None
    assert slot.public is slot.staff
    assert made.sent == 2


def test_what_is_for_staff_is_missing_for_others_and_its_number_is_covered() -> None:
    made = feed(4)
    made.publish([entry(5), entry(6, staff=True)], (), 0)
    slot = made.ring.get(0)
    assert slot is not None
    (public,), (staff,) = read(slot.public), read(slot.staff)
    assert [one["seq"] for one in public["items"]] == [5]
    assert [one["seq"] for one in staff["items"]] == [5, 6]
    assert (public["first"], public["last"]) == (staff["first"], staff["last"]) == (5, 6)


def test_a_sample_is_the_publics_alone() -> None:
    made = feed()
    made.publish([entry(1), entry(2), entry(3)], {2}, 0)
    slot = made.ring.get(0)
    assert slot is not None
    (public,), (staff,) = read(slot.public), read(slot.staff)
    assert (len(public["items"]), public["of"]) == (2, 3)
    assert (len(staff["items"]), "of" in staff) == (3, False)


def test_a_takeover_that_counts_everything_takes_nothing_back() -> None:
    made = feed(7)
    assert made.take_over(head(7, epoch="e2", chain=(("e1", 7),)), 0) is None
    assert (made.epoch, made.sent) == ("e2", 7)


def test_a_takeover_that_lost_the_end_tells_everybody_in_their_order() -> None:
    made = feed(7)
    retract = made.take_over(head(5, epoch="e2", chain=(("e1", 5),)), 0)
    assert retract == Retract("e1", 6, "e2")
    made.publish([entry(6, epoch=Epoch("e2"))], (), 0)
    first, second = made.ring.get(0), made.ring.get(1)
    assert first is not None
    assert second is not None
    assert read(first.public) == [{"op": "retract", "epoch": "e1", "from": 6, "now_epoch": "e2"}]
    assert read(second.public)[0]["epoch"] == "e2"


def test_who_lost_its_place_is_told_the_gap() -> None:
    made = feed(7)
    assert read(made.skip_from(Position(EPOCH, 3))) == [{"op": "gap", "from": 4, "to": 7}]
    assert read(made.skip_from(Position(EPOCH, 7))) == []


def test_who_lost_its_place_over_a_takeover_takes_back_first() -> None:
    made = feed(7)
    made.take_over(head(5, epoch="e2", chain=(("e1", 5),)), 0)
    made.publish([entry(6), entry(7)], (), 0)
    told = read(made.skip_from(Position(EPOCH, 7)))
    assert told == [
        {"op": "retract", "epoch": "e1", "from": 6, "now_epoch": "e2"},
        {"op": "gap", "from": 6, "to": 7},
    ]
