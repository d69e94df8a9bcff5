"""Refunds that an admin asks for."""

from __future__ import annotations

import asyncio

import pytest

from chat.donations.amounts import Money
from chat.donations.provider import ProviderError
from chat.donations.provider_fake import FakeProvider
from chat.donations.till import Till
from sluice.database import Database
from sluice.errors import Problem
from tests.chat.donations.world import SECRET, World, euros


async def test_the_ledger_moves_when_the_provider_says_so(world: World) -> None:
    donation = await world.paid(euros(500))
    claim = await world.till.refunds.ask(donation.id, 200, "k1", world.now_ms)
    assert (claim.new, claim.money) == (True, euros(200))
    assert await world.left(donation) == 500
    assert (await world.till.refunds.get(claim.refund.id)).state == "asked"
    await world.till.hear_fake(world.provider)
    assert await world.left(donation) == 300
    assert (await world.till.refunds.get(claim.refund.id)).state == "done"


async def test_without_an_amount_all_that_is_left_goes_back(world: World) -> None:
    donation = await world.paid(euros(500))
    await world.till.refunds.ask(donation.id, 200, "k1", world.now_ms)
    claim = await world.till.refunds.ask(donation.id, None, "k2", world.now_ms)
    assert claim.money == euros(300)
    await world.till.hear_fake(world.provider)
    assert await world.left(donation) == 0


async def test_more_than_is_left_is_refused_also_while_others_are_on_their_way(
    world: World,
) -> None:
    donation = await world.paid(euros(500))
    await world.till.refunds.ask(donation.id, 300, "k1", world.now_ms)
    for amount in (201, 500, 0, -1):
        with pytest.raises(Problem) as refused:
            await world.till.refunds.ask(donation.id, amount, f"k{amount}", world.now_ms)
        assert refused.value.kind.code == "refund-refused"
    assert len(world.provider.take_letters()) == 1


async def test_the_same_key_asks_once_and_another_amount_is_refused(world: World) -> None:
    donation = await world.paid(euros(500))
    first = await world.till.refunds.ask(donation.id, 200, "k1", world.now_ms)
    again = await world.till.refunds.ask(donation.id, 200, "k1", world.now_ms)
    assert (again.refund.id, again.new) == (first.refund.id, False)
    assert len(world.provider.take_letters()) == 1
    with pytest.raises(Problem) as refused:
        await world.till.refunds.ask(donation.id, 100, "k1", world.now_ms)
    assert refused.value.kind.code == "key-reused"


async def test_many_at_once_do_not_give_back_more_than_there_is(world: World) -> None:
    donation = await world.paid(euros(500))
    asked = await asyncio.gather(
        *(world.till.refunds.ask(donation.id, 200, f"k{n}", world.now_ms) for n in range(6)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Problem) for one in asked) == 4
    await world.till.hear_fake(world.provider)
    assert await world.left(donation) == 100


async def test_what_is_not_paid_or_not_there_cannot_go_back(world: World) -> None:
    donation = await world.donate()
    with pytest.raises(Problem, match="not paid"):
        await world.till.refunds.ask(donation.id, None, "k1", world.now_ms)
    with pytest.raises(Problem, match="no such"):
        await world.till.refunds.ask("don_x", None, "k1", world.now_ms)


async def test_a_refund_that_failed_can_be_asked_for_again(world: World) -> None:
    donation = await world.paid(euros(500))
    claim = await world.till.refunds.ask(donation.id, 500, "k1", world.now_ms)
    await world.till.hear_fake(world.provider)
    ref = (await world.till.refunds.get(claim.refund.id)).provider_ref
    assert ref is not None
    letter = world.provider.tell_refund(
        ref, f"fake_pi_{donation.id}", euros(500), status="failed", key=claim.refund.id
    )
    assert await world.tell(letter) == "applied"
    assert (await world.till.refunds.get(claim.refund.id)).state == "failed"
    again = await world.till.refunds.ask(donation.id, 500, "k2", world.now_ms)
    assert again.money == euros(500)


class Failing(FakeProvider):
    """Fails to refund, for good or for now."""

    def __init__(self) -> None:
        super().__init__(SECRET)
        self.error: ProviderError | None = None

    async def refund(self, payment: str, money: Money, key: str) -> str:
        if self.error is not None:
            raise self.error
        return await super().refund(payment, money, key)


async def test_an_unclear_answer_keeps_the_amount_reserved_and_a_refusal_frees_it(
    database: Database,
) -> None:
    world = World(database)
    world.provider = provider = Failing()
    world.till = Till(
        database, provider, world.rooms, world.till.wording, world.clock, world.counts
    )
    donation = await world.paid(euros(500))
    provider.error = ProviderError("no answer", refused=False)
    with pytest.raises(Problem) as unclear:
        await world.till.refunds.ask(donation.id, 400, "k1", world.now_ms)
    assert unclear.value.kind.code == "provider-unreachable"
    provider.error = ProviderError("never", refused=True)
    with pytest.raises(Problem) as refused:
        await world.till.refunds.ask(donation.id, 200, "k2", world.now_ms)
    assert refused.value.kind.code == "refund-refused", "400 of 500 may be on their way"
    with pytest.raises(Problem) as refused:
        await world.till.refunds.ask(donation.id, 100, "k3", world.now_ms)
    assert refused.value.kind.code == "payment-refused"
    provider.error = None
    assert (await world.till.refunds.ask(donation.id, 400, "k1", world.now_ms)).new is False
    assert (await world.till.refunds.ask(donation.id, 100, "k4", world.now_ms)).new is True
    await world.till.hear_fake(provider)
    assert await world.left(donation) == 0
