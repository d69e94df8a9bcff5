"""Donations before they are paid."""

from __future__ import annotations

import asyncio

import pytest

from chat.donations.provider import Checkout, Order, ProviderError
from chat.donations.provider_fake import FakeProvider
from chat.donations.till import Till
from sluice.database import Database
from sluice.errors import Problem
from tests.chat.donations.world import SECRET, World, euros


async def test_an_intent_is_ours_and_credits_nothing(world: World) -> None:
    donation = await world.donate(euros(500))
    assert donation.checkout_url == f"/fake-pay/{donation.id}"
    assert await world.left(donation) == 0
    assert await world.balance() == {}
    await world.drain()
    assert world.rooms.drafts == {}


async def test_the_same_wish_under_one_key_is_one_donation(world: World) -> None:
    first = await world.donate(key="k1")
    again = await world.donate(key="k1")
    assert again.id == first.id
    assert (await world.donate(key="k2")).id != first.id
    assert (await world.donate()).id != (await world.donate()).id


async def test_another_wish_under_a_used_key_is_refused(world: World) -> None:
    await world.donate(euros(500), key="k1")
    with pytest.raises(Problem) as refused:
        await world.donate(euros(501), key="k1")
    assert (refused.value.kind.code, refused.value.kind.status) == ("key-reused", 409)
    with pytest.raises(Problem):
        await world.donate(euros(500), key="k1", message="other words")


async def test_a_key_belongs_to_its_channel(world: World) -> None:
    first = await world.donate(euros(500), key="k1", channel="a")
    other = await world.donate(euros(900), key="k1", channel="b")
    assert first.id != other.id


async def test_a_key_that_comes_many_times_at_once_makes_one_donation(world: World) -> None:
    made = await asyncio.gather(*(world.donate(key="k1") for _ in range(8)))
    assert len({donation.id for donation in made}) == 1


class Failing(FakeProvider):
    """Does not answer at first."""

    def __init__(self, *, refused: bool) -> None:
        super().__init__(SECRET)
        self.error: ProviderError | None = ProviderError("no", refused=refused)
        self.orders: list[str] = []

    async def check_out(self, order: Order) -> Checkout:
        self.orders.append(order.id)
        if self.error is not None:
            raise self.error
        return await super().check_out(order)


@pytest.mark.parametrize(("refused", "code"), [(True, "payment-refused"),
                                               (False, "provider-unreachable")])  # fmt: skip
async def test_a_provider_that_fails_is_asked_again_for_the_same_order(
    database: Database, refused: bool, code: str
) -> None:
    world = World(database)
    provider = Failing(refused=refused)
    world.till = Till(
        database, provider, world.rooms, world.till.wording, world.clock, world.counts
    )
    with pytest.raises(Problem) as failed:
        await world.donate(key="k1")
    assert failed.value.kind.code == code
    provider.error = None
    donation = await world.donate(key="k1")
    assert donation.checkout_url is not None
    assert provider.orders == [donation.id, donation.id]


async def test_an_unknown_donation_is_none(world: World) -> None:
    assert await world.till.intents.get("don_x") is None
