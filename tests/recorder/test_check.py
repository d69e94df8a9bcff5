"""Reading a chunk tells which of its parts are what they were."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from recorder import check as module
from recorder.check import check
from recorder.media import LocalMedia, MediaMissing
from tests.recorder.chunk import CHUNK, DATA, KEY, PARTS, flipped

SHA = sha256(DATA).hexdigest()


class Counted(LocalMedia):
    """How often media is read, and bytes that cannot be."""

    def __init__(self, folder: Path, bad: range = range(0)) -> None:
        super().__init__(folder)
        self.reads: list[tuple[int, int]] = []
        self._bad = bad

    def read(self, name: str, offset: int, size: int) -> bytes:
        self.reads.append((offset, size))
        if any(offset <= at < offset + size for at in self._bad):
            raise MediaMissing(f"{name}: Input/output error")
        return super().read(name, offset, size)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / KEY.file).write_bytes(DATA)
    return tmp_path


def test_a_whole_chunk(folder: Path) -> None:
    media = Counted(folder)
    found = check(media, CHUNK, PARTS, len(DATA))
    assert (found.head, found.damaged, found.sha256, found.missing) == (True, [], SHA, "")
    assert media.reads == [(0, len(DATA))], "at once"


def test_a_large_chunk_is_read_in_pieces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 2 * PARTS[0].n)
    media = Counted(folder)
    assert check(media, CHUNK, PARTS, len(DATA)).sha256 == SHA
    assert len(media.reads) > 2
    assert sum(size for _, size in media.reads) == len(DATA)


def test_a_damaged_part_is_named(folder: Path) -> None:
    (folder / KEY.file).write_bytes(flipped(DATA, PARTS[2].o + 5))
    found = check(LocalMedia(folder), CHUNK, PARTS, len(DATA))
    assert (found.head, found.damaged) == (True, [PARTS[2]])
    assert found.sha256 not in ("", SHA)


def test_a_damaged_init_segment_is_told(folder: Path) -> None:
    (folder / KEY.file).write_bytes(flipped(DATA, 5))
    found = check(LocalMedia(folder), CHUNK, PARTS, len(DATA))
    assert (found.head, found.damaged) == (False, [])


def test_what_is_behind_the_end_is_damaged(folder: Path) -> None:
    (folder / KEY.file).write_bytes(DATA[: PARTS[4].o + 10])
    found = check(LocalMedia(folder), CHUNK, PARTS, len(DATA))
    assert found.damaged == PARTS[4:]
    assert found.sha256 == ""
    assert found.missing.startswith(KEY.file)


def test_a_bad_sector_costs_one_part(folder: Path) -> None:
    bad = range(PARTS[1].o + 3, PARTS[1].o + 4)
    found = check(Counted(folder, bad), CHUNK, PARTS, len(DATA))
    assert (found.head, found.damaged, found.sha256) == (True, [PARTS[1]], "")
    assert "Input/output error" in found.missing


def test_a_missing_chunk(tmp_path: Path) -> None:
    found = check(LocalMedia(tmp_path), CHUNK, PARTS, len(DATA))
    assert (found.head, found.damaged, found.sha256) == (False, PARTS, "")
    assert "No such file" in found.missing


def test_a_chunk_without_parts(folder: Path) -> None:
    found = check(LocalMedia(folder), CHUNK, [], len(CHUNK.init))
    assert (found.head, found.damaged) == (True, [])
    assert found.sha256 == sha256(CHUNK.init).hexdigest()
