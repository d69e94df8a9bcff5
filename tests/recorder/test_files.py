"""The files of a recording are deleted: all of them, and no other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from recorder.files import FilesRemain, LocalFiles

CLIP, MP4 = "a" * 32, "b" * 32


def lay(recordings: Path, vod: str) -> Path:
    """A recording with chunks and two outputs."""
    folder = recordings / vod
    for key in (CLIP, MP4):
        (folder / "derived" / key).mkdir(parents=True)
        (folder / "derived" / key / "facts.json").write_text("{}")
    (folder / "derived" / f".{MP4}.1").mkdir()
    for name in ("index.log", "index.stored", "source-000001.mp4", "audio-000001.mp4"):
        (folder / name).write_bytes(b"x")
    return folder


def there(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


async def test_nothing_of_a_recording_is_left_and_others_stay(recordings: Path) -> None:
    lay(recordings, "live-1")
    other = lay(recordings, "live-10")
    before = there(other)
    for _ in range(2):
        await LocalFiles(recordings).remove("live-1", ())
    assert names(recordings) == ["live-10"]
    assert there(other) == before


async def test_outputs_that_stay_are_all_that_is_left(recordings: Path) -> None:
    folder = lay(recordings, "live-1")
    for _ in range(2):
        await LocalFiles(recordings).remove("live-1", {CLIP})
    assert there(folder) == {f"derived/{CLIP}/facts.json"}
    await LocalFiles(recordings).remove("live-2", {CLIP})


async def test_the_last_output_takes_the_folder_along(recordings: Path) -> None:
    folder = lay(recordings, "live-1")
    files = LocalFiles(recordings)
    await files.remove("live-1", {CLIP, MP4})
    await files.remove_output("live-1", CLIP)
    assert there(folder) == {f"derived/{MP4}/facts.json"}
    await files.remove_output("live-1", MP4)
    assert names(recordings) == []
    await files.remove_output("live-1", MP4)


async def test_an_output_of_a_vod_goes_and_the_vod_stays(recordings: Path) -> None:
    folder = lay(recordings, "live-1")
    before = there(folder)
    for _ in range(2):
        await LocalFiles(recordings).remove_output("live-1", CLIP)
    assert there(folder) == before - {f"derived/{CLIP}/facts.json"}


async def test_what_was_cut_off_is_gone_on_with(recordings: Path) -> None:
    """The folder was renamed already; and a part of the one that was to stay is left."""
    lay(recordings, "live-1").rename(recordings / ".leaving-live-1")
    folder = lay(recordings, "live-2")
    (folder / "index.log").unlink()
    files = LocalFiles(recordings)
    await files.remove("live-1", ())
    await files.remove("live-2", {CLIP})
    assert names(recordings) == ["live-2"]
    assert there(folder) == {f"derived/{CLIP}/facts.json"}


async def test_several_at_once_do_not_disturb_each_other(recordings: Path) -> None:
    files = LocalFiles(recordings)
    for number in range(10):
        folder = lay(recordings, f"live-{number}")
        for many in range(50):
            (folder / f"source-{many:06}.mp4").write_bytes(b"x")
        await asyncio.gather(*(files.remove(f"live-{number}", ()) for _ in range(4)))
    assert names(recordings) == []


async def test_a_folder_that_somebody_moves_away_meanwhile_is_deleted_all_the_same(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay(recordings, "live-1")
    leaving = recordings / ".leaving-live-1"
    look = Path.is_dir

    def look_too_early(path: Path) -> bool:
        seen = look(path)
        if path == leaving and folder.exists():
            folder.rename(leaving)
        return seen

    monkeypatch.setattr(Path, "is_dir", look_too_early)
    await LocalFiles(recordings).remove("live-1", ())
    assert not folder.exists()
    assert names(recordings) == []


async def test_a_link_is_deleted_and_not_what_it_leads_to(recordings: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    folder = lay(recordings, "live-1")
    (folder / "link").symlink_to(precious)
    (folder / "derived" / "link").symlink_to(precious)
    await LocalFiles(recordings).remove("live-1", {CLIP})
    assert there(folder) == {f"derived/{CLIP}/facts.json"}
    (recordings / "live-2").symlink_to(precious)
    await LocalFiles(recordings).remove("live-2", ())
    await LocalFiles(recordings).remove("live-1", ())
    assert names(recordings) == []
    assert there(precious) == {"file"}


@pytest.mark.parametrize("vod", ["", ".", "..", "../x", "a/b", "/etc", ".leaving-live-1", "A-1"])
async def test_only_recordings_are_deleted(recordings: Path, vod: str) -> None:
    files = LocalFiles(recordings)
    with pytest.raises(ValueError, match="no recording"):
        await files.remove(vod, ())
    with pytest.raises(ValueError, match="no recording"):
        await files.remove_output(vod, CLIP)
    with pytest.raises(ValueError, match="no output"):
        await files.remove_output("live-1", "../../live-2")
    with pytest.raises(ValueError, match="no output"):
        await files.remove("live-1", {"x"})


async def test_a_folder_of_recordings_that_is_away_is_not_taken_for_deleted(
    recordings: Path,
) -> None:
    with pytest.raises(FilesRemain):
        await LocalFiles(recordings / "unmounted").remove("live-1", ())
