"""One Redis, alone, behind Sentinel or as a Cluster, with our own ideas of patience.

A command that timed out is never sent again from here: it may have taken effect. Every failure
becomes a LogError, which says whether it may have.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import (
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
)

from chat.log import LogError
from chat.redis_script import Script

Argument: TypeAlias = str | bytes | int
Client: TypeAlias = Redis | RedisCluster

TIMEOUT_S: Final = 2.0
"""For an answer. What waits for something in Redis waits less."""
CONNECTIONS: Final = 10_000
"""A room that is followed keeps one busy."""
_NOTHING_DONE: Final = (ReadOnlyError, OutOfMemoryError, NoScriptError)


def connect(urls: Sequence[str], sentinel: str = "", cluster: bool = False) -> Client:
    """A client for `redis://` or `rediss://` addresses; nothing is connected yet.

    With `sentinel`, a service's name, the addresses are the sentinels'; with `cluster` they are
    some of its nodes. Raises ValueError.
    """
    if not urls or (len(urls) > 1 and not sentinel and not cluster):
        raise ValueError("one Redis has one address; several need Sentinel or a Cluster")
    retry = Retry(NoBackoff(), 0)
    if cluster:
        return RedisCluster.from_url(
            urls[0], retry=retry, max_connections=CONNECTIONS, socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S, protocol=2,
        )  # fmt: skip
    if sentinel:
        parts = [urlsplit(url) for url in urls]
        sentinels = [(part.hostname or "localhost", part.port or 26379) for part in parts]
        options = {"username": parts[0].username, "password": parts[0].password}
        watch = Sentinel(  # type: ignore[no-untyped-call]
            sentinels, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=retry,
            max_connections=CONNECTIONS, protocol=2, ssl=parts[0].scheme == "rediss",
            **{name: value for name, value in options.items() if value},
        )  # fmt: skip
        master: Redis = watch.master_for(sentinel)
        return master
    return Redis.from_url(
        urls[0], retry=retry, max_connections=CONNECTIONS, socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S, protocol=2,
    )  # fmt: skip


class _Commands(Protocol):
    """What both kinds of client can do, with the types that redis-py leaves open."""

    def execute_command(self, *parts: Argument, **options: object) -> Awaitable[object]: ...


class Store:
    """What the log asks of Redis. Raises LogError only."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._commands = cast(_Commands, client)

    @property
    def is_cluster(self) -> bool:
        return isinstance(self._client, RedisCluster)

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> object:
        """A script's answer."""
        rest = (len(keys), *keys, *arguments)
        try:
            try:
                return await self._commands.execute_command("EVALSHA", script.digest, *rest)
            except NoScriptError:  # a Redis that was started or promoted meanwhile
                return await self._commands.execute_command("EVAL", script.source, *rest)
        except (RedisError, OSError) as error:
            raise _failure(error) from error

    async def run_confirmed(
        self,
        script: Script,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        replicas: int,
        within_ms: int,
    ) -> tuple[object, int]:
        """The same, and how many replicas had it after `within_ms` at most."""
        if not isinstance(self._client, Redis):
            raise LogError("A Cluster cannot be asked for its replicas' word.")
        if replicas == 0:
            return await self.run(script, keys, arguments), 0
        rest = (len(keys), *keys, *arguments)
        for how in (("EVALSHA", script.digest), ("EVAL", script.source)):
            try:
                async with self._client.pipeline(transaction=False) as line:
                    queued = cast(_Commands, line)
                    queued.execute_command(*how, *rest)
                    queued.execute_command("WAIT", replicas, within_ms)
                    answer, confirmed = await line.execute(raise_on_error=False)
                if isinstance(answer, NoScriptError):
                    continue
                for one in (answer, confirmed):
                    if isinstance(one, Exception):
                        raise one
            except (RedisError, OSError) as error:
                raise _failure(error) from error
            return answer, int(confirmed)
        raise LogError("Redis does not keep our scripts.")

    async def add(self, stream: str, fields: Mapping[str, Argument], keep: int) -> None:
        """A record at the end of a stream that keeps about so many."""
        parts = [part for field in fields.items() for part in field]
        try:
            await self._commands.execute_command("XADD", stream, "MAXLEN", "~", keep, "*", *parts)
        except (RedisError, OSError) as error:
            raise _failure(error) from error

    async def range(self, stream: str, after: str, count: int) -> Sequence[object]:
        """The first records of a stream after an id."""
        try:
            found = await self._commands.execute_command(
                "XRANGE", stream, f"({after}", "+", "COUNT", count
            )
        except (RedisError, OSError) as error:
            raise _failure(error) from error
        return found if isinstance(found, list) else []

    async def read(
        self, streams: Mapping[str, str], count: int, block_ms: int
    ) -> Mapping[str, Sequence[object]]:
        """What comes after these ids; waits for the first of it. All streams are one room's."""
        if block_ms >= TIMEOUT_S * 1_000:
            raise ValueError("waits longer than an answer may take")
        places = (*streams, *streams.values())
        arguments: tuple[Argument, ...] = (
            "COUNT", count, "BLOCK", block_ms, "STREAMS", *places
        )  # fmt: skip
        try:
            if isinstance(self._client, RedisCluster):
                await self._client.initialize()
                node = self._client.get_node_from_key(next(iter(streams)))
                if node is None:
                    raise RedisClusterException("no node has the room's slot")
                found = await self._commands.execute_command("XREAD", *arguments, target_nodes=node)
            else:
                found = await self._commands.execute_command("XREAD", *arguments)
        except (RedisError, OSError) as error:
            raise _failure(error) from error
        return (
            {name.decode(): records for name, records in found} if isinstance(found, list) else {}
        )

    async def reset(self) -> None:
        """Close the idle connections: they may lead to a Redis that is none of ours any more."""
        if isinstance(self._client, Redis):
            await self._client.connection_pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        await self._client.aclose()


def _failure(error: Exception) -> LogError:
    done = not isinstance(error, _NOTHING_DONE)
    return LogError(f"Redis: {error or type(error).__name__}.", maybe=done)
