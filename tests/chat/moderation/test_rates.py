"""How often somebody may say something."""

from __future__ import annotations

from chat.moderation.rates import Rate, Rates, RateSettings


def test_people_say_twenty_messages_in_half_a_minute() -> None:
    rates = Rates(RateSettings())
    assert [rates.message("ana", False, 0) for _ in range(20)] == [0] * 20
    assert rates.message("ana", False, 0) == 2_000
    assert rates.message("ben", False, 0) == 0
    assert sum(rates.message("ana", False, ms) == 0 for ms in range(0, 30_001, 500)) == 20


def test_staff_say_more() -> None:
    rates = Rates(RateSettings())
    assert [rates.message("mia", True, 0) for _ in range(50)] == [0] * 50


def test_a_connection_and_a_network_are_counted_for_every_frame() -> None:
    rates = Rates(RateSettings(connection=Rate(1, 2), network=Rate(1, 3)))
    assert [rates.frame("c1", "n", 0) for _ in range(3)] == [0, 0, 1_000]
    assert [rates.frame("c2", "n", 0) for _ in range(2)] == [0, 1_000]
    assert rates.frame("c3", "elsewhere", 0) == 0


def test_a_room_that_is_full_takes_nothing_from_people() -> None:
    rates = Rates(RateSettings(person=Rate(0.1, 1), room=Rate(1, 1)))
    assert rates.message("ana", False, 0) == 0
    assert rates.message("ben", False, 0) == 1_000
    assert rates.message("mia", True, 0) == 0
    assert rates.message("ben", False, 1_000) == 0
