"""The tables as they were first: VODs and what belongs to them, and what was deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "first"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEAVING = sa.text("state = 'deleted' AND gone_ms IS NULL")


def upgrade() -> None:
    op.create_table(
        "vods",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("began_ms", BIG, nullable=False),
        sa.Column("ended_ms", BIG, nullable=True),
        sa.Column("duration_ms", BIG, nullable=False),
        sa.Column("size_bytes", BIG, nullable=False),
        sa.Column("width", BIG, nullable=False),
        sa.Column("height", BIG, nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("keep_until_ms", BIG, nullable=True),
        sa.Column("keep_chosen", sa.Boolean(), nullable=False),
        sa.Column("chapters_edited", sa.Boolean(), nullable=False),
        sa.Column("poster", sa.Text(), nullable=True),
        sa.Column("gone_ms", BIG, nullable=True),
        sa.CheckConstraint(
            "state IN ('recording', 'ready', 'trouble', 'deleted')", name="vods_state"
        ),
        sa.CheckConstraint("access IN ('public', 'token')", name="vods_access"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("vods_channel", "vods", ["channel", "began_ms", "id"])
    op.create_index("vods_began", "vods", ["began_ms", "id"])
    op.create_index("vods_keep", "vods", ["keep_until_ms"])
    op.create_index("vods_leaving", "vods", ["id"], sqlite_where=LEAVING, postgresql_where=LEAVING)
    op.create_table(
        "chapters",
        sa.Column("vod", sa.Text(), nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["vod"], ["vods.id"]),
        sa.PrimaryKeyConstraint("vod", "edited", "number"),
    )
    op.create_table(
        "clips",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("vod", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("from_ms", BIG, nullable=False),
        sa.Column("to_ms", BIG, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("gone_ms", BIG, nullable=True),
        sa.CheckConstraint("state IN ('making', 'ready', 'failed', 'deleted')", name="clips_state"),
        sa.ForeignKeyConstraint(["vod"], ["vods.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("clips_channel", "clips", ["channel", "created_ms", "id"])
    op.create_index("clips_vod", "clips", ["vod", "created_ms", "id"])
    op.create_index("clips_output", "clips", ["output"])
    op.create_index(
        "clips_leaving", "clips", ["id"], sqlite_where=LEAVING, postgresql_where=LEAVING
    )
    op.create_table(
        "tracks",
        sa.Column("vod", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", BIG, nullable=False),
        sa.Column("made_ms", BIG, nullable=False),
        sa.CheckConstraint("kind IN ('live', 'final', 'upload')", name="tracks_kind"),
        sa.ForeignKeyConstraint(["vod"], ["vods.id"]),
        sa.PrimaryKeyConstraint("vod", "language", "kind"),
    )
    op.create_table(
        "cues",
        sa.Column("vod", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("from_ms", BIG, nullable=False),
        sa.Column("to_ms", BIG, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["vod", "language", "kind"], ["tracks.vod", "tracks.language", "tracks.kind"]
        ),
        sa.PrimaryKeyConstraint("vod", "language", "kind", "number"),
    )
    op.create_table(
        "outputs",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("vod", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_ms", BIG, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["vod"], ["vods.id"]),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("outputs_vod", "outputs", ["vod", "kind"])
    op.create_table(
        "deletions",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("deleted_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('vod', 'clip')", name="deletions_kind"),
        sa.CheckConstraint(
            "reason IN ('owner', 'retention', 'quota', 'channel')", name="deletions_reason"
        ),
        sa.PrimaryKeyConstraint("kind", "id"),
    )
    op.create_index("deletions_channel", "deletions", ["channel", "at_ms", "id"])
    op.create_index("deletions_at", "deletions", ["at_ms", "id"])
