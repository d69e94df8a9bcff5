"""Who gave most."""

from __future__ import annotations

from typing import Any

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.donations.provider_fake import payment_of
from tests.chat.donations.world import World, euros


async def top(world: World, since_ms: int = 0, limit: int = 10) -> list[tuple[str, str, int]]:
    donors = await world.till.leaderboard.top("live", since_ms, limit)
    return [(one.name, one.given.currency, one.given.amount) for one in donors]


async def give(world: World, cents: int, **rest: Any) -> str:
    world.clock.advance(1)
    return (await world.paid(euros(cents), **rest)).id


async def test_who_gave_more_stands_higher_and_sums_are_added(world: World) -> None:
    await give(world, 500, user="u1", name="Ann")
    await give(world, 700, user="u2", name="Bob")
    await give(world, 300, user="u1", name="Ann")
    assert await top(world) == [("Ann", "EUR", 800), ("Bob", "EUR", 700)]
    (first, *_) = await world.till.leaderboard.top("live", 0, 1)
    assert (first.user_id, first.donations) == ("u1", 2)


async def test_of_equals_the_earlier_stands_higher(world: World) -> None:
    await give(world, 500, user="u9", name="Zoe")
    await give(world, 500, user="u1", name="Ann")
    assert [name for name, _, _ in await top(world)] == ["Zoe", "Ann"]


async def test_refunds_are_taken_off_and_who_has_all_back_is_gone(world: World) -> None:
    ann = await give(world, 500, user="u1", name="Ann")
    bob = await give(world, 400, user="u2", name="Bob")
    await world.tell(world.provider.tell_refund("re_1", payment_of(ann), euros(200)))
    assert await top(world) == [("Bob", "EUR", 400), ("Ann", "EUR", 300)]
    await world.tell(world.provider.tell_refund("re_2", payment_of(bob), euros(400)))
    assert await top(world) == [("Ann", "EUR", 300)]


async def test_a_typed_name_adds_nothing_to_a_user_of_that_name(world: World) -> None:
    await give(world, 500, user="u1", name="Ann")
    await give(world, 300, name="Ann")
    await give(world, 300, name="Ann")
    assert await top(world) == [("Ann", "EUR", 600), ("Ann", "EUR", 500)]


async def test_who_gave_no_name_and_who_did_not_pay_are_not_on_it(world: World) -> None:
    await give(world, 500, name="")
    await world.donate(euros(900), user="u1")
    assert await top(world) == []


async def test_each_currency_has_its_own_board(world: World) -> None:
    await give(world, 500, user="u1", name="Ann")
    await world.paid(Money(90_000, Currency("JPY")), user="u2", name="Bob")
    await world.paid(Money(80_000, Currency("JPY")), user="u3", name="Cem")
    assert await top(world, limit=1) == [("Ann", "EUR", 500), ("Bob", "JPY", 90_000)]


async def test_it_can_begin_at_a_moment(world: World) -> None:
    await give(world, 500, user="u1", name="Ann")
    moment_ms = world.now_ms + 1
    await give(world, 100, user="u1", name="Ann")
    assert await top(world, since_ms=moment_ms) == [("Ann", "EUR", 100)]
    assert await world.till.leaderboard.top("other", 0, 10) == []
