"""Double entry, and what the database itself refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations import ledger
from chat.donations.currencies import Currency
from chat.donations.models import LedgerEntry, Transaction
from sluice.database import Database, DatabaseDown
from tests.chat.donations.world import EUR, World, euros


def payment(key: str = "p1", cents: int = 500) -> ledger.Movement:
    return ledger.Movement(key, "payment", "don_1", "provider:x", "channel:y", euros(cents), 1)


async def test_a_movement_takes_from_one_account_what_it_gives_to_another(
    database: Database,
) -> None:
    await database.write(lambda session: ledger.post(session, payment()))
    async with database.reading() as session:
        assert await ledger.balances(session, "provider:x") == {EUR: 500}
        assert await ledger.balances(session, "channel:y") == {EUR: -500}
        assert await ledger.faults(session) == []


async def test_a_movement_happens_once(database: Database) -> None:
    await database.write(lambda session: ledger.post(session, payment()))
    with pytest.raises(IntegrityError):
        await database.write(lambda session: ledger.post(session, payment()))
    async with database.reading() as session:
        assert await ledger.balances(session, "channel:y") == {EUR: -500}


async def test_a_reversal_goes_the_other_way_and_belongs_to_its_payment(
    database: Database,
) -> None:
    async def work(session: AsyncSession) -> list[int]:
        paid = await ledger.post(session, payment())
        lefts = [await ledger.left_of(session, paid)]
        refund = await ledger.reverse(session, paid, "r1", "refund", euros(200), 2)
        lefts.append(await ledger.left_of(session, paid))
        again = await ledger.reverse(session, refund, "f1", "refund_failed", euros(200), 3)
        assert again.payment_id == paid.id
        assert again.reverses == refund.id
        lefts.append(await ledger.left_of(session, paid))
        return lefts

    assert await database.write(work) == [500, 300, 500]


@pytest.mark.parametrize("amounts", [(500, -499), (500,), (-1, -1)])
async def test_the_database_refuses_what_does_not_add_up_to_zero(
    database: Database, amounts: tuple[int, ...]
) -> None:
    async def work(session: AsyncSession) -> None:
        transaction = Transaction(key="k", kind="payment", order_id="o", at_ms=1)
        session.add(transaction)
        await session.flush()
        for number, amount in enumerate(amounts):
            await session.execute(
                insert(LedgerEntry).values(
                    transaction_id=transaction.id,
                    account=f"a{number}",
                    currency=EUR,
                    amount=amount,
                )
            )

    with pytest.raises(IntegrityError):
        await database.write(work)
    async with database.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM ledger_entries"))).scalar() == 0
        assert await ledger.find(session, "k") is None


async def test_euros_do_not_make_up_for_dollars(database: Database) -> None:
    async def work(session: AsyncSession) -> None:
        transaction = Transaction(key="k", kind="payment", order_id="o", at_ms=1)
        session.add(transaction)
        await session.flush()
        for account, currency, amount in (("a", "EUR", 5), ("b", "USD", -5)):
            session.add(
                LedgerEntry(
                    transaction_id=transaction.id,
                    account=account,
                    currency=Currency(currency),
                    amount=amount,
                )
            )

    with pytest.raises(IntegrityError):
        await database.write(work)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET amount = amount * 2",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_transactions SET kind = 'dispute'",
        "DELETE FROM ledger_transactions",
        "UPDATE ledger_zero SET value = 1",
    ],
)
async def test_what_is_written_is_never_changed(database: Database, statement: str) -> None:
    await database.write(lambda session: ledger.post(session, payment()))

    async def tamper(session: AsyncSession) -> None:
        await session.execute(text(statement))

    with pytest.raises((DatabaseDown, DBAPIError), match="append-only"):
        await database.write(tamper)
    async with database.reading() as session:
        assert await ledger.balances(session, "channel:y") == {EUR: -500}


async def test_the_audit_finds_what_a_broken_database_would_hold(world: World) -> None:
    """Without its triggers the database would keep this: the sums are added up anew."""
    sqlite = world.database.sqlite

    async def tamper(session: AsyncSession) -> None:
        paid = await ledger.post(session, payment())
        if sqlite:
            await session.execute(text("DROP TRIGGER ledger_entries_no_update"))
        else:
            await session.execute(text("ALTER TABLE ledger_entries DISABLE TRIGGER USER"))
        await session.execute(
            text("UPDATE ledger_entries SET amount = amount + 1 WHERE amount > 0")
        )
        session.add(Transaction(key="e", kind="payment", order_id="o", at_ms=1))
        assert paid.id == 1

    await world.database.write(tamper)
    assert await world.faults() == [
        "transaction 1 adds up to 1 EUR",
        "transaction 2 has no entries",
    ]
