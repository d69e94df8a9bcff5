"""The tables of money, as types. What they hold is money's only truth; rooms only show it.

`migrations` makes them. Times are Unix ms, amounts minor units of the currency beside them.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.entry import Kind

Outcome = Literal["applied", "repeated", "waiting", "quarantined", "ignored"]
"""What became of an event. Only `applied` moved money in the books."""

RefundState = Literal["asked", "done", "failed"]

TransactionKind = Literal["payment", "refund", "refund_failed", "dispute", "dispute_won"]

_BIG = BigInteger().with_variant(Integer, "sqlite")
_CURRENCY = String(3)


class Base(DeclarativeBase):
    """What a type of Python is in the database."""

    type_annotation_map: ClassVar[
        dict[type, TypeEngine[int] | TypeEngine[str] | TypeEngine[bytes]]
    ] = {
        int: _BIG,
        str: Text(),
        bytes: LargeBinary(),
    }


class Donation(Base):
    """What somebody meant to give, and what is known of it. The amount never changes."""

    __tablename__ = "donations"
    __table_args__ = (
        UniqueConstraint("channel", "idempotency_key", name="donations_once"),
        CheckConstraint("amount > 0", name="donations_amount"),
        Index("donations_board", "channel", "currency", "paid_ms"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    provider: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(_CURRENCY)
    user_id: Mapped[str | None]
    """Of the token; None for a name that anybody may type."""
    user_name: Mapped[str]
    message: Mapped[str]
    seen_ms: Mapped[int | None]
    """The moment of the stream that was on the donor's screen."""
    idempotency_key: Mapped[str | None]
    fingerprint: Mapped[bytes]
    """Hash of what was asked for: another request under the same key is told apart."""
    created_ms: Mapped[int]
    checkout_ref: Mapped[str | None]
    checkout_url: Mapped[str | None]
    payment: Mapped[str | None]
    """The provider's name for the payment that came."""
    paid_ms: Mapped[int | None]

    @property
    def money(self) -> Money:
        return Money(self.amount, Currency(self.currency))


class Subscription(Base):
    """Somebody's monthly support of a channel."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("channel", "idempotency_key", name="subscriptions_once"),
        CheckConstraint("amount > 0", name="subscriptions_amount"),
        Index("subscriptions_person", "channel", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    provider: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(_CURRENCY)
    user_id: Mapped[str]
    user_name: Mapped[str]
    idempotency_key: Mapped[str | None]
    fingerprint: Mapped[bytes]
    created_ms: Mapped[int]
    checkout_ref: Mapped[str | None]
    checkout_url: Mapped[str | None]
    months: Mapped[int]
    """How many are paid."""
    paid_until_ms: Mapped[int]
    """0: none yet."""
    ended_ms: Mapped[int | None]

    @property
    def money(self) -> Money:
        return Money(self.amount, Currency(self.currency))


class Refund(Base):
    """What we asked the provider to give back. The ledger hears of it by webhook only."""

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("donation_id", "idempotency_key", name="refunds_once"),
        CheckConstraint("amount > 0", name="refunds_amount"),
        CheckConstraint("state IN ('asked', 'done', 'failed')", name="refunds_state"),
        Index("refunds_donation", "donation_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    donation_id: Mapped[str] = mapped_column(ForeignKey("donations.id"))
    amount: Mapped[int]
    idempotency_key: Mapped[str]
    state: Mapped[RefundState] = mapped_column(Text())
    provider_ref: Mapped[str | None] = mapped_column(unique=True)
    created_ms: Mapped[int]


class WebhookEvent(Base):
    """Every verified event, once. What it did not do by now, its outcome and reason tell."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('applied', 'repeated', 'waiting', 'quarantined', 'ignored')",
            name="webhook_events_outcome",
        ),
        Index("webhook_events_waiting", "waits_for"),
    )

    provider: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[bytes]
    received_ms: Mapped[int]
    outcome: Mapped[Outcome] = mapped_column(Text())
    reason: Mapped[str]
    waits_for: Mapped[str | None]
    """The key of the transaction that must stand in the ledger before this one can."""


class Transaction(Base):
    """One movement of money; its entries add up to zero. Never changed, never deleted."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        CheckConstraint("(kind = 'payment') = (payment_id IS NULL)", name="ledger_payment"),
        Index("ledger_transactions_order", "order_id"),
        Index("ledger_transactions_payment", "payment_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(unique=True)
    """Of two movements with one key, the second does not happen."""
    kind: Mapped[TransactionKind] = mapped_column(Text())
    order_id: Mapped[str]
    """The donation, or the subscription."""
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_transactions.id"))
    """The payment that this goes back to; None for payments."""
    reverses: Mapped[int | None] = mapped_column(ForeignKey("ledger_transactions.id"))
    """The movement that this takes back, in whole or in part."""
    at_ms: Mapped[int]


class LedgerEntry(Base):
    """One side of a transaction: positive is debit, negative credit."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="ledger_entries_amount"),
        Index("ledger_entries_account", "account", "currency"),
    )

    transaction_id: Mapped[int] = mapped_column(
        ForeignKey("ledger_transactions.id"), primary_key=True, autoincrement=False
    )
    account: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(_CURRENCY, primary_key=True)
    amount: Mapped[int]


class LedgerZero(Base):
    """Holds the number 0 and nothing else: what the sums of all transactions point to."""

    __tablename__ = "ledger_zero"
    __table_args__ = (CheckConstraint("value = 0", name="ledger_zero_value"),)

    value: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class LedgerSum(Base):
    """The sum of a transaction's entries in one currency, kept by a trigger. At the commit it must
    be found in `ledger_zero`, or the database refuses all of it.
    """

    __tablename__ = "ledger_sums"

    transaction_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(_CURRENCY, primary_key=True)
    total: Mapped[int] = mapped_column(
        ForeignKey("ledger_zero.value", deferrable=True, initially="DEFERRED")
    )


class OutboxRow(Base):
    """What a room must be told, written with the money it tells of."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "outbox_due",
            "due_ms",
            sqlite_where=text("done_ms IS NULL"),
            postgresql_where=text("done_ms IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(unique=True)
    """The entry's own key: the room's log takes it once."""
    kind: Mapped[Kind] = mapped_column(Text())
    channel: Mapped[str]
    subject: Mapped[str]
    """What it is about: the donation's or subscription's id."""
    body: Mapped[bytes]
    """Empty: made of the books as they stand when it is told."""
    seen_ms: Mapped[int | None]
    created_ms: Mapped[int]
    due_ms: Mapped[int]
    attempts: Mapped[int]
    problem: Mapped[str]
    done_ms: Mapped[int | None]


class Goal(Base):
    """What a channel collects for."""

    __tablename__ = "goals"
    __table_args__ = (CheckConstraint("target > 0", name="goals_target"),)

    channel: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    currency: Mapped[str] = mapped_column(_CURRENCY)
    target: Mapped[int]
    since_ms: Mapped[int]
    version: Mapped[int]
