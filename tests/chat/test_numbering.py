"""Numbers, times and keys of drafts; no log in sight."""

from __future__ import annotations

from chat.entry import Epoch
from chat.numbering import Known, number
from tests.chat.log_conformance import T0, draft

EPOCH = Epoch("e")


def nothing(key: str) -> None:
    """No key is known."""


def test_numbers_go_on_from_the_last() -> None:
    numbered = number([draft("a"), draft("b")], EPOCH, 7, T0 + 5, nothing)
    assert [(entry.seq, entry.t_show) for entry in numbered.entries] == [(8, T0 + 5), (9, T0 + 5)]


def test_what_is_repeated_takes_no_number_and_no_time() -> None:
    known: dict[str, Known] = {"kim:1": Known(3, T0, None)}
    drafts = [draft(t_recv=T0 + 99, key="kim:1"), draft(t_recv=T0 + 9)]
    numbered = number(drafts, EPOCH, 7, T0, lambda key: known.get(key))
    assert [(one.seq, one.t_show, one.repeated) for one in numbered.appended] == [
        (3, T0, True), (8, T0 + 9, False),
    ]  # fmt: skip
    assert numbered.keys == {}


def test_a_key_lasts_from_the_time_that_its_entry_is_shown() -> None:
    numbered = number([draft(key="kim:1", ttl_ms=10)], EPOCH, 0, T0 + 50, nothing)
    assert numbered.keys == {"kim:1": Known(1, T0 + 50, T0 + 60)}
    assert numbered.keys["kim:1"].holds(T0 + 59)
    assert not numbered.keys["kim:1"].holds(T0 + 60)


def test_a_key_without_an_end_holds_for_ever() -> None:
    assert Known(1, T0, None).holds(2**60)
