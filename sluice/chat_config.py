"""The settings of chat: who may talk, where the log is kept, what strangers may send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from sluice.section import Positive, Section, long_secret


class ChatRedisConfig(Section):
    """The log in Redis 7, for several servers. Times in milliseconds."""

    urls: list[str] = Field(default=[])
    sentinel: str = ""
    cluster: bool = False
    prefix: str = "sluice"
    lease_ms: Annotated[int, Field(ge=500)] = 3_000
    deadline_ms: Annotated[int, Field(ge=1_000)] = 5_000
    idle_ms: Positive = 60_000
    replicas: Annotated[int, Field(ge=0, le=10)] = 0
    confirm_ms: Positive = 1_000


class ChatConfig(Section):
    """Rooms. Rates are a second where nothing else is said."""

    enabled: bool = True
    log: Literal["memory", "sqlite", "redis"] = "sqlite"
    redis: ChatRedisConfig = ChatRedisConfig()
    keep_days: Positive = 30
    guests: Literal["read", "write"] = "read"
    origins: list[str] = Field(default=[])
    user_token_secret: SecretStr | None = None
    words: Path | None = None
    emotes: list[str] = Field(
        default=["heart=❤️", "fire=🔥", "clap=👏", "laugh=😂", "wow=😮", "sad=😢"]
    )
    display_rate: Annotated[int, Field(ge=0)] = 100
    own_delete_s: Annotated[int, Field(ge=0)] = 600
    timeout_s: Positive = 600
    messages_per_30_s: Positive = 20
    frames_per_connection: Positive = 10
    frames_per_network: Positive = 50
    messages_per_room: Positive = 10_000
    reactions_per_connection: Positive = 20
    connections: Positive = 20_000
    connections_per_network: Positive = 200

    @field_validator("user_token_secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        return long_secret(value)

    @field_validator("emotes")
    @classmethod
    def _are_named(cls, value: list[str]) -> list[str]:
        for emote in value:
            name, sign, shown = emote.partition("=")
            if not (re.fullmatch("[a-z0-9_]{1,24}", name) and sign and 0 < len(shown) <= 200):
                raise ValueError(f"{emote!r} must be name=sign, the name of a-z, 0-9 and _")
        return value
