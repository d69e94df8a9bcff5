"""The command line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NoReturn

import pytest
import typer
from typer.testing import CliRunner

from signaling.cli import app
from sluice.auth import matches
from sluice.config import ServerConfig, Settings
from sluice.storage import Store


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, expect: int = 0) -> str:
        result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
        assert result.exit_code == expect, result.output
        return result.output


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    # Logging is the process's and not the test's: see test_logs.
    monkeypatch.setattr("signaling.logs.configure", lambda config: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.umask", lambda mask: 0)  # the process's too
    monkeypatch.setenv("SLUICE_STORAGE__PATH", str(tmp_path / "store"))
    return Shell(tmp_path / "store")


def test_a_channel_is_made_listed_rotated_and_revoked(shell: Shell) -> None:
    first = shell.run("channel", "create", "lina", "--title", "Lina live").split()[-1]
    second = shell.run("channel", "rotate", "lina").split()[-1]
    [stored] = Store(shell.folder).channels()
    assert stored.key_hash is not None
    assert matches(second, stored.key_hash)
    assert not matches(first, stored.key_hash)
    shell.run("channel", "revoke", "lina")
    listed = json.loads(shell.run("channel", "list", "--json"))
    assert listed == [
        {"channel": "lina", "title": "Lina live", "access": "public", "has_key": False}
    ]
    assert "revoked" in shell.run("channel", "list")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("channel", "create", "NO"), "a-z"),
        (("channel", "rotate", "nobody"), "nobody"),
        (("channel", "list", "--config", "gone.yaml"), "gone.yaml"),
    ],
)
def test_mistakes_end_with_code_1_and_one_clear_sentence(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    output = shell.run(*arguments, expect=1)
    assert "Error:" in output
    assert words in output
    assert "Traceback" not in output


def test_a_wrong_setting_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_SERVER__PORT", "many")
    assert "SLUICE_SERVER__PORT" in shell.run("channel", "list", expect=1)


def test_a_new_admin_token_replaces_the_old_one(shell: Shell) -> None:
    token = shell.run("admin", "rotate").split()[-1]
    digest = Store(shell.folder).secret("admin_token_hash")
    assert digest is not None
    assert matches(token, digest)


def test_the_doctor_speaks_json(shell: Shell) -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    checks = json.loads(result.output)
    assert {"name", "status", "detail", "todo"} == set(checks[0])
    failed = any(check["status"] == "fail" for check in checks)
    assert result.exit_code == (1 if failed else 0)


@pytest.mark.parametrize("command", ["serve", "demo", "doctor", "channel create"])
def test_help_has_an_example(shell: Shell, command: str) -> None:
    assert "Example" in shell.run(*command.split(), "--help")


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_what_is_open_to_strangers_is_not_served(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("SLUICE_SERVER__HOST", "0.0.0.0")
    monkeypatch.setenv("SLUICE_AUTH__ADMIN_TOKEN", "changeme" * 4)
    output = shell.run(command, expect=1)
    assert "SLUICE_SERVER__ALLOW_PLAIN_HTTP" in output
    assert "auth.admin_token" in output
    assert not shell.folder.exists()


def test_a_serve_that_is_not_plain_becomes_its_own_keeper_too(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[ServerConfig] = []

    def become(config: ServerConfig) -> NoReturn:
        kept.append(config)
        raise typer.Exit(0)

    monkeypatch.setattr("signaling.cli.become_keeper", become)
    shell.run("serve")
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("name", "value"), [("SLUICE_SERVER__KEEPER", "false"), ("NOTIFY_SOCKET", "@systemd")]
)
def test_where_it_is_kept_by_others_or_not_at_all_it_serves(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    served: list[Settings] = []
    monkeypatch.setattr("signaling.cli._serve", lambda settings, heart: served.append(settings))
    monkeypatch.setenv(name, value)
    shell.run("serve")
    assert len(served) == 1


def test_a_kept_one_says_that_it_cannot_start(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_SERVER__HOST", "0.0.0.0")
    read, write = os.pipe()
    shell.run("serve", "--heartbeat-fd", str(write), expect=1)
    assert os.read(read, 10) == b"u"
    os.close(read)
    os.close(write)
