"""Makes the rooms' parts out of the settings: the log, the rules, the hub's bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chat.log import RoomLog
from chat.log_memory import MemoryLog
from chat.log_sqlite import SqliteLog
from chat.moderation.rates import Rate, RateSettings
from chat.moderation.settings import RoomSettings
from chat.moderation.words import Words, WordsError, read_words
from chat.settings import HubSettings
from sluice.chat_config import ChatConfig
from sluice.clock import Clock
from sluice.config import ConfigError

FILE: Final = "chat.db"
NETWORK_BURST: Final = 4
CONNECTION_BURST: Final = 4
ROOM_BURST: Final = 2
"""Times the rate."""


def build_log(config: ChatConfig, folder: Path, clock: Clock) -> RoomLog:
    """Raises ConfigError, and OSError or sqlite3.Error where a file cannot be used."""
    if config.log == "memory":
        return MemoryLog()
    if config.log == "sqlite":
        return SqliteLog(folder / FILE)
    # Imported only where it is used.
    from chat.log_redis import RedisLog
    from chat.redis_settings import RedisSettings
    from chat.redis_store import connect

    redis = config.redis
    settings = RedisSettings(
        prefix=redis.prefix,
        lease_ms=redis.lease_ms,
        deadline_ms=redis.deadline_ms,
        idle_ms=redis.idle_ms,
        replicas=redis.replicas,
        confirm_ms=redis.confirm_ms,
    )
    try:
        return RedisLog(connect(redis.urls, redis.sentinel, redis.cluster), settings, clock)
    except ValueError as error:
        raise ConfigError(f"chat.redis: {error}") from None


def words_of(config: ChatConfig) -> Words:
    """Raises ConfigError."""
    if config.words is None:
        return Words()
    try:
        return read_words(config.words)
    except WordsError as error:
        raise ConfigError(f"chat.words: {error}") from None


def room_settings(config: ChatConfig, words: Words, window_ms: int) -> RoomSettings:
    network, connection = config.frames_per_network, config.frames_per_connection
    room = config.messages_per_room
    return RoomSettings(
        emotes=emotes_of(config),
        words=words,
        rates=RateSettings(
            connection=Rate(connection, CONNECTION_BURST * connection),
            network=Rate(network, NETWORK_BURST * network),
            person=Rate(config.messages_per_30_s / 30, config.messages_per_30_s),
            room=Rate(room, ROOM_BURST * room),
        ),
        own_delete_ms=config.own_delete_s * 1_000,
        timeout_s=config.timeout_s,
        dvr_ms=window_ms,
    )


def emotes_of(config: ChatConfig) -> dict[str, str]:
    """Name to sign."""
    pairs = (emote.partition("=") for emote in config.emotes)
    return {name: shown for name, _, shown in pairs}


def hub_settings(config: ChatConfig, window_ms: int) -> HubSettings:
    return HubSettings(
        connections=config.connections,
        per_address=config.connections_per_network,
        frame_rate=2.0 * config.frames_per_connection,
        frame_burst=2 * CONNECTION_BURST * config.frames_per_connection,
        reaction_rate=float(config.reactions_per_connection),
        reaction_burst=3 * config.reactions_per_connection,
        display_rate=config.display_rate,
        back_ms=window_ms,
    )
