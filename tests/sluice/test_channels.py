"""The book of channels: memory in front, SQLite behind."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sluice.auth import matches
from sluice.channels import ChannelBook
from sluice.clock import VirtualClock
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.storage import Store

LINA = ChannelId("lina")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def book(folder: Path, limit: int = 10) -> ChannelBook:
    return ChannelBook(Store(folder), VirtualClock(), limit)


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_the_key_is_shown_once_and_kept_hashed(folder: Path) -> None:
    channel, key = await book(folder).create(LINA, "Lina", "public")
    assert channel.key_hash is not None
    assert matches(key, channel.key_hash)
    assert key.encode() not in everything_in(folder)


async def test_what_another_process_wrote_is_seen_at_refresh(folder: Path) -> None:
    server, cli = book(folder), book(folder)
    await server.refresh()
    await cli.create(LINA, "Lina", "token")
    assert server.get(LINA) is None
    assert await server.refresh()
    assert server.get(LINA) == cli.get(LINA)
    assert not await server.refresh()


async def test_a_rotated_key_replaces_and_a_revoked_one_is_none(folder: Path) -> None:
    own = book(folder)
    made, old = await own.create(LINA, "Lina", "public")
    new = await own.rotate_key(made)
    found = own.get(LINA)
    assert found is not None
    assert found.key_hash is not None
    assert matches(new, found.key_hash)
    assert not matches(old, found.key_hash)
    await own.revoke_key(found)
    assert own.all()[0].key_hash is None


async def test_a_taken_name_and_too_many_channels_are_refused(folder: Path) -> None:
    own = book(folder, limit=1)
    await own.create(LINA, "Lina", "public")
    with pytest.raises(Problem, match="limit"):
        await own.create(ChannelId("other"), "Other", "public")
    with pytest.raises(Problem, match="already"):
        await book(folder, limit=2).create(LINA, "Lina", "public")


async def test_a_channel_that_is_gone_cannot_be_changed(folder: Path) -> None:
    own = book(folder)
    made, _ = await own.create(LINA, "Lina", "public")
    await own.delete(LINA)
    assert own.all() == []
    with pytest.raises(Problem) as caught:
        await own.change(made, "New", None)
    assert caught.value.kind.code == "channel-unknown"


async def test_revoked_tokens_survive_a_restart_until_they_expire(folder: Path) -> None:
    clock = VirtualClock()
    store = Store(folder)
    own = ChannelBook(store, clock, 10)
    await own.revoke_token("a", clock.wall_ms() + 1_000)
    await own.revoke_token("b", clock.wall_ms() + 9_000)
    clock.advance(5_000)
    after = ChannelBook(store, clock, 10)
    await after.refresh()
    assert set(after.revoked) == {"b"}


async def test_a_full_disk_is_a_problem_that_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(folder)
    own = ChannelBook(store, VirtualClock(), 10)

    def full(*_: object) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(store, "add_channel", full)
    with pytest.raises(Problem, match="full") as caught:
        await own.create(LINA, "Lina", "public")
    assert caught.value.kind.status == 507
    assert own.all() == []
