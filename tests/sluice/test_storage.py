"""The SQLite file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sluice.ids import ChannelId
from sluice.storage import Channel, Store

LINA = Channel(ChannelId("lina"), "Lina", "public", b"h" * 32, 5)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "deep" / "folder")


def test_a_channel_survives_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path)
    assert first.add_channel(LINA)
    first.close()
    assert Store(tmp_path).channels() == [LINA]


def test_a_name_is_given_once(store: Store) -> None:
    assert store.add_channel(LINA)
    assert not store.add_channel(LINA)


def test_changes_and_deletion_tell_whether_there_was_one(store: Store) -> None:
    store.add_channel(LINA)
    changed = Channel(LINA.id, "New", "token", None, 5)
    assert store.update_channel(changed)
    assert store.channels() == [changed]
    assert store.delete_channel(LINA.id)
    assert not store.delete_channel(LINA.id)
    assert not store.update_channel(changed)


def test_another_connection_sees_that_something_changed(tmp_path: Path) -> None:
    server, cli = Store(tmp_path), Store(tmp_path)
    before = server.version()
    assert server.version() == before
    cli.add_channel(LINA)
    assert server.version() != before


def test_revoked_tokens_are_forgotten_when_they_have_expired(store: Store) -> None:
    store.revoke_token("old", 100)
    store.revoke_token("new", 300)
    assert store.revoked_tokens(200) == {"new": 300}
    assert store.revoked_tokens(0) == {"new": 300}


def test_a_secret_is_kept_and_replaced(store: Store) -> None:
    assert store.secret("s") is None
    store.set_secret("s", b"one")
    store.set_secret("s", b"two")
    assert store.secret("s") == b"two"


def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    Store(folder)
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "sluice.db").stat().st_mode & 0o077 == 0


def test_commits_are_written_ahead_and_synchronously(store: Store) -> None:
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_failed_write_leaves_nothing_half_done(store: Store) -> None:
    broken = Channel(ChannelId("x"), "X", "public", b"", None)  # type: ignore[arg-type]
    store.add_channel(LINA)
    store.add_channel(broken)  # OR IGNORE also skips a row that breaks a rule
    assert store.channels() == [LINA]

    def fail_half_way() -> None:
        with store._writing() as db:
            db.execute("DELETE FROM channels")
            db.execute("no such statement")

    with pytest.raises(sqlite3.Error):
        fail_half_way()
    assert store.channels() == [LINA]
