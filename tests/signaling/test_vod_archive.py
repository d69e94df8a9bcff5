"""The recordings of a storage folder as commands find them."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.index import FILE, IndexWriter
from recorder.recording import NotARecording, Recording
from signaling.vod_archive import Archive, is_growing
from sluice.config import ConfigError, Settings
from tests.recorder.catalog.world import lay, records

VOD = "live-20260301-180000-abc234"


def archive_on(storage: Path, **recorder: object) -> Archive:
    return Archive(Settings(storage={"path": storage}, recorder=recorder))  # type: ignore[arg-type]


def test_a_recording_grows_while_its_index_is_locked(tmp_path: Path) -> None:
    folder = lay(tmp_path, VOD, records(VOD, closed=None))
    recording = Recording.read(folder)
    assert not is_growing(folder, recording), "a crash left it"
    with IndexWriter(folder / FILE):
        assert is_growing(folder, recording)
    assert not is_growing(folder, recording)


def test_who_asks_is_in_nobodys_way(tmp_path: Path) -> None:
    folder = lay(tmp_path, VOD, records(VOD, closed=None))
    is_growing(folder, Recording.read(folder))
    IndexWriter(folder / FILE).close()


def test_recordings_are_found_by_id_and_by_path(tmp_path: Path) -> None:
    archive = archive_on(tmp_path)
    folder = lay(archive.folder, VOD, records(VOD))
    assert archive.folder_of(VOD) == folder
    assert archive.folder_of(str(folder)) == folder
    for other in ("live-x", "NO", "..", "", f"{tmp_path}/gone"):
        with pytest.raises(NotARecording):
            archive.folder_of(other)


def test_a_lost_index_and_a_deleted_recording_are_told_apart(tmp_path: Path) -> None:
    archive = archive_on(tmp_path)
    assert archive.recordings() == []
    lost = lay(archive.folder, "live-lost", records("live-lost"))
    (lost / FILE).unlink()
    (lost / "source-000001.mp4").write_bytes(b"x")
    rest = archive.folder / "live-rest"
    (rest / "derived").mkdir(parents=True)
    (archive.folder / ".leaving-live-1").mkdir()
    assert archive.recordings() == ["live-lost"]


def test_there_is_a_catalog_once_it_was_made(tmp_path: Path) -> None:
    assert not archive_on(tmp_path).has_catalog
    (tmp_path / "catalog.db").touch()
    assert archive_on(tmp_path).has_catalog
    url = "postgresql+asyncpg://u:p@127.0.0.1/x"
    assert archive_on(tmp_path / "other", database_url=url).has_catalog


async def test_a_redis_address_that_is_none_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    archive = archive_on(tmp_path, jobs={"redis_url": "http://x"})
    with pytest.raises(ConfigError, match="redis_url"):
        await archive.queue().__aenter__()
