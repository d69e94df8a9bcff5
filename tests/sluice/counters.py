"""A small set of tables, for tests of the database: counters, each with a name."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of these tests."""


class Counter(Base):
    """A number under a name."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
