"""Files that are written past the kernel's cache, and through it where that cannot be."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from recorder.mp4.straight import BUFFER, StraightFile


def written(path: Path, pieces: list[bytes]) -> bytes:
    with closing(StraightFile(path)) as file:
        for piece in pieces:
            file.write(piece)
        file.finish()
    return path.read_bytes()


@pytest.mark.parametrize(
    "sizes",
    [[], [0], [1], [4_095, 1], [4_096], [BUFFER], [BUFFER - 1, 2], [BUFFER + 4_096, 7, 3 * BUFFER]],
)
def test_all_of_it_is_there_whatever_the_sizes(tmp_path: Path, sizes: list[int]) -> None:
    pieces = [Random(size).randbytes(size) for size in sizes]
    assert written(tmp_path / "file", pieces) == b"".join(pieces)


def test_a_file_system_that_refuses_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "no")
        return opened(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    data = Random(1).randbytes(BUFFER + 5)
    assert written(tmp_path / "file", [data]) == data


def test_a_file_system_that_refuses_it_at_the_first_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def refuse(file: int, data: memoryview) -> int:
        if fcntl.fcntl(file, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, "no")
        return write(file, data)

    monkeypatch.setattr(os, "write", refuse)
    data = Random(2).randbytes(2 * BUFFER + 5)
    assert written(tmp_path / "file", [data]) == data


def test_a_disk_that_takes_a_part_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:1_000_001]))
    data = Random(3).randbytes(2 * BUFFER)
    assert written(tmp_path / "file", [data]) == data


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        written(tmp_path / "file", [b"x" * BUFFER])
