"""`sluice vod list`, `show`, `delete` and `adopt`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recorder.catalog.catalog import Catalog
from recorder.catalog.clips import Stretch
from recorder.catalog.measured import Measured
from recorder.catalog.outputs import Output
from recorder.catalog.vods import Vod
from recorder.index import FILE
from recorder.recording import Recording
from recorder.replay import Replay
from tests.signaling.vod_shell import OTHER, VOD, VodShell, vod_shell

KEY = "0123456789abcdef" * 2


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VodShell:
    return vod_shell(tmp_path, monkeypatch)


async def a_clip(catalog: Catalog) -> None:
    clip = await catalog.clips.create(Stretch(VOD, 0, 1_000, "Ha", "ann"), 0)
    await catalog.outputs.put(Output(KEY, VOD, "clip", 0, 10, {}))
    await catalog.clips.set_state(clip.id, "ready", KEY)


def make_output(shell: VodShell) -> Path:
    folder = shell.recordings / VOD / "derived" / KEY
    folder.mkdir(parents=True)
    (folder / "facts.json").write_text("{}")
    return folder


def test_what_is_adopted_is_listed_and_shown(shell: VodShell) -> None:
    shell.record()
    broadcast = shell.record(OTHER, 2)
    broadcast.wait(7)
    broadcast.shoot(2)
    broadcast.close()

    assert "2 recordings" in shell.run("list").stderr
    assert "2 recordings in the catalog" in shell.run("adopt").stdout

    listed = json.loads(shell.run("list", "--json").stdout)
    assert {one["id"]: one["duration_ms"] for one in listed} == {VOD: 3_000, OTHER: 4_000}
    line = next(one for one in shell.run("list").stdout.splitlines() if OTHER in one)
    for words in ("channel", "A title", "0:04", "kB", "ready"):
        assert words in line
    assert json.loads(shell.run("list", "--channel", "other", "--json").stdout) == []
    sheet = json.loads(shell.run("show", OTHER, "--json").stdout)
    assert [one["duration_ms"] for one in sheet["periods"]] == [2_000, 2_000]
    assert [(one["duration_ms"], one["lost"]) for one in sheet["gaps"]] == [(7_000, False)]
    shown = shell.run("show", OTHER).stdout
    for words in (OTHER, "A title", "Period 2: 0:02 at 0:02", "Gap: 7.0 s", "256x144", "none of"):
        assert words in shown


def test_outputs_chapters_captions_and_jobs_are_shown(shell: VodShell) -> None:
    shell.record()
    shell.run("adopt")
    shell.ask(a_clip)
    shown = shell.run("show", VOD).stdout
    assert f"Output clip: {KEY}" in shown
    assert "Clips: 1." in shown


def test_what_a_crash_left_open_is_closed_and_what_grows_is_left_alone(shell: VodShell) -> None:
    shell.record()
    shell.record(OTHER)
    shell.reopen(OTHER)
    with shell.growing():
        said = shell.run("adopt")
    assert f"{VOD} is being recorded, and left alone" in said.stderr
    assert f"{OTHER} was not closed, and is now" in said.stderr
    assert [one["id"] for one in json.loads(shell.run("list", "--json").stdout)] == [OTHER]
    closed = Recording.read(shell.recordings / OTHER).closed
    assert closed is not None
    assert closed.reason == "recovered"


def test_what_is_missing_deleted_or_unreadable_is_told(shell: VodShell) -> None:
    shell.record()
    shell.run("adopt")
    (shell.recordings / VOD).rename(shell.storage / "elsewhere")
    shell.record(OTHER)
    index = shell.recordings / OTHER / FILE
    good = index.read_bytes()
    index.write_bytes(b"nonsense\n")

    said = shell.run("adopt", expect=1).stderr
    assert f"{VOD} is in the catalog, and its files are missing" in said
    assert f"sluice vod repair {OTHER}" in said
    assert "its files are gone" in shell.run("show", VOD, expect=1).stderr.replace("\n", " ")

    index.write_bytes(good)
    shell.run("adopt")
    shell.run("delete", OTHER, "--yes")
    shell.record(OTHER)
    assert f"{OTHER} was deleted" in shell.run("adopt").stderr


def test_deleting_asks_first(shell: VodShell) -> None:
    shell.record()
    shell.run("adopt")
    asked = shell.run("delete", VOD, answer="n\n", expect=1)
    assert "0:03" in asked.stdout
    assert (shell.recordings / VOD / FILE).exists()
    shell.run("delete", VOD, answer="y\n")
    assert not (shell.recordings / VOD).exists()
    assert json.loads(shell.run("list", "--json").stdout) == []
    record = shell.ask(lambda catalog: catalog.deletions.page()).items[0]
    assert (record.id, record.by, record.reason) == (VOD, "command line", "owner")


@pytest.mark.parametrize("with_clips", [False, True])
def test_clips_stay_unless_they_are_named(shell: VodShell, with_clips: bool) -> None:
    shell.record()
    shell.run("adopt")
    shell.ask(a_clip)
    output = make_output(shell)
    more = ["--with-clips"] if with_clips else []
    said = shell.run("delete", VOD, "--yes", *more).stdout
    assert ("they go, too" in said) == with_clips
    assert output.exists() != with_clips
    assert not (shell.recordings / VOD / FILE).exists()


def test_what_the_store_has_goes_too(shell: VodShell, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = shell.storage / "objects"
    monkeypatch.setenv("SLUICE_RECORDER__STORE__URL", objects.as_uri())
    (objects / VOD).mkdir(parents=True)
    (objects / VOD / "source-000001.mp4").write_bytes(b"x")
    (objects / OTHER).mkdir()
    (objects / OTHER / "source-000001.mp4").write_bytes(b"x")
    shell.record()
    shell.run("adopt")
    shell.run("delete", VOD, "--yes")
    assert [one.name for one in objects.iterdir()] == [OTHER]


def test_what_is_recorded_is_not_deleted(shell: VodShell) -> None:
    shell.record()
    shell.run("adopt")

    async def live(catalog: Catalog) -> Vod | None:
        recording = Recording.read(shell.recordings / VOD)
        measured = Measured.of(recording, Replay.of(recording), live=True)
        return await catalog.vods.adopt(measured, "public", None)

    shell.ask(live)
    with shell.growing():
        said = shell.run("delete", VOD, "--yes", expect=1)
    assert "left alone" in said.stderr
    assert (shell.recordings / VOD / "source-000001.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "nothing-here"), "sluice vod list"),
        (("show", "../../etc"), "no recording"),
        (("delete", "nothing-here", "--yes"), "sluice vod list"),
        (("list", "--channel", "NO"), "a-z"),
        (("list", "--config", "gone.yaml"), "gone.yaml"),
    ],
)
def test_mistakes_end_with_code_1_and_one_clear_sentence(
    shell: VodShell, arguments: tuple[str, ...], words: str
) -> None:
    result = shell.run(*arguments, expect=1)
    assert result.stderr.startswith("Error:")
    assert words in result.stderr


def test_a_catalog_that_cannot_be_opened_is_told(shell: VodShell) -> None:
    (shell.storage / "catalog.db").write_bytes(b"no database" * 100)
    assert "The catalog cannot be used" in shell.run("list", expect=1).stderr


@pytest.mark.parametrize(
    "command",
    ["list", "show", "export", "verify", "repair", "delete", "jobs", "make", "worker", "adopt"],
)
def test_help_has_an_example(shell: VodShell, command: str) -> None:
    assert f"sluice vod {command}" in shell.run(command, "--help").stdout
