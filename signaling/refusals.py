"""What `sluice serve` does not start with: doors and secrets that are open to strangers.

Each refusal says what is wrong and what to do. `sluice doctor` shows the same ones.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, SecretStr

from sluice.config import Settings

SHORTEST: Final = 16
"""Bytes of a secret that somebody chose."""
OTHERS: Final = 0o077
WORDS: Final = (
    "admin",
    "changeme",
    "default",
    "demo",
    "example",
    "password",
    "secret",
    "sluice",
    "streaming",
    "test",
    "token",
    "topsecret",
)
_COMMON: Final = re.compile(rf"(?:(?:{'|'.join(WORDS)}|[0-9_. -])+)")
_FEWEST: Final = 5
"""Different characters. Random text of 16 has more, whatever its alphabet."""
_NOT_CHOSEN: Final = frozenset({"credential", "access_key", "database_url", "redis_url"})
"""Clients are told a TURN credential; an access key is a name; an URL is judged by its server."""


def refusals(settings: Settings, file: Path | None) -> list[str]:
    """Everything that stands in the way; empty where nothing does. `file` is what the settings
    were read from. Raises OSError where that cannot be looked at."""
    found = [exposed(settings), *weak_secrets(settings)]
    if file is not None:
        found.append(open_settings(file))
    found.append(open_storage(settings.storage.path))
    return [text for text in found if text is not None]


def exposed(settings: Settings) -> str | None:
    """Strangers could reach plain HTTP."""
    server = settings.server
    if server.admin_port is not None and not (
        ip_address(server.admin_host).is_loopback or server.allow_plain_http
    ):
        return (
            f"server.admin_host {server.admin_host} is open to the network, without TLS. Bind it "
            "to 127.0.0.1 and reach it through a tunnel, or set server.allow_plain_http: true "
            "where the network is yours."
        )
    if not open_to_strangers(settings) or server.allow_plain_http:
        return None
    return (
        f"server.host {server.host} is open to the network without TLS: stream keys would travel "
        "in clear text, and browsers give no camera on plain http. Put a TLS proxy in front (see "
        "docs/behind-nginx.md), bind server.host to 127.0.0.1 and set server.public_url to the "
        "https address. Where the network is yours: server.allow_plain_http: true, or "
        "SLUICE_SERVER__ALLOW_PLAIN_HTTP=true."
    )


def open_to_strangers(settings: Settings) -> bool:
    """Whether the web server is bound beyond this machine with no TLS in front of it."""
    server = settings.server
    behind_tls = (server.public_url or "").startswith("https://")
    return not (behind_tls or ip_address(server.host).is_loopback)


def weak_secrets(settings: Settings) -> Iterator[str]:
    """Secrets that somebody chose and others can guess."""
    for key, secret in _secrets(settings):
        if key.rpartition(".")[2] in _NOT_CHOSEN:
            continue
        if (why := weakness(secret)) is not None:
            yield (
                f"{key} {why}. Make a random one: "
                'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
            )


def weakness(secret: str) -> str | None:
    """Why others could guess it; None where they could not."""
    if len(secret.encode()) < SHORTEST:
        return f"has fewer than {SHORTEST} bytes"
    if _COMMON.fullmatch(secret.lower()):
        return "is made of common words"
    if len(set(secret)) < _FEWEST:
        return "repeats a few characters"
    return None


def open_settings(file: Path) -> str | None:
    """Others may read or write the settings, and there are secrets in them. Raises OSError."""
    seen = file.stat()
    others = OTHERS
    if seen.st_uid != os.geteuid():
        # Somebody else keeps the file, such as root, and lets our group read it.
        others &= ~stat.S_IRGRP
    if not seen.st_mode & others:
        return None
    held = secrets_in(file)
    if not held:
        return None
    mode = stat.S_IMODE(seen.st_mode)
    return (
        f"{file} holds secrets ({', '.join(held)}) and has the mode {mode:04o}, which lets other "
        f"users in. Run: chmod 600 {file}"
    )


def secrets_in(file: Path) -> list[str]:
    """The keys of the secrets that a settings file holds. Raises OSError."""
    tree: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    return sorted(_held(tree, Settings))


def open_storage(folder: Path) -> str | None:
    """Others may read what is stored: channels, secrets, chats, recordings."""
    if not folder.is_dir():
        return None  # it is made, for us alone
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"storage.path {folder} can be written by other users. Run: chmod 700 {folder}"
    if not mode & (stat.S_IXGRP | stat.S_IXOTH):
        return None  # nobody gets at what is in it
    shown = [one for one in sorted(folder.glob("*.db")) if one.stat().st_mode & OTHERS]
    if not shown:
        return None
    return (
        f"{shown[0]} can be read by other users, and holds what signs tokens, chats and donations. "
        f"Run: chmod 700 {folder}"
    )


def _secrets(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each secret that is set, under its key."""
    for name in type(section).model_fields:
        value: object = getattr(section, name)
        yield from _values(value, f"{prefix}{name}")


def _values(value: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, SecretStr):
        yield key, value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from _secrets(value, f"{key}.")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _values(one, f"{key}.{number}")


def _held(tree: object, section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    if not isinstance(tree, dict):
        return
    for name, field in section.model_fields.items():
        value = tree.get(name)
        if value is None:
            continue
        kinds = _kinds(field.annotation)
        if SecretStr in kinds:
            yield f"{prefix}{name}"
        for kind in kinds:
            if issubclass(kind, BaseModel):
                for one in value if isinstance(value, list) else [value]:
                    yield from _held(one, kind, f"{prefix}{name}.")


def _kinds(annotation: object) -> list[type]:
    """The classes in `X`, `X | None` and `list[X]`."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return [annotation]
    inner: tuple[object, ...] = getattr(annotation, "__args__", ())
    return [kind for one in inner for kind in _kinds(one)]
