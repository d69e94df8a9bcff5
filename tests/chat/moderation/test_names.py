"""Whose name is whose."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chat.moderation.names import KEPT_MS, Names
from chat.moderation.skeleton import skeletons
from chat.people import UserId

ANA, BEN, GUEST, OTHER = (UserId(id) for id in ("ana", "ben", "guest:1", "guest:2"))


def test_a_name_that_is_free_is_given_as_it_is_but_clean() -> None:
    assert Names().admit(ANA, " Ana\u202e  Maria ", 0) == "Ana Maria"


def test_a_name_of_nothing_is_the_users_id() -> None:
    assert Names().admit(ANA, "\u200b", 0) == "ana"
    assert Names().admit(ANA, "x" * 33, 0) == "ana"


def test_the_same_user_gets_the_same_name_again() -> None:
    names = Names()
    assert [names.admit(ANA, "Ana", 0) for _ in range(3)] == ["Ana"] * 3
    assert names.admit(BEN, "Ana", 0) == names.admit(BEN, "Ana", 0) == "Ana-2"


def test_a_name_that_looks_like_anothers_gets_a_number() -> None:
    names = Names()
    names.admit(ANA, "PayPal", 0)
    assert names.admit(BEN, "P\u0430yPaI", 0) == "P\u0430yPaI-2"
    assert names.admit(UserId("c"), "pay pal", 0) == "pay pal-3"
    assert names.admit(UserId("d"), "PAYPAL", 0) == "PAYPAL-4"


def test_a_guest_gets_no_name_that_is_anothers() -> None:
    names = Names()
    names.admit(ANA, "Ana", 0)
    assert names.admit(GUEST, "\u0410na", 0) is None
    assert names.admit(GUEST, "Zoe", 0) == "Zoe"
    assert names.admit(OTHER, "ZOE", 0) is None


def test_a_guest_loses_its_name_to_somebody_who_is_called_so() -> None:
    names = Names()
    names.admit(GUEST, "Ana", 0)
    assert names.admit(ANA, "Ana", 0) == "Ana"
    assert not names.holds(GUEST, "Ana")
    assert names.holds(ANA, "Ana")


def test_staff_take_their_name_from_whoever_came_first() -> None:
    names = Names()
    names.admit(ANA, "Olga", 0)
    assert names.admit(BEN, "Olga", 0, staff=True) == "Olga"
    assert names.admit(ANA, "Olga", 0) == "Olga-2"
    assert names.admit(UserId("mia"), "Olga", 0, staff=True) == "Olga-3"


def test_a_name_is_free_again_a_day_after_its_holder_left() -> None:
    names = Names()
    names.admit(GUEST, "Zoe", 0)
    assert names.admit(OTHER, "Zoe", KEPT_MS) is None
    assert names.admit(OTHER, "Zoe", KEPT_MS + 1) == "Zoe"
    assert not names.holds(GUEST, "Zoe")


def test_who_speaks_keeps_the_name() -> None:
    names = Names()
    names.admit(GUEST, "Zoe", 0)
    names.seen(GUEST, "Zoe", KEPT_MS)
    assert names.admit(OTHER, "Zoe", KEPT_MS + 1) is None


def test_who_spoke_on_another_node_is_known_and_called() -> None:
    names = Names()
    names.seen(ANA, "Ana Maria", 0)
    assert names.called("@anamaria"[1:]) == (ANA, "Ana Maria")
    assert names.called("nobody") is None
    assert names.name_of(ANA) == "Ana Maria"
    assert names.name_of(BEN) == "ben"
    names.seen(BEN, "ana maria", 0)
    assert names.called("anamaria") == (ANA, "Ana Maria")


def test_a_user_with_a_new_name_leaves_the_old_one() -> None:
    names = Names()
    names.admit(ANA, "Ana", 0)
    names.admit(ANA, "Zoe", 0)
    assert names.admit(BEN, "Ana", 0) == "Ana"
    assert names.called("zoe") == (ANA, "Zoe")


def test_a_crowd_does_not_grow_the_table() -> None:
    names = Names(size=3)
    for number in range(100):
        names.admit(UserId(f"u{number}"), f"name{number}x", 0)
    assert names.called("name99x") is not None
    assert names.called("name96x") is None


def test_a_hundred_of_one_name_still_come_in() -> None:
    names = Names()
    given = [names.admit(UserId(f"user:{number}"), "Ana", 0) for number in range(120)]
    assert len(set(given)) == 120


ALIKE = st.text(st.sampled_from("a\u0430\u03b1lI1iBb \u0301\u200b"), max_size=4)


@given(st.lists(st.tuples(st.integers(0, 9), ALIKE), max_size=30))
def test_no_two_people_who_are_there_look_alike(comings: list[tuple[int, str]]) -> None:
    names, here = Names(), dict[int, str]()
    for number, asked in comings:
        user = UserId(f"guest:{number}" if number > 4 else f"Z{number}")
        name = names.admit(user, asked, 0)
        if name is not None:
            here[number] = name
    # Only guests can lose a name to others; they are told when they speak.
    firm = [name for number, name in here.items() if number <= 4]
    for at, one in enumerate(firm):
        for other in firm[at + 1 :]:
            assert set(skeletons(one)).isdisjoint(skeletons(other))
