"""The command line on a storage folder with recordings of real media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import pytest
from typer.testing import CliRunner, Result

from recorder.catalog.catalog import Catalog
from recorder.index import FILE, IndexWriter
from recorder.records import Closed
from signaling.cli import app
from signaling.recordings import FOLDER
from sluice.database import sqlite_url
from sluice.ids import ChannelId
from sluice.storage import Channel, Store
from tests.recorder.broadcast import Broadcast

T = TypeVar("T")

CHANNEL: Final = "channel"
VOD: Final = "channel-20260301-180000-abc234"
OTHER: Final = "channel-20260302-180000-xyz567"


class VodShell:
    """Call `record`, then `run`."""

    def __init__(self, storage: Path) -> None:
        self.storage = storage
        self.recordings = storage / FOLDER
        self.recordings.mkdir(parents=True)
        store = Store(storage)
        store.add_channel(Channel(ChannelId(CHANNEL), "A channel", "public", None, 0))
        store.close()

    def run(self, *arguments: str, expect: int = 0, answer: str | None = None) -> Result:
        result = CliRunner().invoke(
            app, ["vod", *arguments], env={"COLUMNS": "250"}, input=answer, catch_exceptions=False
        )
        assert result.exit_code == expect, result.output
        assert "Traceback" not in result.output
        return result

    def record(self, vod: str = VOD, seconds: float = 3, *, sound: bool = True) -> Broadcast:
        """A broadcast that was ended in order."""
        broadcast = Broadcast(self.recordings / vod)
        broadcast.session()
        broadcast.shoot(seconds, sound=sound)
        broadcast.close()
        return broadcast

    def reopen(self, vod: str = VOD) -> Path:
        """As a crash leaves it: nothing says that it was closed. Its index."""
        path = self.recordings / vod / FILE
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(line for line in lines if b'"closed"' not in line))
        return path

    @contextmanager
    def growing(self, vod: str = VOD) -> Iterator[None]:
        """A recorder is at work on it."""
        with IndexWriter(self.reopen(vod)) as writer:
            yield
            writer.append([Closed(0, "end")])

    def damage(self, vod: str = VOD, chunk: str = "source-000001.mp4", at: int = -100) -> None:
        path = self.recordings / vod / chunk
        data = bytearray(path.read_bytes())
        data[at] ^= 0xFF
        path.write_bytes(data)

    @asynccontextmanager
    async def catalog(self) -> AsyncIterator[Catalog]:
        catalog = Catalog.at(sqlite_url(self.storage / "catalog.db"))
        await catalog.open()
        yield catalog
        await catalog.close()

    def ask(self, work: Callable[[Catalog], Awaitable[T]]) -> T:
        """Of the catalog, for tests without a loop."""

        async def asked() -> T:
            async with self.catalog() as catalog:
                return await work(catalog)

        return asyncio.run(asked())


def vod_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VodShell:
    # Logging is the process's and not the test's.
    monkeypatch.setattr("signaling.logs.configure", lambda config: None)
    monkeypatch.chdir(tmp_path)
    storage = tmp_path / "storage"
    monkeypatch.setenv("SLUICE_STORAGE__PATH", str(storage))
    return VodShell(storage)
