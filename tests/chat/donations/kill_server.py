"""The process that is killed: webhooks on a Unix socket, a ledger, an outbox, a log of alerts."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from pathlib import Path

import msgspec
import structlog

from chat.donations import migrations
from chat.donations.provider_fake import FakeProvider
from chat.donations.till import Till
from chat.donations.wording import Wording
from chat.entry import Draft
from sluice.clock import SystemClock
from sluice.database import Database, DatabaseDown
from sluice.errors import Problem
from tests.chat.donations.world import SECRET, Counts


class Request(msgspec.Struct):
    """A webhook on its way."""

    body: bytes
    headers: dict[str, str]


class FileLog:
    """Stands for the room's log: an alert with a known key is not written again."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "alerts.db", isolation_level=None, timeout=10)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS alerts (seq INTEGER PRIMARY KEY, key TEXT UNIQUE, "
            "kind TEXT, body TEXT, tries INTEGER)"
        )

    async def raise_alert(self, channel: str, draft: Draft) -> None:
        self._db.execute(
            "INSERT INTO alerts (key, kind, body, tries) VALUES (?, ?, ?, 1) "
            "ON CONFLICT (key) DO UPDATE SET tries = tries + 1",
            (draft.key, draft.kind, draft.body.decode()),
        )

    def lines(self) -> list[tuple[str, str, str, int]]:
        """Key, kind, body, and how often it was to be written; in order."""
        found = self._db.execute("SELECT key, kind, body, tries FROM alerts ORDER BY seq")
        return found.fetchall()


def socket_in(folder: Path) -> Path:
    return folder / "webhooks.socket"


def serve(folder: Path, database_url: str) -> None:
    """Until killed."""
    asyncio.run(_serve(folder, database_url))


async def _serve(folder: Path, database_url: str) -> None:
    # What is quarantined is meant to be; thousands of lines about it tell nothing.
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    till = Till(
        Database(database_url, migrations.FOLDER, busy_s=10.0),
        FakeProvider(SECRET),
        FileLog(folder),
        Wording(),
        SystemClock(),
        Counts(),
    )
    await till.open()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(4), "big")
        request = msgspec.msgpack.decode(await reader.readexactly(length), type=Request)
        try:
            outcome: str = await till.hear(request.body, request.headers)
        except Problem as problem:
            outcome = str(problem.kind.status)
        except DatabaseDown:
            outcome = "503"
        writer.write(outcome.encode())
        await writer.drain()
        writer.close()

    path = socket_in(folder)
    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(answer, path)
    await server.serve_forever()
