"""`sluice vod verify` and `sluice vod repair`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from recorder.index import FILE
from recorder.recording import Recording
from recorder.store.chunk import place_chunk
from signaling.vod_house import open_store
from sluice.config import Settings
from tests.signaling.vod_shell import OTHER, VOD, VodShell, vod_shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VodShell:
    return vod_shell(tmp_path, monkeypatch)


def upload(shell: VodShell) -> None:
    """All chunks and the index, as the uploader would."""

    async def work() -> None:
        store = open_store(Settings().recorder)
        assert store is not None
        recording = Recording.read(shell.recordings / VOD)
        for captured in recording.renditions.values():
            for file in captured.chunks.values():
                assert file.sealed is not None
                await place_chunk(store, VOD, shell.recordings / VOD, file.sealed)

    asyncio.run(work())


def test_a_whole_recording_is_well(shell: VodShell) -> None:
    shell.record()
    shell.record(OTHER)
    assert f"{VOD}: all is well." in shell.run("verify", VOD).stdout
    assert shell.run("verify", "--all").stdout.count("all is well") == 2
    assert f"{VOD}: all is well." in shell.run("verify", str(shell.recordings / VOD)).stdout


def test_damage_is_told_with_exit_code_1(shell: VodShell) -> None:
    shell.record()
    shell.record(OTHER)
    shell.damage()
    said = shell.run("verify", "--all", expect=1)
    assert f"{VOD}: source-000001.mp4: 1 part is damaged" in said.stdout
    assert f"{OTHER}: all is well" in said.stdout
    assert f"sluice vod repair {VOD}" in said.stderr
    verdicts = json.loads(shell.run("verify", "--all", "--json", expect=1).stdout)
    assert [(one["vod"], one["state"]) for one in verdicts] == [(VOD, "wrong"), (OTHER, "fine")]
    assert {one["what"] for one in verdicts[0]["findings"]} == {"damaged", "checksum"}


def test_what_is_recorded_is_left_alone(shell: VodShell) -> None:
    shell.record()
    with shell.growing():
        assert "left alone" in shell.run("verify", "--all").stdout
        assert "left alone" in shell.run("repair", VOD, expect=1).stderr
        [verdict] = json.loads(shell.run("verify", VOD, "--json").stdout)
        assert verdict["state"] == "recording"


def test_a_lost_index_is_told_and_written_anew(shell: VodShell) -> None:
    broadcast = shell.record()
    index = broadcast.folder / FILE
    index.unlink()
    assert "The index is missing." in shell.run("verify", "--all", expect=1).stdout
    index.write_bytes(b"nonsense\n")
    assert "does not begin" in shell.run("verify", VOD, expect=1).stdout


def test_the_store_is_compared(shell: VodShell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.record()
    assert "recorder.store.url" in shell.run("verify", VOD, "--store", expect=1).stderr
    objects = shell.storage / "objects"
    monkeypatch.setenv("SLUICE_RECORDER__STORE__URL", objects.as_uri())
    upload(shell)
    (objects / VOD / "audio-000001.mp4").unlink()
    said = shell.run("verify", VOD, "--store", expect=1)
    assert "audio-000001.mp4: the store does not have it" in said.stdout
    assert "source-000001.mp4" not in said.stdout
    assert "repair" not in said.stderr, "nothing of it is wrong here"


def test_chunks_that_only_the_store_has_are_read_there(
    shell: VodShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    broadcast = shell.record()
    monkeypatch.setenv("SLUICE_RECORDER__STORE__URL", (shell.storage / "objects").as_uri())
    upload(shell)
    (broadcast.folder / "source-000001.mp4").unlink()
    assert "all is well" in shell.run("verify", VOD).stdout


def test_repair_says_what_it_did_and_the_catalog_follows(shell: VodShell) -> None:
    shell.record()
    shell.run("adopt")
    shell.damage()
    shell.damage(chunk="90p-000001.mp4")
    said = shell.run("repair", VOD).stdout
    assert "source-000001.mp4: 1 of" in said
    assert "The index as it was is" in said
    assert "0:02" in said
    assert "missing" in said
    [vod] = json.loads(shell.run("list", "--json").stdout)
    assert (vod["state"], vod["duration_ms"]) == ("trouble", 2_500)
    shell.run("verify", VOD)
    assert "nothing was changed" in shell.run("repair", VOD).stdout


def test_a_recording_that_was_elsewhere_is_repaired_there(shell: VodShell, tmp_path: Path) -> None:
    broadcast = shell.record()
    elsewhere = tmp_path / "elsewhere"
    broadcast.folder.rename(elsewhere)
    assert "nothing was changed" in shell.run("repair", str(elsewhere)).stdout
    assert not (shell.storage / "catalog.db").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("verify",), "--all"),
        (("verify", VOD, "--all"), "--all"),
        (("verify", "nothing-here"), "no recording"),
        (("repair", "nothing-here"), "no recording"),
    ],
)
def test_mistakes_end_with_code_1_and_one_clear_sentence(
    shell: VodShell, arguments: tuple[str, ...], words: str
) -> None:
    shell.record()
    result = shell.run(*arguments, expect=1)
    assert result.stderr.startswith("Error:")
    assert words in result.stderr
