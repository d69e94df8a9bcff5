"""What the ledger's tables enforce by themselves, in the words of each database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_KEPT: Final = ("ledger_transactions", "ledger_entries", "ledger_zero")
"""Tables whose rows are never changed and never deleted."""


def statements(dialect: str) -> Sequence[str]:
    """Triggers: sums are kept as entries come in, and nothing is changed afterwards."""
    return _postgresql() if dialect == "postgresql" else _sqlite()


def _sqlite() -> Sequence[str]:
    keep_sum = """
        CREATE TRIGGER ledger_entries_sum AFTER INSERT ON ledger_entries BEGIN
            INSERT INTO ledger_sums (transaction_id, currency, total)
            VALUES (NEW.transaction_id, NEW.currency, NEW.amount)
            ON CONFLICT (transaction_id, currency) DO UPDATE SET total = total + excluded.total;
        END
    """
    refuse = [
        f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for table in _KEPT
        for act in ("update", "delete")
    ]
    return [keep_sum, *refuse]


def _postgresql() -> Sequence[str]:
    keep_sum = """
        CREATE FUNCTION ledger_keep_sum() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO ledger_sums AS kept (transaction_id, currency, total)
            VALUES (NEW.transaction_id, NEW.currency, NEW.amount)
            ON CONFLICT (transaction_id, currency)
            DO UPDATE SET total = kept.total + excluded.total;
            RETURN NULL;
        END $$
    """
    refuse = """
        CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
        END $$
    """
    guards = [
        f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
        for table in _KEPT
    ]
    return [
        keep_sum,
        "CREATE TRIGGER ledger_entries_sum AFTER INSERT ON ledger_entries "
        "FOR EACH ROW EXECUTE FUNCTION ledger_keep_sum()",
        refuse,
        *guards,
    ]
