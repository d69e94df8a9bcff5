"""One typed tree of settings: `sluice.yaml`, then `SLUICE_<SECTION>__<KEY>` from the environment.

`load` is the only way in. Every default stands in `sluice.yaml` too, with a comment; a test
holds the two together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sluice.chat_config import ChatConfig
from sluice.ids import CHANNEL_PATTERN
from sluice.money_config import MoneyConfig
from sluice.recorder_config import RecorderConfig
from sluice.section import Positive, Section, long_secret

ENV_PREFIX = "SLUICE_"
ENV_CONFIG = "SLUICE_CONFIG"
"""Names the settings file itself; the only variable that is not a key."""
DEFAULT_FILE = "sluice.yaml"


class ConfigError(Exception):
    """The settings cannot be used; the text names file or variable, key and what to do."""


def _address(value: str) -> str:
    ip_address(value)
    return value


def _network(value: str) -> str:
    ip_network(value, strict=False)
    return value


Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
Port = Annotated[int, Field(ge=0, le=65535)]


class ServerConfig(Section):
    """The HTTP listener."""

    host: Address = "127.0.0.1"
    port: Port = 8080
    allow_plain_http: bool = False
    admin_host: Address = "127.0.0.1"
    admin_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    public_url: str | None = None
    trusted_proxies: list[Network] = Field(default=[])
    limit_concurrency: Positive = 10_000
    keep_alive_s: Positive = 15
    head_timeout_s: Positive = 10
    body_timeout_s: Positive = 10
    shutdown_s: Positive = 5
    drain_s: Annotated[int, Field(ge=0, le=3_600)] = 0
    keeper: bool = True
    reserve: bool = True
    hang_s: Annotated[int, Field(ge=2)] = 10
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise ValueError("must be an origin without a path, like https://live.example.org")
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _has_two_ports(self) -> ServerConfig:
        if self.admin_port is not None and self.admin_port == self.port:
            raise ValueError("admin_port must not be port: requests are told apart by them")
        return self


class MediaConfig(Section):
    """The media plane; handed whole to the engine. Times are in milliseconds."""

    host: Address = "127.0.0.1"
    port: Port = 8189
    process: Literal["own", "inside"] = "inside"
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    tcp: bool = True
    public_addresses: list[Address] = Field(default=[])
    keyframe_interval_ms: Annotated[int, Field(ge=0)] = 4_000
    replay_max_ms: Annotated[int, Field(ge=0)] = 10_000
    max_peers: Positive = 5_000
    half_open_max: Positive = 1_000
    half_open_timeout_ms: Positive = 10_000
    consent_timeout_ms: Positive = 6_000


class BridgeConfig(Section):
    """From WebRTC to HLS and DASH. Times are of media, in milliseconds."""

    start: Literal["demand", "always", "never"] = "demand"
    idle_s: Positive = 120
    broadcasts: Positive = 50
    video: Literal["auto", "passthrough", "transcode"] = "auto"
    encoder: Literal["auto", "libx264", "h264_nvenc"] = "auto"
    rungs: Annotated[int, Field(ge=1, le=4)] = 4
    frame_rate: Annotated[int, Field(ge=10, le=60)] = 30
    audio_bitrate: Annotated[int, Field(ge=32_000, le=192_000)] = 128_000
    part_ms: Annotated[int, Field(ge=200, le=1_000)] = 512
    segment_ms: Annotated[int, Field(ge=1_000, le=6_000)] = 2_000
    window_ms: Annotated[int, Field(ge=12_000)] = 600_000
    window_mb: Annotated[int, Field(ge=16)] = 256
    keep_s: Annotated[int, Field(ge=0)] = 60
    waiters: Positive = 20_000
    transcoder_mb: Annotated[int, Field(ge=512)] = 2_048
    signed_ttl_s: Annotated[int, Field(ge=60)] = 14_400
    signing_secret: SecretStr | None = None

    @field_validator("signing_secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        return long_secret(value)

    @model_validator(mode="after")
    def _parts_fill_segments(self) -> BridgeConfig:
        if self.segment_ms < 2 * self.part_ms:
            raise ValueError("segment_ms must be at least twice part_ms")
        return self


class IceServer(Section):
    """A STUN or TURN server that clients are told of.

    Either nothing more (STUN), or a fixed `username` and `credential`, or the `secret` of the
    TURN REST scheme, from which each session gets credentials that end after `ttl_s`.
    """

    urls: list[str] = Field(min_length=1)
    username: str | None = None
    credential: SecretStr | None = None
    secret: SecretStr | None = None
    ttl_s: Positive = 86_400

    @field_validator("urls")
    @classmethod
    def _are_ice_urls(cls, value: list[str]) -> list[str]:
        for url in value:
            if not url.startswith(("stun:", "stuns:", "turn:", "turns:")):
                raise ValueError(f"{url!r} must start with stun:, stuns:, turn: or turns:")
            if any(sign in url for sign in '<>",; '):
                raise ValueError(f"{url!r} holds a sign that a Link header cannot carry")
        return value

    @model_validator(mode="after")
    def _has_one_kind_of_credentials(self) -> IceServer:
        fixed = self.username is not None or self.credential is not None
        if fixed and (self.username is None or self.credential is None):
            raise ValueError("username and credential belong together")
        if fixed and self.secret is not None:
            raise ValueError("give either username and credential, or secret; not both")
        if any(url.startswith("turn") for url in self.urls) and not fixed and self.secret is None:
            raise ValueError("a TURN server needs username and credential, or secret")
        if self.username is not None and self.credential is not None:
            # Clients split the Link header at commas and semicolons, quoted or not.
            for text in (self.username, self.credential.get_secret_value()):
                if any(sign in text for sign in ',;"\\') or not text.isprintable():
                    raise ValueError("credentials must not hold comma, semicolon, quote, backslash")
        return self


class AuthConfig(Section):
    """Who may do what."""

    admin_token: SecretStr | None = None
    viewer_token_secret: SecretStr | None = None
    viewer_token_max_ttl_s: Positive = 86_400
    metrics_open: bool = True

    @field_validator("admin_token", "viewer_token_secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        return long_secret(value)


class LimitsConfig(Section):
    """What a stranger may send. Rates are requests per second."""

    header_bytes: Positive = 16_384
    sdp_bytes: Positive = 65_536
    sdp_lines: Positive = 2_000
    sdp_media_sections: Positive = 16
    sdp_candidates: Positive = 64
    json_bytes: Positive = 65_536
    ip_rate: Annotated[float, Field(gt=0)] = 50.0
    ip_burst: Positive = 200
    channel_rate: Annotated[float, Field(gt=0)] = 200.0
    channel_burst: Positive = 1_000
    denied_rate: Annotated[float, Field(gt=0)] = 1.0
    denied_burst: Positive = 20
    rate_table: Positive = 10_000
    channels: Positive = 10_000
    viewers_per_channel: Positive = 5_000
    sse_connections: Positive = 2_000
    sse_per_ip: Positive = 100
    sse_queue: Positive = 64
    sse_per_session: Positive = 4
    engine_timeout_ms: Positive = 5_000
    loop_lag_ms: Positive = 100


class StorageConfig(Section):
    """Where lasting things lie."""

    path: Path = Path(".sluice")


class ReconnectConfig(Section):
    """What happens when a publisher is lost."""

    grace_ms: Annotated[int, Field(ge=0)] = 60_000
    retry_after_s: Positive = 2


class DemoConfig(Section):
    """`sluice demo`."""

    channel: Annotated[str, Field(pattern=f"^{CHANNEL_PATTERN.pattern}$")] = "demo"
    title: str = "Sluice demo"
    phone_restart_ms: Positive = 1_000


class Settings(BaseSettings):
    """All settings. Immutable: a change needs a restart."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
    )

    server: ServerConfig = ServerConfig()
    media: MediaConfig = MediaConfig()
    bridge: BridgeConfig = BridgeConfig()
    chat: ChatConfig = ChatConfig()
    money: MoneyConfig = MoneyConfig()
    recorder: RecorderConfig = RecorderConfig()
    ice_servers: list[IceServer] = []
    auth: AuthConfig = AuthConfig()
    limits: LimitsConfig = LimitsConfig()
    storage: StorageConfig = StorageConfig()
    reconnect: ReconnectConfig = ReconnectConfig()
    demo: DemoConfig = DemoConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load` hands the file's keys over as arguments; the environment must win over them.
        return env_settings, init_settings


def load(path: Path | None = None) -> Settings:
    """Read the file (or `SLUICE_CONFIG`, or ./sluice.yaml if there), then the environment.

    Raises ConfigError. Without a file the defaults hold.
    """
    source = find(path)
    tree = _read(source) if source is not None else {}
    _check_environment(os.environ)
    try:
        return Settings(**tree)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ConfigError(_explain(error, source)) from None
    except ValueError as error:  # a list in the environment that is not JSON
        raise ConfigError(f"environment: {error}. A list must be written as JSON.") from None


def find(path: Path | None = None) -> Path | None:
    """The settings file that `load` reads; None where there is none. Raises ConfigError."""
    named = path or (Path(os.environ[ENV_CONFIG]) if os.environ.get(ENV_CONFIG) else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(f"{named}: there is no such file; check --config or {ENV_CONFIG}.")
        return named
    default = Path(DEFAULT_FILE)
    return default if default.is_file() else None


def _read(path: Path) -> dict[str, object]:
    try:
        tree: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: must hold sections such as `server:`, not a {type(tree)}.")
    # A section whose keys are all commented out reads as null: it means the defaults.
    return {str(name): value for name, value in tree.items() if value is not None}


def _check_environment(environ: Mapping[str, str]) -> None:
    """A misspelt section would be ignored by pydantic-settings; say so instead."""
    for name in environ:
        upper = name.upper()
        if not upper.startswith(ENV_PREFIX) or upper == ENV_CONFIG:
            continue
        section = upper.removeprefix(ENV_PREFIX).split("__")[0].lower()
        if section not in Settings.model_fields:
            known = ", ".join(Settings.model_fields)
            raise ConfigError(
                f"environment variable {name}: there is no section {section!r}; "
                f"the sections are {known}."
            )


def _explain(error: ValidationError, source: Path | None) -> str:
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        variable = ENV_PREFIX + "__".join(str(part) for part in item["loc"][:2]).upper()
        where = f"environment variable {variable}"
        if variable not in {name.upper() for name in os.environ}:
            where = str(source) if source is not None else "default settings"
        text = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            text = "there is no such key; remove it or correct its spelling"
        lines.append(f"{where}: {key}: {text}.")
    return "\n".join(lines)
