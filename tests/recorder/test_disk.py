"""The file system: writing is whole or fails, and room is kept for last words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from recorder.disk import FULL, LocalDisk, Reserve, make_folder, sync_folder
from tests.recorder.small_disk import small_disk

MIB = 1 << 20


def test_what_is_written_stands_where_it_should(tmp_path: Path) -> None:
    disk = LocalDisk()
    file = disk.create(tmp_path / "a")
    disk.write(file, b"12345", 0)
    disk.write(file, b"67", 5)
    disk.sync(file)
    disk.truncate(file, 6)
    os.close(file)
    assert (tmp_path / "a").read_bytes() == b"123456"


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        LocalDisk().create(tmp_path / "a")


def test_folders_are_made_with_those_above(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    sync_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    with small_disk(tmp_path, 2 * MIB) as mount:
        disk = LocalDisk()
        file = disk.create(mount / "a")
        with pytest.raises(OSError) as caught:  # noqa: PT011
            disk.write(file, bytes(3 * MIB), 0)
        os.close(file)
        assert caught.value.errno in FULL
        assert disk.free(mount) == 0


def test_the_reserve_gives_room_back(tmp_path: Path) -> None:
    with small_disk(tmp_path, 2 * MIB) as mount:
        disk = LocalDisk()
        before = disk.free(mount)
        reserve = Reserve(mount)
        assert disk.free(mount) == before - MIB
        file = disk.create(mount / "a")
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            disk.write(file, bytes(3 * MIB), 0)
        reserve.release()
        reserve.release()
        assert disk.free(mount) == MIB
        os.close(file)


def test_no_reserve_is_left_where_it_does_not_fit(tmp_path: Path) -> None:
    with small_disk(tmp_path, MIB // 2) as mount:
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            Reserve(mount)
        assert list(mount.iterdir()) == []
