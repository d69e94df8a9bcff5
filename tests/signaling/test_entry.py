"""What `sluice serve` becomes before the server's code is read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from signaling.entry import END_S, keep, longest_end_s
from sluice.config import ServerConfig


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs that it would have become."""
    found: list[list[str]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "execv", lambda path, words: found.append(words))
    monkeypatch.setattr(sys, "orig_argv", ["python", "sluice", "serve"])
    return found


def test_a_plain_serve_becomes_its_keeper(
    executed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_SERVER__DRAIN_S", "20")
    keep(["serve"])
    [words] = executed
    assert words[words.index("--") :] == ["--", "python", "sluice", "serve"]
    assert words[words.index("--hang-s") + 1] == "10"
    assert words[words.index("--end-s") + 1] == "55"  # to drain, to end requests, to write down
    assert "--json" not in words
    assert "--reserve" in words[: words.index("--")]


@pytest.mark.parametrize("option", ["--config", "-c"])
def test_its_settings_may_be_named(executed: list[list[str]], tmp_path: Path, option: str) -> None:
    own = "server: {hang_s: 3, log_format: json, reserve: false}"
    (tmp_path / "own.yaml").write_text(own)
    keep(["serve", option, "own.yaml"])
    [words] = executed
    assert "--reserve" not in words
    assert words[words.index("--hang-s") + 1] == "3"
    assert "--json" in words


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["doctor"],
        ["serve", "--help"],
        ["serve", "--heartbeat-fd", "5"],
        ["serve", "--config", "gone.yaml"],
        ["channel", "list"],
    ],
)
def test_everything_else_is_the_commands_own(
    executed: list[list[str]], arguments: list[str]
) -> None:
    keep(arguments)
    assert executed == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLUICE_SERVER__KEEPER", "false"),
        ("NOTIFY_SOCKET", "@systemd"),
        ("SLUICE_SERVER__HOST", "0.0.0.0"),
        ("SLUICE_SERVER__PORT", "many"),
    ],
)
def test_what_has_another_keeper_or_may_not_start_is_left_to_the_command(
    executed: list[list[str]], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    keep(["serve"])
    assert executed == []


def test_it_reads_nothing_of_the_server() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; import signaling.entry; "
            "print([name for name in ('uvicorn', 'sqlalchemy', 'numpy', 'signaling.house') "
            "if name in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "[]\n"


def test_an_end_is_bounded() -> None:
    assert longest_end_s(ServerConfig(drain_s=7, shutdown_s=5)) == 12 + END_S
