"""The bad way between provider and us: nothing is lost for good, whatever happens to it."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from chat.donations.fake_delivery import RETRY_MS, FakeDelivery, Weather
from chat.donations.provider_fake import Letter


def letters(count: int) -> list[Letter]:
    return [Letter(f"evt_{number}", b"{}") for number in range(count)]


def test_in_good_weather_each_letter_comes_once() -> None:
    delivery = FakeDelivery(random.Random(1), Weather())
    for letter in letters(3):
        delivery.post(letter, 0)
    assert sorted(one.event for one in delivery.due(0)) == ["evt_0", "evt_1", "evt_2"]
    assert delivery.due(10_000_000) == []


def test_letters_are_doubled_reordered_and_delayed() -> None:
    delivery = FakeDelivery(random.Random(1), Weather(duplicate=1.0, delay_ms=100))
    sent = letters(20)
    for letter in sent:
        delivery.post(letter, 0)
    early = [one.event for one in delivery.due(50)]
    late = [one.event for one in delivery.due(100)]
    assert early
    assert late
    assert sorted(early + late) == sorted(letter.event for letter in sent for _ in range(2))
    assert early != sorted(early)


def test_a_lost_letter_is_sent_again_until_it_is_heard() -> None:
    delivery = FakeDelivery(random.Random(3), Weather(lose=0.9))
    (letter,) = letters(1)
    delivery.post(letter, 0)
    now_ms, arrived = 0, list(delivery.due(0))
    while not arrived:
        assert delivery.next_ms == now_ms + RETRY_MS
        now_ms = delivery.next_ms
        arrived = list(delivery.due(now_ms))
    delivery.heard(letter)
    assert delivery.unheard == 0
    assert delivery.next_ms is None


def test_what_was_not_answered_comes_again_and_what_was_heard_does_not() -> None:
    delivery = FakeDelivery(random.Random(1), Weather())
    (letter,) = letters(1)
    delivery.post(letter, 0)
    assert delivery.due(0) == [letter]
    delivery.unanswered(letter, 0)
    assert delivery.due(RETRY_MS) == [letter]
    delivery.heard(letter)
    delivery.unanswered(letter, RETRY_MS)
    assert delivery.next_ms is None


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 0.8), st.integers(0, 5_000))
def test_every_letter_arrives_in_the_end(
    seed: int, duplicate: float, lose: float, delay_ms: int
) -> None:
    delivery = FakeDelivery(random.Random(seed), Weather(duplicate, lose, delay_ms))
    sent = letters(10)
    for letter in sent:
        delivery.post(letter, 0)
    arrived: set[str] = set()
    while (now_ms := delivery.next_ms) is not None:
        for letter in delivery.due(now_ms):
            arrived.add(letter.event)
            delivery.heard(letter)
    assert arrived == {letter.event for letter in sent}
    assert delivery.unheard == 0
