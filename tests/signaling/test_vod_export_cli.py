"""`sluice vod export`."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from recorder.captions.cues import Cue
from recorder.catalog.catalog import Catalog
from recorder.catalog.tracks import NewTrack
from recorder.chapters import Chapter
from recorder.index import IndexWriter
from recorder.records import Mark
from tests.recorder.broadcast import ORIGIN_MS
from tests.signaling.vod_shell import VOD, VodShell, vod_shell

CAPTIONS = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VodShell:
    return vod_shell(tmp_path, monkeypatch)


async def describe(catalog: Catalog) -> None:
    await catalog.chapters.edit(VOD, [Chapter(0, "One"), Chapter(2_000, "Two")])
    new = NewTrack(VOD, "en", "upload", "English", text=CAPTIONS)
    await catalog.tracks.put(new, [Cue(1_000, 2_000, "Hello")], 0)
    await catalog.vods.retitle(VOD, "Roses")


def titles(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [one["metadata"]["title"] for one in container.chapters()]


def kinds(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [one.type for one in container.streams]


def seconds(path: Path) -> float:
    """Of the pictures."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0)) / 30


def test_the_whole_of_it_has_chapters_and_captions(shell: VodShell, tmp_path: Path) -> None:
    shell.record()
    shell.run("adopt")
    shell.ask(describe)
    out = tmp_path / "out.mp4"
    assert "0:03" in shell.run("export", VOD, str(out)).stdout
    assert seconds(out) == pytest.approx(3.0)
    assert titles(out) == ["One", "Two"]
    assert "subtitle" in kinds(out)
    with av.open(str(out)) as container:
        assert container.metadata["title"] == "Roses"


def test_what_is_not_wanted_is_left_out(shell: VodShell, tmp_path: Path) -> None:
    shell.record()
    shell.run("adopt")
    shell.ask(describe)
    out = tmp_path / "out.mp4"
    shell.run("export", VOD, str(out), "--no-chapters", "--no-captions")
    assert titles(out) == []
    assert "subtitle" not in kinds(out)


def test_a_stretch(shell: VodShell, tmp_path: Path) -> None:
    shell.record()
    out = tmp_path / "out.mp4"
    said = shell.run("export", VOD, str(out), "--from", "0:01", "--to", "0:02.5")
    assert "out.mp4: 0:01," in said.stdout
    with av.open(str(out)) as container:
        assert container.duration == 1_500_000


def test_without_a_catalog_the_folder_is_enough(shell: VodShell, tmp_path: Path) -> None:
    broadcast = shell.record()
    with IndexWriter(broadcast.folder / "index.log") as index:
        index.append([Mark(ORIGIN_MS + 1_500, "marker", "The toss")])
    elsewhere = tmp_path / "elsewhere" / VOD
    elsewhere.parent.mkdir()
    broadcast.folder.rename(elsewhere)
    out = tmp_path / "out.mp4"
    assert "no catalog" in shell.run("export", str(elsewhere), str(out)).stderr
    assert titles(out) == ["The toss"], "it is near the beginning"
    assert not (shell.storage / "catalog.db").exists()


def test_what_is_recorded_is_exported_as_far_as_it_is(shell: VodShell, tmp_path: Path) -> None:
    shell.record()
    out = tmp_path / "out.mp4"
    with shell.growing():
        assert "is being recorded" in shell.run("export", VOD, str(out)).stderr
    assert seconds(out) == pytest.approx(3.0)


def test_nothing_is_written_over_without_force(shell: VodShell, tmp_path: Path) -> None:
    shell.record()
    out = tmp_path / "out.mp4"
    out.write_text("mine")
    assert "--force" in shell.run("export", VOD, str(out), expect=1).stderr
    assert out.read_text() == "mine"
    shell.run("export", VOD, str(out), "--force")
    assert seconds(out) == pytest.approx(3.0)


def test_nothing_is_left_of_what_fails(shell: VodShell, tmp_path: Path) -> None:
    broadcast = shell.record()
    (broadcast.folder / "source-000002.mp4").unlink()
    folder = tmp_path / "out"
    folder.mkdir()
    said = shell.run("export", VOD, str(folder / "out.mp4"), expect=1).stderr
    assert "source-000002.mp4" in said
    assert "sluice vod verify" in said
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "soon"), "1:23"),
        (("--from", "1:99"), "59"),
        (("--from", "2", "--to", "1"), "later"),
        (("--from", "10"), "0:03 long"),
    ],
)
def test_a_stretch_that_cannot_be_is_told(
    shell: VodShell, arguments: tuple[str, ...], words: str
) -> None:
    shell.record()
    assert words in shell.run("export", VOD, "out.mp4", *arguments, expect=1).stderr


def test_a_place_that_cannot_be_is_told(shell: VodShell, tmp_path: Path) -> None:
    shell.record()
    assert "gone" in shell.run("export", VOD, "gone/out.mp4", expect=1).stderr
    assert "there already" in shell.run("export", VOD, str(tmp_path), "--force", expect=1).stderr
    assert "no recording" in shell.run("export", "nothing-here", "out.mp4", expect=1).stderr
