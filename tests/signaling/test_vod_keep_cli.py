"""`sluice vod keep`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recorder.retention import Choice
from tests.signaling.vod_shell import CHANNEL, VodShell, vod_shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VodShell:
    monkeypatch.setenv("SLUICE_RECORDER__QUOTA_GB", "50")
    return vod_shell(tmp_path, monkeypatch)


def test_without_options_it_tells_what_holds(shell: VodShell) -> None:
    shell.record()
    shell.run("adopt")
    said = shell.run("keep", CHANNEL).stdout
    for words in (
        "kept for 14 days (as the server's settings say)",
        "at most 50 GB (as the server's settings say); now ",
        "Clips stay",
        "up to 14 days, 50 GB",
    ):
        assert words in said
    told = json.loads(shell.run("keep", CHANNEL, "--json").stdout)
    assert (told["keep_days"], told["quota_gb"], told["used_bytes"] > 1_000) == (14, 50, True)


def test_it_sets_more_than_an_owner_may_choose(shell: VodShell) -> None:
    said = shell.run("keep", CHANNEL, "--days", "90", "--no-clips").stdout
    assert "kept for 90 days (chosen for this channel)" in said
    assert "Clips go" in said
    assert "up to 90 days, 50 GB" in said
    said = shell.run("keep", CHANNEL, "--quota-gb", "0").stdout
    assert "kept for 90 days" in said, "what is not named stays"
    assert "as much as there is room (chosen for this channel)" in said
    wanted = Choice(90, 0, keep_clips=False, granted_days=90, granted_gb=0)
    assert shell.ask(lambda catalog: catalog.keepings.of(CHANNEL)) == wanted
    assert "kept for ever" in shell.run("keep", CHANNEL, "--days", "0").stdout


def test_all_can_be_as_the_servers_settings_say_again(shell: VodShell) -> None:
    shell.run("keep", CHANNEL, "--days", "90", "--quota-gb", "7")
    said = shell.run("keep", CHANNEL, "--reset", "--days", "1").stdout
    assert "kept for 1 day (chosen for this channel)" in said
    assert "at most 50 GB (as the server's settings say)" in said
    shell.run("keep", CHANNEL, "--reset")
    assert shell.ask(lambda catalog: catalog.keepings.of(CHANNEL)) == Choice()


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("nobody",), 1, "no channel 'nobody'"),
        (("No!",), 1, "cannot name a channel"),
        ((CHANNEL, "--days", "-1"), 2, "--days"),
        ((CHANNEL, "--days", "36501"), 2, "--days"),
        ((CHANNEL, "--quota-gb", "1.5"), 2, "--quota-gb"),
        ((), 2, "channel"),
    ],
)
def test_what_cannot_be_is_told(
    shell: VodShell, arguments: tuple[str, ...], code: int, why: str
) -> None:
    assert why in shell.run("keep", *arguments, expect=code).stderr
    assert shell.ask(lambda catalog: catalog.keepings.of(CHANNEL)) == Choice()
