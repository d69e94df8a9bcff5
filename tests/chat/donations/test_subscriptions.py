"""Monthly support and the rights that it gives."""

from __future__ import annotations

import pytest

from chat.donations.subscriptions import GRACE_MS, until
from sluice.errors import Problem
from tests.chat.donations.world import EUR, World, euros

MONTH_MS = 30 * 86_400_000


async def renew(world: World, order: str, month: int, until_ms: int) -> str:
    letter = world.provider.tell_renewal(order, month, euros(499), until_ms)
    return await world.tell(letter)


async def lapses(world: World, order: str) -> int:
    found = await world.till.subscriptions.get(order)
    assert found is not None
    return until(found)


async def test_a_paid_month_gives_the_rights_and_is_told(world: World) -> None:
    order = await world.subscribe("u1")
    assert await lapses(world, order.id) == 0
    end_ms = world.now_ms + MONTH_MS
    assert await renew(world, order.id, 1, end_ms) == "applied"
    assert await lapses(world, order.id) == end_ms + GRACE_MS
    assert await world.balance() == {EUR: -499}
    await world.drain()
    (alert,) = world.rooms.bodies("alert")
    assert (alert["what"], alert["months"], alert["user"]) == (
        "subscription", 1, {"id": "u1", "name": "U1"}
    )  # fmt: skip
    assert world.rooms.bodies("subscription") == [{"user": "u1", "until": end_ms + GRACE_MS}]


async def test_months_add_up_in_any_order(world: World) -> None:
    order = await world.subscribe("u1")
    ends = [world.now_ms + number * MONTH_MS for number in (1, 2, 3)]
    for month in (2, 1, 3, 2):
        await renew(world, order.id, month, ends[month - 1])
    found = await world.till.subscriptions.get(order.id)
    assert found is not None
    assert (found.months, until(found)) == (3, ends[2] + GRACE_MS)
    await world.drain()
    assert [alert["months"] for alert in world.rooms.bodies("alert")] == [1, 2, 3]
    assert world.rooms.bodies("subscription")[-1]["until"] == ends[2] + GRACE_MS


async def test_an_ended_subscription_ends_its_rights_then(world: World) -> None:
    order = await world.subscribe("u1")
    await renew(world, order.id, 1, world.now_ms + MONTH_MS)
    end = world.provider.tell_end(order.id, world.now_ms + 1_000)
    assert await world.tell(end) == "applied"
    assert await world.tell(end) == "repeated"
    at_ms = (world.now_ms + 1_000) // 1_000 * 1_000
    assert await lapses(world, order.id) == at_ms
    await world.drain()
    assert world.rooms.bodies("subscription")[-1] == {"user": "u1", "until": at_ms}


async def test_the_end_may_be_told_before_the_last_payment(world: World) -> None:
    order = await world.subscribe("u1")
    await world.tell(world.provider.tell_end(order.id, world.now_ms + 5_000))
    assert await lapses(world, order.id) == 0, "nothing was paid"
    await renew(world, order.id, 1, world.now_ms + MONTH_MS)
    assert await lapses(world, order.id) <= world.now_ms + 5_000


async def test_another_amount_is_quarantined(world: World) -> None:
    order = await world.subscribe("u1")
    letter = world.provider.tell_renewal(order.id, 1, euros(1), world.now_ms + MONTH_MS)
    assert await world.tell(letter) == "quarantined"
    assert await lapses(world, order.id) == 0


async def test_nobody_subscribes_twice_at_a_time(world: World) -> None:
    order = await world.subscribe("u1")
    await renew(world, order.id, 1, world.now_ms + MONTH_MS)
    with pytest.raises(Problem) as refused:
        await world.subscribe("u1")
    assert refused.value.kind.code == "subscribed-already"
    assert (await world.subscribe("u2")).id != order.id
    world.clock.advance(MONTH_MS + GRACE_MS)
    assert (await world.subscribe("u1")).id != order.id


async def test_the_rights_are_those_of_the_subscription_that_lasts_longest(world: World) -> None:
    first = await world.subscribe("u1")
    second = await world.subscribe("u1")
    await renew(world, second.id, 1, world.now_ms + 2 * MONTH_MS)
    await renew(world, first.id, 1, world.now_ms + MONTH_MS)
    await world.drain()
    longest = (world.now_ms + 2 * MONTH_MS) // 1_000 * 1_000 + GRACE_MS
    assert {body["until"] for body in world.rooms.bodies("subscription")} == {longest}


async def test_the_same_wish_under_one_key_is_one_subscription(world: World) -> None:
    first = await world.subscribe("u1", key="k")
    assert (await world.subscribe("u1", key="k")).id == first.id
    with pytest.raises(Problem) as refused:
        await world.subscribe("u2", key="k")
    assert refused.value.kind.code == "key-reused"


async def test_a_month_that_is_refunded_is_in_the_books(world: World) -> None:
    order = await world.subscribe("u1")
    await renew(world, order.id, 1, world.now_ms + MONTH_MS)
    letter = world.provider.tell_refund("re_1", f"fake_pi_{order.id}_1", euros(499))
    assert await world.tell(letter) == "applied"
    assert await world.balance() == {EUR: 0}
    assert await world.faults() == []
