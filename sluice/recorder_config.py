"""The settings of the recorder: what is recorded, how long it is kept, and what is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from sluice.section import Positive, Section


class StoreConfig(Section):
    """Where finished chunks go besides the local folder. An empty `url`: nowhere."""

    url: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    allow_http: bool = False
    keep_local_h: Annotated[int, Field(ge=0)] = 24
    timeout_s: Positive = 30

    @field_validator("url")
    @classmethod
    def _is_one_that_we_speak(cls, value: str) -> str:
        if value and not value.startswith(("s3://", "file:///")):
            raise ValueError("must be like s3://bucket/prefix or file:///srv/sluice")
        return value


class CaptionsConfig(Section):
    """Who writes down what is said. `engine: none`: nobody."""

    engine: Literal["none", "pocketsphinx", "faster-whisper", "sherpa"] = "none"
    model: Path | None = None
    language: Annotated[str, Field(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    live: bool = True
    memory_mb: Annotated[int, Field(ge=256)] = 4_096

    @model_validator(mode="after")
    def _has_a_model(self) -> CaptionsConfig:
        if self.engine in ("faster-whisper", "sherpa") and self.model is None:
            raise ValueError(f"engine: {self.engine} needs `model`, the folder of its model")
        return self


class JobsConfig(Section):
    """Who makes MP4 files, storyboards, captions and clips: this machine, or with `redis_url`
    workers elsewhere, too."""

    workers: Annotated[int, Field(ge=0, le=64)] = 1
    redis_url: SecretStr | None = None
    prefix: str = "sluice"
    memory_mb: Annotated[int, Field(ge=256)] = 4_096
    limit_s: Positive = 21_600
    silence_s: Positive = 300
    attempts: Annotated[int, Field(ge=1, le=20)] = 4


class RecorderConfig(Section):
    """Recordings and what becomes of them."""

    record: Literal["always", "never"] = "always"
    renditions: Literal["source", "all"] = "source"
    chunk_s: Annotated[int, Field(ge=2, le=600)] = 30
    longest_h: Annotated[int, Field(ge=0)] = 12
    queue_mb: Annotated[int, Field(ge=4)] = 64
    reserve_mb: Annotated[int, Field(ge=16)] = 256
    keep_days: Annotated[int, Field(ge=0)] = 14
    quota_gb: Annotated[int, Field(ge=0)] = 0
    clip_s: Annotated[int, Field(ge=5, le=180)] = 30
    clips_per_minute: Positive = 6
    database_url: SecretStr | None = None
    store: StoreConfig = StoreConfig()
    captions: CaptionsConfig = CaptionsConfig()
    jobs: JobsConfig = JobsConfig()

    @field_validator("database_url")
    @classmethod
    def _is_one_that_we_speak(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith("postgresql+asyncpg://"):
            raise ValueError("must be like postgresql+asyncpg://user:password@host/database")
        return value
