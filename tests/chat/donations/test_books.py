"""What events do to the books: once each, in any order, and nothing that contradicts them."""

from __future__ import annotations

import random
from itertools import permutations

import pytest

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.donations.models import Donation
from chat.donations.provider_fake import Letter, payment_of
from tests.chat.donations.world import EUR, World, euros


def refund(world: World, donation: Donation, cents: int, ref: str = "re_1") -> Letter:
    return world.provider.tell_refund(ref, payment_of(donation.id), euros(cents))


def failure(world: World, donation: Donation, cents: int, ref: str = "re_1") -> Letter:
    payment = payment_of(donation.id)
    return world.provider.tell_refund(ref, payment, euros(cents), status="failed")


def dispute(world: World, donation: Donation, cents: int, *, won: bool = False) -> Letter:
    return world.provider.tell_dispute("dp_1", payment_of(donation.id), euros(cents), won=won)


async def test_a_payment_credits_the_channel_and_raises_one_alert(world: World) -> None:
    donation = await world.paid(euros(500), user="u1", name="Ann", message="go :fire:")
    assert await world.balance("channel:live") == {EUR: -500}
    assert await world.balance("provider:fake") == {EUR: 500}
    await world.drain()
    ((channel, draft),) = world.rooms.drafts.values()
    assert (channel, draft.kind, draft.key) == ("live", "alert", f"donation:{donation.id}")
    assert (draft.t_recv, draft.t_seen, draft.staff) == (world.now_ms, 1_000, False)
    assert world.rooms.bodies("alert") == [
        {
            "what": "donation",
            "donation": donation.id,
            "user": {"name": "Ann", "id": "u1"},
            "amount": 500,
            "currency": "EUR",
            "shown": "€5.00",
            "text": "go :fire:",
            "parts": [{"t": "text", "v": "go "}, {"t": "emote", "v": "fire"}],
        }
    ]


async def test_a_payment_told_by_two_events_is_one_payment(world: World) -> None:
    donation = await world.paid(euros(500))
    other = Letter("evt_other", world.payment(donation).body.replace(b"fake_evt_", b"other_"))
    assert await world.tell(other) == "repeated"
    assert await world.balance() == {EUR: -500}


@pytest.mark.parametrize("told", [euros(501), euros(499), Money(500, Currency("USD"))])
async def test_another_amount_or_currency_is_quarantined_without_an_alert(
    world: World, told: Money
) -> None:
    donation = await world.donate(euros(500))
    letter = world.provider.tell_payment(donation.id, told)
    assert await world.tell(letter) == "quarantined"
    await world.drain()
    assert world.rooms.drafts == {}
    assert await world.balance() == {}
    ((outcome, reason),) = (await world.events()).values()
    assert outcome == "quarantined"
    assert told.shown in reason
    assert await world.tell(world.payment(donation)) == "applied", "the right one still counts"


async def test_a_payment_for_nobody_is_quarantined(world: World) -> None:
    assert await world.tell(world.provider.tell_payment("don_x", euros(5))) == "quarantined"


async def test_an_order_that_is_paid_twice_is_quarantined(world: World) -> None:
    donation = await world.paid(euros(500))
    second = world.provider.tell_payment(donation.id, euros(500), payment="pi_second")
    assert await world.tell(second) == "quarantined"
    assert await world.balance() == {EUR: -500}


async def test_a_refund_takes_back_a_part(world: World) -> None:
    donation = await world.paid(euros(500))
    assert await world.tell(refund(world, donation, 200)) == "applied"
    assert await world.left(donation) == 300
    assert await world.balance() == {EUR: -300}
    assert await world.balance("provider:fake") == {EUR: 300}


async def test_refunds_above_the_rest_are_quarantined(world: World) -> None:
    donation = await world.paid(euros(500))
    assert await world.tell(refund(world, donation, 300, "re_1")) == "applied"
    assert await world.tell(refund(world, donation, 201, "re_2")) == "quarantined"
    assert await world.tell(refund(world, donation, 200, "re_3")) == "applied"
    assert await world.left(donation) == 0


async def test_a_refund_in_another_currency_is_quarantined(world: World) -> None:
    donation = await world.paid(euros(500))
    letter = world.provider.tell_refund("re_1", payment_of(donation.id), Money(1, Currency("USD")))
    assert await world.tell(letter) == "quarantined"


async def test_a_refund_that_failed_is_there_again_once(world: World) -> None:
    donation = await world.paid(euros(500))
    await world.tell(refund(world, donation, 200))
    assert await world.tell(failure(world, donation, 200)) == "applied"
    assert await world.tell(failure(world, donation, 200)) == "repeated"
    assert await world.left(donation) == 500


async def test_a_failure_of_another_amount_is_quarantined(world: World) -> None:
    donation = await world.paid(euros(500))
    await world.tell(refund(world, donation, 200))
    assert await world.tell(failure(world, donation, 199)) == "quarantined"
    assert await world.left(donation) == 300


async def test_a_dispute_takes_the_money_and_a_won_one_gives_it_again(world: World) -> None:
    donation = await world.paid(euros(500))
    assert await world.tell(dispute(world, donation, 500)) == "applied"
    assert await world.left(donation) == 0
    assert await world.tell(dispute(world, donation, 500, won=True)) == "applied"
    assert await world.left(donation) == 500


async def test_the_books_are_the_same_whatever_the_order(world: World) -> None:
    """Payment, refund, its failure, dispute, its end: in a third of all orders, some twice."""
    chance = random.Random(5)
    orders = chance.sample(list(permutations(range(5))), 40)
    for order in orders:
        donation = await world.donate(euros(500))
        letters = [
            world.payment(donation),
            world.provider.tell_refund(f"re_{donation.id}", payment_of(donation.id), euros(200)),
            world.provider.tell_refund(
                f"re_{donation.id}", payment_of(donation.id), euros(200), status="failed"
            ),
            world.provider.tell_dispute(f"dp_{donation.id}", payment_of(donation.id), euros(100)),
            world.provider.tell_dispute(
                f"dp_{donation.id}", payment_of(donation.id), euros(100), won=True
            ),
        ]
        for number in order:
            await world.tell(letters[number])
            if chance.random() < 0.5:
                assert await world.tell(letters[number]) == "repeated"
        assert await world.left(donation) == 500, order
    assert await world.balance() == {EUR: -500 * len(orders)}
    assert await world.faults() == []
    assert {outcome for outcome, _ in (await world.events()).values()} == {"applied"}
    await world.drain()
    assert len(world.rooms.drafts) == len(orders)


async def test_what_came_too_early_waits_and_is_judged_when_its_time_comes(world: World) -> None:
    donation = await world.donate(euros(500))
    assert await world.tell(refund(world, donation, 501)) == "waiting"
    assert await world.balance() == {}
    await world.tell(world.payment(donation))
    letter = refund(world, donation, 501)
    assert (await world.events())[letter.event][0] == "quarantined"
    assert await world.left(donation) == 500
