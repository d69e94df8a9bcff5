"""How recordings are kept, by channel; and whether the chat of a deleted one is gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "second"
down_revision = "first"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TALKING = sa.text("state = 'deleted' AND chat_gone_ms IS NULL")


def upgrade() -> None:
    op.create_table(
        "keepings",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("keep_days", BIG, nullable=True),
        sa.Column("quota_gb", BIG, nullable=True),
        sa.Column("keep_clips", sa.Boolean(), nullable=True),
        sa.Column("granted_days", BIG, nullable=True),
        sa.Column("granted_gb", BIG, nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.add_column("vods", sa.Column("chat_gone_ms", BIG, nullable=True))
    # What was deleted until now was deleted without its chat, as its owner was told.
    op.execute("UPDATE vods SET chat_gone_ms = COALESCE(gone_ms, 0) WHERE state = 'deleted'")
    op.create_index("vods_talking", "vods", ["id"], sqlite_where=TALKING, postgresql_where=TALKING)
