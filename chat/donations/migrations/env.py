"""Runs the steps on the connection that sluice/database.py hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from chat.donations.models import Base

connection = context.config.attributes["connection"]
assert isinstance(connection, Connection)
context.configure(connection=connection, target_metadata=Base.metadata)
# The transaction is the caller's: a kill in the middle leaves the tables as they were.
context.run_migrations()
