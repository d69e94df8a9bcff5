"""Which numbers count, across takeovers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chat.entry import Entry, Epoch, EpochEnd, Position
from chat.lineage import Lineage, new_epoch
from chat.log import Head


def epoch(name: str) -> Epoch:
    return Epoch(name)


def line(*ends: tuple[str, int], now: str) -> Lineage:
    return Lineage(tuple(EpochEnd(epoch(name), last) for name, last in ends), epoch(now))


def entry(name: str, seq: int) -> Entry:
    return Entry(epoch(name), seq, 0, None, 0, "message", b"{}", None, False)


LINE = line(("a", 5), ("b", 5), ("c", 9), now="d")


def test_the_present_epoch_counts_whatever_was_read() -> None:
    assert LINE.valid(Position(epoch("d"), 12)) == 12


def test_an_ended_epoch_counts_up_to_its_end() -> None:
    read = [("a", 3), ("a", 5), ("a", 8), ("b", 7), ("c", 9), ("c", 10)]
    assert [LINE.valid(Position(epoch(name), seq)) for name, seq in read] == [3, 5, 5, 5, 9, 9]


def test_of_an_unknown_epoch_nothing_is_known() -> None:
    assert LINE.valid(Position(epoch("x"), 1)) is None


def test_an_entry_belongs_where_its_epoch_reigned() -> None:
    inside = [("a", 1), ("a", 5), ("c", 6), ("c", 9), ("d", 10)]
    outside = [("a", 6), ("b", 5), ("b", 6), ("c", 5), ("c", 10), ("d", 9), ("x", 1)]
    assert all(LINE.holds(entry(*one)) for one in inside)
    assert not any(LINE.holds(entry(*one)) for one in outside)


def test_two_views_share_what_both_know() -> None:
    assert LINE.shared(12, line(("a", 5), ("b", 5), ("c", 9), ("d", 11), now="e")) == 11
    assert LINE.shared(12, line(("a", 5), ("b", 5), now="x")) == 5
    assert LINE.shared(12, line(("a", 3), now="x")) == 3
    assert LINE.shared(12, line(("c", 7), now="x")) == 7
    assert LINE.shared(12, line(now="x")) == 0
    assert LINE.shared(4, line(("a", 5), ("b", 5), ("c", 8), now="x")) == 4


def test_no_two_epochs_have_one_name() -> None:
    assert len({new_epoch() for _ in range(1_000)}) == 1_000


def test_it_is_made_of_a_head() -> None:
    head = Head(Position(epoch("d"), 12), 0, 1, (EpochEnd(epoch("c"), 9),))
    assert Lineage.of(head) == line(("c", 9), now="d")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=8), st.data())
def test_after_any_takeovers_the_views_agree_on_what_both_have(
    reigns: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Each reign appends, then a promotion takes some back and the next begins; who looked at any
    moment must learn exactly how much of it is left at the end."""
    text: list[str] = []
    chain: tuple[EpochEnd, ...] = ()
    seen: list[tuple[Lineage, list[str]]] = []
    for number, (grown, taken) in enumerate(reigns):
        text += [f"{number}:{n}" for n in range(grown)]
        seen.append((Lineage(chain, epoch(str(number))), list(text)))
        begun = chain[-1].last if chain else 0
        text = text[: max(begun, len(text) - taken)]
        chain = (*chain, EpochEnd(epoch(str(number)), len(text)))
    final = Lineage(chain, epoch("now"))
    for view, read in seen:
        shared = view.shared(len(read), final)
        assert read[:shared] == text[:shared]
        assert len(read) == shared or len(text) <= shared or read[shared] != text[shared]
