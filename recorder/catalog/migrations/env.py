"""Runs the steps on the connection that sluice/database.py hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from recorder.catalog.models import VERSION_TABLE, Base

connection = context.config.attributes["connection"]
assert isinstance(connection, Connection)
context.configure(connection=connection, target_metadata=Base.metadata, version_table=VERSION_TABLE)
# The transaction is the caller's: a kill in the middle leaves the tables as they were.
context.run_migrations()
