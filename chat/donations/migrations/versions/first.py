"""The tables as they were first: orders, events, the ledger with its triggers, the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chat.donations.migrations.triggers import statements

revision = "first"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "donations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("seen_ms", BIG, nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("checkout_ref", sa.Text(), nullable=True),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("payment", sa.Text(), nullable=True),
        sa.Column("paid_ms", BIG, nullable=True),
        sa.CheckConstraint("amount > 0", name="donations_amount"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "idempotency_key", name="donations_once"),
    )
    op.create_index("donations_board", "donations", ["channel", "currency", "paid_ms"])
    op.create_table(
        "goals",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("target", BIG, nullable=False),
        sa.Column("since_ms", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.CheckConstraint("target > 0", name="goals_target"),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.create_table(
        "ledger_transactions",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("payment_id", BIG, nullable=True),
        sa.Column("reverses", BIG, nullable=True),
        sa.Column("at_ms", BIG, nullable=False),
        sa.CheckConstraint("(kind = 'payment') = (payment_id IS NULL)", name="ledger_payment"),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["ledger_transactions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reverses"],
            ["ledger_transactions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ledger_transactions_order", "ledger_transactions", ["order_id"])
    op.create_index("ledger_transactions_payment", "ledger_transactions", ["payment_id"])
    op.create_table(
        "ledger_zero",
        sa.Column("value", BIG, autoincrement=False, nullable=False),
        sa.CheckConstraint("value = 0", name="ledger_zero_value"),
        sa.PrimaryKeyConstraint("value"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("seen_ms", BIG, nullable=True),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("due_ms", BIG, nullable=False),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("done_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "outbox_due",
        "outbox",
        ["due_ms"],
        sqlite_where=sa.text("done_ms IS NULL"),
        postgresql_where=sa.text("done_ms IS NULL"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("checkout_ref", sa.Text(), nullable=True),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("months", BIG, nullable=False),
        sa.Column("paid_until_ms", BIG, nullable=False),
        sa.Column("ended_ms", BIG, nullable=True),
        sa.CheckConstraint("amount > 0", name="subscriptions_amount"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "idempotency_key", name="subscriptions_once"),
    )
    op.create_index("subscriptions_person", "subscriptions", ["channel", "user_id"])
    op.create_table(
        "webhook_events",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", BIG, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('applied', 'repeated', 'waiting', 'quarantined', 'ignored')",
            name="webhook_events_outcome",
        ),
        sa.PrimaryKeyConstraint("provider", "id"),
    )
    op.create_index("webhook_events_waiting", "webhook_events", ["waits_for"])
    op.create_table(
        "ledger_entries",
        sa.Column("transaction_id", BIG, autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.CheckConstraint("amount <> 0", name="ledger_entries_amount"),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.id"],
        ),
        sa.PrimaryKeyConstraint("transaction_id", "account", "currency"),
    )
    op.create_index("ledger_entries_account", "ledger_entries", ["account", "currency"])
    op.create_table(
        "ledger_sums",
        sa.Column("transaction_id", BIG, autoincrement=False, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["total"], ["ledger_zero.value"], initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("transaction_id", "currency"),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("donation_id", sa.Text(), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("created_ms", BIG, nullable=False),
        sa.CheckConstraint("state IN ('asked', 'done', 'failed')", name="refunds_state"),
        sa.CheckConstraint("amount > 0", name="refunds_amount"),
        sa.ForeignKeyConstraint(
            ["donation_id"],
            ["donations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("donation_id", "idempotency_key", name="refunds_once"),
        sa.UniqueConstraint("provider_ref"),
    )
    op.create_index("refunds_donation", "refunds", ["donation_id"])
    op.execute("INSERT INTO ledger_zero (value) VALUES (0)")
    for statement in statements(op.get_bind().dialect.name):
        op.execute(statement)
