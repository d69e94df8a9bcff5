"""Goals: how far a channel has come, as the ledger says."""

from __future__ import annotations

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.donations.goals import Progress
from chat.donations.provider_fake import payment_of
from tests.chat.donations.world import World, euros


async def put(world: World, target: Money | None = None, *, restart: bool = False) -> Progress:
    target = target or euros(10_000)
    return await world.till.goals.put("live", "New mic", target, world.now_ms, restart=restart)


async def reached(world: World) -> int:
    found = await world.till.goals.get("live")
    assert found is not None
    return found.reached.amount


async def test_without_one_there_is_none_and_rooms_hear_nothing_of_it(world: World) -> None:
    assert await world.till.goals.get("live") is None
    await world.paid()
    await world.drain()
    assert world.rooms.bodies("goal") == []


async def test_a_new_goal_begins_at_nothing_and_is_told(world: World) -> None:
    await world.paid(euros(500))
    world.clock.advance(1)
    assert (await put(world)).reached == euros(0)
    await world.drain()
    assert world.rooms.bodies("goal") == [
        {"title": "New mic", "currency": "EUR", "target": 10_000, "reached": 0}
    ]


async def test_payments_bring_it_closer_and_refunds_take_that_back(world: World) -> None:
    await put(world)
    first = await world.paid(euros(500))
    await world.paid(euros(300))
    await world.paid(Money(900, Currency("USD")))
    await world.paid(euros(700), channel="other")
    assert await reached(world) == 800
    await world.tell(world.provider.tell_refund("re_1", payment_of(first.id), euros(100)))
    assert await reached(world) == 700
    await world.drain()
    assert world.rooms.bodies("goal")[-1]["reached"] == 700


async def test_a_refund_of_what_was_given_before_does_not_count(world: World) -> None:
    before = await world.paid(euros(500))
    world.clock.advance(1)
    await put(world)
    await world.paid(euros(300))
    await world.tell(world.provider.tell_refund("re_1", payment_of(before.id), euros(500)))
    assert await reached(world) == 300


async def test_many_payments_at_once_are_told_as_one(world: World) -> None:
    await put(world)
    for _ in range(5):
        await world.paid(euros(100))
    await world.drain()
    assert [body["reached"] for body in world.rooms.bodies("goal")] == [500]
    assert len(world.rooms.bodies("alert")) == 5


async def test_a_changed_goal_goes_on_counting_until_it_restarts(world: World) -> None:
    await put(world)
    await world.paid(euros(500))
    world.clock.advance(1)
    assert (await put(world, euros(20_000))).reached == euros(500)
    assert (await put(world, restart=True)).reached == euros(0)


async def test_another_currency_begins_anew(world: World) -> None:
    await put(world)
    await world.paid(euros(500))
    world.clock.advance(1)
    dollars = Money(5_000, Currency("USD"))
    changed = await put(world, dollars)
    assert (changed.target, changed.reached.amount) == (dollars, 0)
