"""Double entry: every movement takes from one account what it gives to another.

Accounts are texts. `provider:<name>` is what a provider holds for us (debit is more of it),
`channel:<name>` what we owe a streamer (credit is more of it). The database itself refuses
movements that do not add up to zero, and changes of what is written (see `migrations`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.donations.models import LedgerEntry, LedgerSum, Transaction, TransactionKind


def provider_account(provider: str) -> str:
    return f"provider:{provider}"


def channel_account(channel: str) -> str:
    return f"channel:{channel}"


@dataclass(frozen=True, slots=True)
class Movement:
    """One transaction to be: `money` goes into the debit account, out of the credit account."""

    key: str
    kind: TransactionKind
    order: str
    debit: str
    credit: str
    money: Money
    at_ms: int


@dataclass(frozen=True, slots=True)
class Sides:
    """What a transaction moved, and between whom."""

    debit: str
    credit: str
    money: Money


async def post(
    session: AsyncSession, movement: Movement, *, reverses: Transaction | None = None
) -> Transaction:
    """Write it. A second one with the same key violates a constraint."""
    assert movement.money.amount > 0
    assert movement.debit != movement.credit
    transaction = Transaction(
        key=movement.key,
        kind=movement.kind,
        order_id=movement.order,
        payment_id=None if reverses is None else reverses.payment_id or reverses.id,
        reverses=None if reverses is None else reverses.id,
        at_ms=movement.at_ms,
    )
    session.add(transaction)
    await session.flush()
    for account, sign in ((movement.debit, 1), (movement.credit, -1)):
        session.add(
            LedgerEntry(
                transaction_id=transaction.id,
                account=account,
                currency=movement.money.currency,
                amount=sign * movement.money.amount,
            )
        )
    await session.flush()
    return transaction


async def reverse(
    session: AsyncSession,
    original: Transaction,
    key: str,
    kind: TransactionKind,
    money: Money,
    at_ms: int,
) -> Transaction:
    """Take back all or a part of what a transaction moved."""
    before = await sides(session, original)
    assert money.currency == before.money.currency
    movement = Movement(
        key=key,
        kind=kind,
        order=original.order_id,
        debit=before.credit,
        credit=before.debit,
        money=money,
        at_ms=at_ms,
    )
    return await post(session, movement, reverses=original)


async def find(session: AsyncSession, key: str) -> Transaction | None:
    """The movement with this key."""
    found = await session.execute(select(Transaction).where(Transaction.key == key))
    return found.scalar_one_or_none()


async def sides(session: AsyncSession, transaction: Transaction) -> Sides:
    found = await session.execute(
        select(LedgerEntry)
        .where(LedgerEntry.transaction_id == transaction.id)
        .order_by(LedgerEntry.amount)
    )
    credit, debit = found.scalars().all()
    return Sides(debit.account, credit.account, Money(debit.amount, Currency(debit.currency)))


async def left_of(session: AsyncSession, payment: Transaction) -> int:
    """What a channel still has of a payment, after all that went back and came again."""
    family = func.coalesce(Transaction.payment_id, Transaction.id)
    found = await session.execute(
        select(func.sum(-LedgerEntry.amount))
        .join(Transaction, Transaction.id == LedgerEntry.transaction_id)
        .where(family == payment.id, LedgerEntry.account.startswith("channel:"))
    )
    return int(found.scalar_one())


async def balances(session: AsyncSession, account: str) -> Mapping[Currency, int]:
    """What stands on an account, by currency; debit is positive."""
    found = await session.execute(
        select(LedgerEntry.currency, func.sum(LedgerEntry.amount))
        .where(LedgerEntry.account == account)
        .group_by(LedgerEntry.currency)
    )
    return {Currency(currency): int(total) for currency, total in found}


async def faults(session: AsyncSession) -> Sequence[str]:
    """What is wrong with the books: nothing, ever. It adds everything up anew."""
    wrong = []
    per_transaction = await session.execute(
        select(LedgerEntry.transaction_id, LedgerEntry.currency, func.sum(LedgerEntry.amount))
        .group_by(LedgerEntry.transaction_id, LedgerEntry.currency)
        .having(func.sum(LedgerEntry.amount) != 0)
    )
    for transaction, currency, total in per_transaction:
        wrong.append(f"transaction {transaction} adds up to {total} {currency}")
    empty = await session.execute(
        select(Transaction.id).where(
            Transaction.id.not_in(select(LedgerEntry.transaction_id).distinct())
        )
    )
    wrong += [f"transaction {transaction} has no entries" for (transaction,) in empty]
    unkept = await session.execute(select(LedgerSum.transaction_id).where(LedgerSum.total != 0))
    wrong += [f"the kept sum of transaction {transaction} is not 0" for (transaction,) in unkept]
    return wrong
