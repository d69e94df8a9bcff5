"""Nothing that was erased is left in Redis, and nothing else goes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest

from chat.entry import Epoch
from chat.log_redis import RedisLog
from chat.redis_eraser import REPLACE
from chat.redis_keys import RoomKeys
from chat.redis_settings import RedisSettings
from chat.redis_store import Store, connect
from tests.chat.log_conformance import GARDEN, T0, closed_after, draft, texts
from tests.chat.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def keys() -> RoomKeys:
    return RoomKeys.of(GARDEN, secrets.token_hex(6))


@pytest.fixture
async def log(server: RedisServer, keys: RoomKeys) -> AsyncIterator[RedisLog]:
    prefix = keys.log.partition(":")[0]
    async with closed_after(RedisLog(connect([server.url]), RedisSettings(prefix=prefix))) as [log]:
        assert isinstance(log, RedisLog)
        yield log


async def everything(server: RedisServer, keys: RoomKeys) -> bytes:
    """All that Redis has of what was said."""
    async with connect([server.url]) as direct:
        found = [
            await direct.execute_command("XRANGE", keys.log, "-", "+"),
            await direct.execute_command("XRANGE", keys.acts, "-", "+"),
            await direct.execute_command("ZRANGE", keys.rest, "0", "-1"),
        ]
    return repr(found).encode()


async def test_no_word_is_left_anywhere(log: RedisLog, server: RedisServer, keys: RoomKeys) -> None:
    for n in range(5):
        await log.append(GARDEN, [
            draft(f"secret{n}", T0 + n), draft("ban", T0 + n, kind="ban"),
            draft(f"secret{n}", T0 + n, kind="pin"), draft(f"held secret{n}", kind="held"),
        ])  # fmt: skip
    assert b"secret0" in await everything(server, keys)
    assert await log.erase(GARDEN, T0, T0 + 5) == 15
    assert b"secret" not in await everything(server, keys)
    assert texts(await log.after(GARDEN, 0, 99)) == ["ban"] * 5


async def test_a_batch_that_is_erased_whole_leaves_nothing(
    log: RedisLog, server: RedisServer, keys: RoomKeys
) -> None:
    await log.append(GARDEN, [draft(f"{n}") for n in range(300)])
    await log.append(GARDEN, [draft("after", T0 + 9)])
    await log.erase(GARDEN, T0, T0 + 1)
    async with connect([server.url]) as direct:
        assert not await direct.exists(keys.rest)
    assert texts(await log.after(GARDEN, 0, 9)) == ["after"]


async def test_a_number_that_stands_for_another_entry_now_is_not_touched(
    log: RedisLog, server: RedisServer, keys: RoomKeys
) -> None:
    """Read before a promotion, and meant for what that took back."""
    await log.append(GARDEN, [draft("another")])
    async with connect([server.url]) as direct:
        names = (keys.state, keys.log, keys.rest)
        await Store(direct).run(REPLACE, names, ("1-0", Epoch("before"), 0))
        assert not await direct.exists(keys.rest)
    assert texts(await log.after(GARDEN, 0, 9)) == ["another"]


async def test_what_is_left_by_itself_is_forgotten_in_its_time(
    log: RedisLog, server: RedisServer, keys: RoomKeys
) -> None:
    await log.append(GARDEN, [draft("a"), draft("ban", kind="ban"), draft("b", T0 + 9)])
    await log.erase(GARDEN, T0, T0 + 1)
    assert await log.trim(GARDEN, T0 + 5) == 2
    async with connect([server.url]) as direct:
        assert await direct.zcard(keys.rest) == 1
    assert texts(await log.after(GARDEN, 0, 9)) == ["b"]
    assert texts(await log.acts(GARDEN)) == ["ban"]
    await log.drop(GARDEN)
    assert await everything(server, keys) == b"[[], [], []]"
