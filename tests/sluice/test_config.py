"""Settings: the file, the environment, and errors that name what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from sluice.config import ConfigError, IceServer, Settings, load

PROJECT_FILE = Path(__file__).parents[2] / "sluice.yaml"

OTHER: dict[str, Any] = {
    "server.host": "127.0.0.2",
    "server.admin_host": "127.0.0.2",
    "server.admin_port": 8081,
    "server.public_url": "https://live.example.org",
    "server.trusted_proxies": ["127.0.0.1/32"],
    "server.log_level": "debug",
    "server.log_format": "json",
    "media.host": "127.0.0.3",
    "media.process": "own",
    "media.public_addresses": ["203.0.113.7"],
    "bridge.start": "always",
    "bridge.video": "transcode",
    "bridge.encoder": "libx264",
    "bridge.rungs": 2,
    "bridge.signing_secret": "c" * 40,
    "chat.log": "memory",
    "chat.redis.urls": ["redis://127.0.0.1:6379/0"],
    "chat.redis.sentinel": "main",
    "chat.redis.prefix": "other",
    "chat.guests": "write",
    "chat.origins": ["https://app.example.org"],
    "chat.user_token_secret": "d" * 40,
    "chat.words": "words",
    "chat.emotes": ["heart=<3"],
    "money.provider": "fake",
    "money.stripe_api_key": "sk_test_1",
    "money.stripe_webhook_secret": "whsec_1",
    "money.stripe_webhook_secret_before": "whsec_0",
    "money.database_url": "postgresql+asyncpg://sluice@127.0.0.1/sluice",
    "money.currencies": ["CHF"],
    "money.subscription_prices": ["500 CHF"],
    "recorder.record": "never",
    "recorder.renditions": "all",
    "recorder.database_url": "postgresql+asyncpg://sluice@127.0.0.1/sluice",
    "recorder.store.url": "s3://bucket/prefix",
    "recorder.store.endpoint": "https://s3.example.org",
    "recorder.store.region": "eu-central-1",
    "recorder.store.access_key": "access",
    "recorder.store.secret_key": "secret",
    "recorder.captions.engine": "pocketsphinx",
    "recorder.captions.model": "model",
    "recorder.captions.language": "de",
    "recorder.jobs.redis_url": "redis://127.0.0.1:6379/0",
    "recorder.jobs.prefix": "other",
    "auth.admin_token": "a" * 40,
    "auth.viewer_token_secret": "b" * 40,
    "storage.path": "elsewhere",
    "demo.channel": "another",
    "demo.title": "Another",
}
"""A value that differs from the default, where adding one or turning it over does not do."""


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.get_default(call_default_factory=False)


LEAVES = dict(leaves(Settings))


def value_of(settings: Settings, key: str) -> Any:
    found: Any = settings
    for part in key.split("."):
        found = getattr(found, part)
    return found.get_secret_value() if hasattr(found, "get_secret_value") else found


def different(key: str) -> Any:
    if key in OTHER:
        return OTHER[key]
    default = LEAVES[key]
    return not default if isinstance(default, bool) else default + 1


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


class TestTheFileAndTheModel:
    def test_the_file_holds_every_key_with_its_default(self) -> None:
        written = flat(yaml.safe_load(PROJECT_FILE.read_text()))
        assert written.keys() == LEAVES.keys()
        for key, value in written.items():
            default = LEAVES[key]
            assert value == (str(default) if isinstance(default, Path) else default), key

    def test_an_unchanged_file_changes_nothing(self) -> None:
        assert load(PROJECT_FILE) == Settings()

    def test_every_section_of_the_file_is_explained(self) -> None:
        lines = PROJECT_FILE.read_text().splitlines()
        uncommented = [
            line for before, line in pairwise(lines)
            if line.startswith("  ") and not line.strip().startswith("#") and not before.strip()
        ]  # fmt: skip
        assert uncommented == []


@pytest.mark.parametrize("key", [key for key in LEAVES if key != "ice_servers"])
def test_every_key_can_be_overridden_from_the_environment(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = different(key)
    text = wanted if isinstance(wanted, str) else json.dumps(wanted)
    monkeypatch.setenv("SLUICE_" + key.upper().replace(".", "__"), text)
    found = value_of(load(PROJECT_FILE), key)
    assert found == (Path(wanted) if isinstance(found, Path) else wanted)


def test_ice_servers_come_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_ICE_SERVERS", '[{"urls": ["stun:a.example:3478"]}]')
    assert load(PROJECT_FILE).ice_servers == [IceServer(urls=["stun:a.example:3478"])]


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("server:\n  prot: 1\n", ["server.prot", "no such key"]),
            ("servr:\n  port: 1\n", ["servr", "no such key"]),
            ("server:\n  port: 70000\n", ["server.port", "65535"]),
            ("server:\n  port: many\n", ["server.port", "integer"]),
            ("server:\n  host: localhost\n", ["server.host", "IPv4"]),
            ("server:\n  admin_port: 8080\n", ["server", "admin_port must not be port"]),
            ("server:\n  public_url: live.example.org\n", ["public_url", "https://"]),
            ("server:\n  public_url: https://a.example/x\n", ["public_url", "without a path"]),
            ("auth:\n  admin_token: short\n", ["auth.admin_token", "32 bytes"]),
            ("media:\n  workers: -1\n", ["media.workers"]),
            ("ice_servers:\n  - urls: ['http://x']\n", ["ice_servers", "stun:"]),
            ("ice_servers:\n  - urls: ['turn:x']\n", ["needs username"]),
            ("ice_servers:\n  - urls: ['stun:x,y']\n", ["Link"]),
            (
                "ice_servers:\n  - {urls: ['turn:x'], username: 'a;b', credential: c}\n",
                ["semicolon"],
            ),
            ("ice_servers:\n  - {urls: ['turn:x'], username: a}\n", ["belong together"]),
            ("- a\n- b\n", ["sections"]),
            ("server: [\n", ["YAML"]),
        ],
    )
    def test_they_name_the_file_and_the_key(
        self, tmp_path: Path, text: str, words: list[str]
    ) -> None:
        file = tmp_path / "own.yaml"
        file.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load(file)
        for word in ["own.yaml", *words]:
            assert word in str(caught.value)

    def test_a_wrong_variable_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SLUICE_SERVER__PORT", "many")
        with pytest.raises(ConfigError, match="environment variable SLUICE_SERVER__PORT"):
            load(PROJECT_FILE)

    def test_a_misspelt_section_in_a_variable_is_not_ignored(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SLUICE_SERVR__PORT", "1")
        with pytest.raises(ConfigError, match="SLUICE_SERVR__PORT"):
            load(PROJECT_FILE)

    def test_a_list_that_is_not_json_is_explained(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SLUICE_MEDIA__PUBLIC_ADDRESSES", "203.0.113.7")
        with pytest.raises(ConfigError, match=r"JSON|list"):
            load(PROJECT_FILE)

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"gone\.yaml"):
            load(tmp_path / "gone.yaml")


def test_a_section_without_keys_means_its_defaults(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("server:\n  # port: 1\n")
    assert load(file) == Settings()


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load() == Settings()


def test_the_file_can_be_named_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("server:\n  port: 9999\n")
    monkeypatch.setenv("SLUICE_CONFIG", str(file))
    assert load().server.port == 9999


def test_secrets_are_not_printed() -> None:
    settings = Settings(auth={"admin_token": "x" * 40})  # type: ignore[arg-type]
    assert "xxx" not in repr(settings)
