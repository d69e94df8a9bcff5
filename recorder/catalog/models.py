"""The tables of the catalog, as types. `migrations` makes them. Times are Unix ms or VOD ms."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    select,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from recorder.chapters import Source
from recorder.work.task import Kind
from sluice.storage import Access

VERSION_TABLE: Final = "catalog_version"
"""Of the migrations. The ledger may be in the same database, and has another one."""

VodState = Literal["recording", "ready", "trouble", "deleted"]
"""`recording`: it grows. `trouble`: it can be played, but not all of it is there. `deleted`: of
the row, only what must not come back under its id is left."""

ClipState = Literal["making", "ready", "failed", "deleted"]

TrackKind = Literal["live", "final", "upload"]
"""Captions written while it was live, once more after the end, or by the owner."""

DeletionKind = Literal["vod", "clip"]

Reason = Literal["owner", "retention", "quota", "channel"]
"""Why something was deleted. `channel`: its channel was."""

_BIG = BigInteger().with_variant(Integer, "sqlite")
_LEAVING: Final = text("state = 'deleted' AND gone_ms IS NULL")
_TALKING: Final = text("state = 'deleted' AND chat_gone_ms IS NULL")
_UNSTORABLE: Final = {0: None} | dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


class PlainText(TypeDecorator[str]):
    """Any text. What PostgreSQL has no place for, NUL and lone surrogates, is left out, so that a
    stranger's caption file cannot make a write fail.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.translate(_UNSTORABLE)


_TEXT = PlainText()


class Base(DeclarativeBase):
    """What a type of Python is in the database."""

    type_annotation_map: ClassVar[
        dict[type, TypeEngine[int] | TypeEngine[str] | TypeEngine[bool]]
    ] = {
        int: _BIG,
        str: _TEXT,
        bool: Boolean(),
    }


class VodRow(Base):
    """A recording. The row stays when it is deleted, so that its folder cannot bring it back."""

    __tablename__ = "vods"
    __table_args__ = (
        CheckConstraint("state IN ('recording', 'ready', 'trouble', 'deleted')", name="vods_state"),
        CheckConstraint("access IN ('public', 'token')", name="vods_access"),
        Index("vods_channel", "channel", "began_ms", "id"),
        Index("vods_began", "began_ms", "id"),
        Index("vods_keep", "keep_until_ms"),
        Index("vods_leaving", "id", sqlite_where=_LEAVING, postgresql_where=_LEAVING),
        Index("vods_talking", "id", sqlite_where=_TALKING, postgresql_where=_TALKING),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """As its folder is called."""
    channel: Mapped[str]
    title: Mapped[str]
    state: Mapped[VodState] = mapped_column(_TEXT)
    trouble: Mapped[str]
    """Empty where there is none."""
    began_ms: Mapped[int]
    ended_ms: Mapped[int | None]
    duration_ms: Mapped[int]
    """Of what can be played: without gaps."""
    size_bytes: Mapped[int]
    """Of its chunks."""
    width: Mapped[int]
    height: Mapped[int]
    access: Mapped[Access] = mapped_column(_TEXT)
    keep_until_ms: Mapped[int | None]
    """None: for ever."""
    keep_chosen: Mapped[bool]
    """The owner said how long; the channel's rule does not count."""
    chapters_edited: Mapped[bool]
    """The owner's list of chapters is shown, not the one that was found."""
    poster: Mapped[str | None]
    """Key of the output."""
    gone_ms: Mapped[int | None]
    """When the files of a deleted one were gone. None: some may still be there."""
    chat_gone_ms: Mapped[int | None]
    """When the chat of a deleted one was gone. None: some of it may still be in the room's log."""


class ChapterRow(Base):
    """A chapter of one of a VOD's two lists: what was found, and what the owner made of it."""

    __tablename__ = "chapters"

    vod: Mapped[str] = mapped_column(ForeignKey("vods.id"), primary_key=True)
    edited: Mapped[bool] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 0, by time."""
    at_ms: Mapped[int]
    title: Mapped[str]
    source: Mapped[Source] = mapped_column(_TEXT)


class ClipRow(Base):
    """A stretch of a VOD with a page of its own. It may outlive the VOD."""

    __tablename__ = "clips"
    __table_args__ = (
        CheckConstraint("state IN ('making', 'ready', 'failed', 'deleted')", name="clips_state"),
        Index("clips_channel", "channel", "created_ms", "id"),
        Index("clips_vod", "vod", "created_ms", "id"),
        Index("clips_output", "output"),
        Index("clips_leaving", "id", sqlite_where=_LEAVING, postgresql_where=_LEAVING),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    vod: Mapped[str] = mapped_column(ForeignKey("vods.id"))
    channel: Mapped[str]
    from_ms: Mapped[int]
    to_ms: Mapped[int]
    title: Mapped[str]
    made_by: Mapped[str]
    created_ms: Mapped[int]
    state: Mapped[ClipState] = mapped_column(_TEXT)
    output: Mapped[str | None]
    """Key of the output, which clips of the same stretch share."""
    gone_ms: Mapped[int | None]
    access: Mapped[Access] = column_property(
        select(VodRow.access).where(VodRow.id == vod).correlate_except(VodRow).scalar_subquery()
    )
    """The VOD's, also when that is deleted. Not a column of this table."""


class TrackRow(Base):
    """Captions in one language, of one kind."""

    __tablename__ = "tracks"
    __table_args__ = (CheckConstraint("kind IN ('live', 'final', 'upload')", name="tracks_kind"),)

    vod: Mapped[str] = mapped_column(ForeignKey("vods.id"), primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[TrackKind] = mapped_column(_TEXT, primary_key=True)
    label: Mapped[str]
    output: Mapped[str | None]
    """Key of the output that holds its file; None: the text is here."""
    text: Mapped[str]
    """As WebVTT."""
    words: Mapped[int]
    made_ms: Mapped[int]


class CueRow(Base):
    """What is said at a time, to be searched."""

    __tablename__ = "cues"
    __table_args__ = (
        ForeignKeyConstraint(
            ["vod", "language", "kind"], ["tracks.vod", "tracks.language", "tracks.kind"]
        ),
    )

    vod: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[TrackKind] = mapped_column(_TEXT, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 0."""
    from_ms: Mapped[int]
    to_ms: Mapped[int]
    text: Mapped[str]
    """On one line."""
    folded: Mapped[str]
    """Without case and accents."""


class OutputRow(Base):
    """Files that a job made of a VOD."""

    __tablename__ = "outputs"
    __table_args__ = (Index("outputs_vod", "vod", "kind"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    vod: Mapped[str] = mapped_column(ForeignKey("vods.id"))
    kind: Mapped[Kind] = mapped_column(_TEXT)
    made_ms: Mapped[int]
    size: Mapped[int]
    """Bytes of all files."""
    facts: Mapped[str]
    """JSON."""


class KeepingRow(Base):
    """How long a channel's recordings are kept, and how much of them, where that is not as the
    server's settings say. NULL: as they say."""

    __tablename__ = "keepings"

    channel: Mapped[str] = mapped_column(primary_key=True)
    keep_days: Mapped[int | None]
    """0: for ever."""
    quota_gb: Mapped[int | None]
    """0: as much as there is room."""
    keep_clips: Mapped[bool | None]
    granted_days: Mapped[int | None]
    """What the admin lets the owner have beyond the server's settings; 0: anything."""
    granted_gb: Mapped[int | None]
    changed_by: Mapped[str]
    changed_ms: Mapped[int]


class DeletionRow(Base):
    """What was deleted, by whom and why. It stays for ever, and tells nothing of the content."""

    __tablename__ = "deletions"
    __table_args__ = (
        CheckConstraint("kind IN ('vod', 'clip')", name="deletions_kind"),
        CheckConstraint(
            "reason IN ('owner', 'retention', 'quota', 'channel')", name="deletions_reason"
        ),
        Index("deletions_channel", "channel", "at_ms", "id"),
        Index("deletions_at", "at_ms", "id"),
    )

    kind: Mapped[DeletionKind] = mapped_column(_TEXT, primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    """The VOD's or the clip's."""
    channel: Mapped[str]
    deleted_by: Mapped[str]
    """Empty: nobody, a rule did."""
    reason: Mapped[Reason] = mapped_column(_TEXT)
    at_ms: Mapped[int]
    what: Mapped[str]
    """Counts and bytes, as JSON."""
