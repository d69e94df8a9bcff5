"""Webhooks: what is believed, what is kept, and what makes the provider come again."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from chat.donations import migrations
from chat.donations.signature import HEADER
from sluice.database import Database, DatabaseDown, sqlite_url
from sluice.errors import Problem
from tests.chat.donations.world import EUR, World, euros


async def test_a_duplicate_changes_nothing(world: World) -> None:
    donation = await world.donate()
    letter = world.payment(donation)
    outcomes = [await world.tell(letter) for _ in range(3)]
    assert outcomes == ["applied", "repeated", "repeated"]
    assert await world.balance() == {EUR: -500}
    await world.drain()
    assert len(world.rooms.drafts) == 1
    assert world.counts.webhooks == {"applied": 1, "repeated": 2}


async def test_duplicates_at_once_are_one(world: World) -> None:
    letter = world.payment(await world.donate())
    outcomes = await asyncio.gather(*(world.tell(letter) for _ in range(8)))
    assert sorted(outcomes) == ["applied", *["repeated"] * 7]
    assert await world.balance() == {EUR: -500}


async def test_a_refund_and_its_payment_at_once_do_not_miss_each_other(world: World) -> None:
    for _ in range(10):
        donation = await world.donate(euros(500))
        refund = world.provider.tell_refund(
            f"re_{donation.id}", f"fake_pi_{donation.id}", euros(500)
        )
        await asyncio.gather(world.tell(refund), world.tell(world.payment(donation)))
        assert await world.left(donation) == 0
    assert await world.balance() == {EUR: 0}


@pytest.mark.parametrize("what", ["missing", "bad", "old", "other body"])
async def test_without_a_good_signature_nothing_is_written(world: World, what: str) -> None:
    letter = world.payment(await world.donate())
    headers = world.provider.sign(letter, world.now_ms)
    body = letter.body
    match what:
        case "missing":
            headers = {}
        case "bad":
            headers[HEADER] = headers[HEADER][:-4] + "0000"
        case "old":
            world.clock.advance(301_000)
        case "other body":
            body += b" "
    with pytest.raises(Problem) as refused:
        await world.till.webhooks.take(body, headers, world.now_ms)
    assert (refused.value.kind.code, refused.value.kind.status) == ("signature-invalid", 400)
    assert await world.events() == {}
    assert await world.balance() == {}
    assert world.counts.webhooks == {"refused": 1}


async def test_what_is_signed_and_makes_no_sense_is_told_as_such(world: World) -> None:
    from chat.donations.provider_fake import Letter

    with pytest.raises(Problem) as refused:
        await world.tell(Letter("x", b'{"id":"evt_1"}'))
    assert refused.value.kind.status == 400
    assert await world.events() == {}
    assert world.counts.webhooks == {"malformed": 1}


async def test_every_event_is_kept_with_its_body(world: World) -> None:
    donation = await world.paid()
    letter = world.payment(donation)
    assert await world.events() == {letter.event: ("applied", "")}


async def test_while_the_database_is_down_nothing_is_acknowledged(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "m.db"), migrations.FOLDER, busy_s=0.01)
    await database.open()
    world = World(database)
    letter = world.payment(await world.donate())
    other = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseDown):
        await world.tell(letter)
    other.execute("ROLLBACK")
    other.close()
    assert await world.tell(letter) == "applied"
    await database.close()
