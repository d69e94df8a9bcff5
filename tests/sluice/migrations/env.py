"""Runs the steps on the connection that sluice/database.py hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from tests.sluice.counters import Base

connection = context.config.attributes["connection"]
assert isinstance(connection, Connection)
context.configure(
    connection=connection, target_metadata=Base.metadata, version_table="counters_version"
)
context.run_migrations()
