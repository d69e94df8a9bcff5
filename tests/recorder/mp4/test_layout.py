"""A virtual file reads and writes like the file that it stands for."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.media import LocalMedia, MediaMissing
from recorder.mp4.interleave import Extents
from recorder.mp4.layout import BLOCK, VirtualFile
from recorder.mp4.stitch import stitch
from recorder.mp4.timeline import INLINE
from recorder.replay import Replay
from tests.recorder.broadcast import Broadcast

INLINE_BYTES = b"inline bytes"


def nothing(done: float) -> None:
    return None


def layout(folder: Path, extents: list[tuple[int, int, int]], size: int = 3 * BLOCK) -> VirtualFile:
    """Of two files with noise, of which the second one is small."""
    noise = np.random.default_rng(1)
    (folder / "a").write_bytes(noise.bytes(size))
    (folder / "b").write_bytes(noise.bytes(1_000))
    columns = np.array(extents, np.int64).reshape(-1, 3).T
    return VirtualFile(LocalMedia(folder), ["a", "b"], INLINE_BYTES, Extents(*columns))


def content(folder: Path, extents: list[tuple[int, int, int]]) -> bytes:
    sources = {
        0: (folder / "a").read_bytes(),
        1: (folder / "b").read_bytes(),
        INLINE: INLINE_BYTES,
    }
    return b"".join(sources[source][at : at + size] for source, at, size in extents)


class Remote(LocalMedia):
    """Has no files that the kernel could copy."""

    def local(self, name: str) -> Path | None:
        return None


@pytest.fixture(scope="module")
def written(eventful: Broadcast, replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("written") / "video.mp4"
    stitch(replay, eventful.media).write(path, nothing)
    return path.read_bytes()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ends=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_any_range_is_as_in_the_written_file(
    ends: tuple[float, float], eventful: Broadcast, replay: Replay, written: bytes
) -> None:
    file = stitch(replay, eventful.media)
    start, end = sorted(int(end * file.size) for end in ends)
    assert b"".join(file.read(start, end - start)) == written[start:end]


EXTENTS = st.lists(
    st.one_of(
        st.tuples(st.just(0), st.integers(0, 2 * BLOCK), st.integers(1, BLOCK)),
        st.tuples(st.just(1), st.integers(0, 400), st.integers(1, 600)),
        st.tuples(st.just(INLINE), st.integers(0, 6), st.integers(1, 6)),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(extents=EXTENTS, start=st.integers(0, BLOCK), length=st.integers(0, 3 * BLOCK))
def test_extents_of_any_kind_follow_each_other(
    extents: list[tuple[int, int, int]],
    start: int,
    length: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("extents")
    file = layout(folder, extents)
    whole = content(folder, extents)
    assert file.size == len(whole)
    pieces = list(file.read(start, length))
    assert b"".join(pieces) == whole[start : start + length]
    assert all(0 < len(piece) <= 2 * BLOCK for piece in pieces)


def test_neighbours_are_read_at_once(tmp_path: Path) -> None:
    reads: list[tuple[str, int, int]] = []

    class Counted(LocalMedia):
        def read(self, name: str, offset: int, size: int) -> bytes:
            reads.append((name, offset, size))
            return super().read(name, offset, size)

    extents = [(0, 1_000 * n, 900) for n in range(100)]
    layout(tmp_path, extents)
    columns = np.array(extents, np.int64).T
    file = VirtualFile(Counted(tmp_path), ["a"], b"", Extents(*columns))
    assert b"".join(file.read(0, file.size)) == content(tmp_path, extents)
    assert reads == [("a", 0, 99_900)]


def test_nothing_stands_behind_the_end_or_before_the_beginning(tmp_path: Path) -> None:
    file = layout(tmp_path, [(1, 0, 10)])
    assert list(file.read(10, 5)) == []
    assert list(file.read(99, 5)) == []
    assert b"".join(file.read(8, 5)) == content(tmp_path, [(1, 8, 2)])
    with pytest.raises(ValueError, match="before"):
        file.read(-1, 5)


def test_it_opens_like_a_file(tmp_path: Path) -> None:
    extents = [(INLINE, 0, 6), (1, 100, 300), (0, 5, 100)]
    file, whole = layout(tmp_path, extents), content(tmp_path, extents)
    opened = file.open()
    assert opened.read(10) == whole[:10]
    assert opened.seek(-4, io.SEEK_END) == len(whole) - 4
    assert opened.read() == whole[-4:]
    assert opened.read(3) == b""
    assert opened.seek(2) == opened.tell() == 2
    assert opened.seek(3, io.SEEK_CUR) == 5
    assert opened.read(1) == whole[5:6]
    with pytest.raises(OSError, match="before"):
        opened.seek(-1)


def test_missing_media_is_an_error_for_whoever_has_it_open(tmp_path: Path) -> None:
    file = layout(tmp_path, [(1, 0, 500)])
    (tmp_path / "b").unlink()
    with pytest.raises(MediaMissing, match="b"):
        list(file.read(0, 10))
    with pytest.raises(OSError, match="b"):
        file.open().read(10)


def test_writing_says_how_far_it_is(tmp_path: Path) -> None:
    size = 40 << 20
    file = layout(tmp_path, [(0, 0, size), (0, 5, size - 5)], size)
    told: list[float] = []
    file.write(tmp_path / "out", told.append)
    assert told == sorted(told)
    assert len(told) >= 3
    assert told[-1] == 1.0


@pytest.mark.parametrize("refused", [(), ("copy_file_range",), ("copy_file_range", "sendfile")])
def test_every_way_of_copying_gives_the_same_file(
    refused: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extents = [(INLINE, 2, 4), (0, 7, 2 * BLOCK), (1, 1, 999), (0, 0, 5), (1, 3, 7)]
    file = layout(tmp_path, extents)

    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EXDEV, "not here")

    for name in refused:
        monkeypatch.setattr(os, name, refuse)
    file.write(tmp_path / "out", nothing)
    assert (tmp_path / "out").read_bytes() == content(tmp_path, extents)


def test_chunks_of_a_store_are_written_too(tmp_path: Path) -> None:
    extents = [(0, 7, 2 * BLOCK), (INLINE, 2, 4), (1, 1, 999)]
    layout(tmp_path, extents)
    columns = np.array(extents, np.int64).T
    file = VirtualFile(Remote(tmp_path), ["a", "b"], INLINE_BYTES, Extents(*columns))
    file.write(tmp_path / "out", nothing)
    assert (tmp_path / "out").read_bytes() == content(tmp_path, extents)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no other file system")
def test_it_is_written_to_another_file_system(tmp_path: Path) -> None:
    extents = [(0, 7, 2 * BLOCK), (1, 1, 999)]
    file = layout(tmp_path, extents)
    path = Path("/dev/shm") / f"{tmp_path.name}-{os.getpid()}"
    try:
        file.write(path, nothing)
        assert path.read_bytes() == content(tmp_path, extents)
    finally:
        path.unlink(missing_ok=True)


def test_half_a_file_never_has_its_name(tmp_path: Path) -> None:
    file = layout(tmp_path, [(0, 0, 100), (1, 900, 200)])
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(MediaMissing, match="b: it ends before byte 1100"):
        file.write(out / "video.mp4", nothing)
    assert list(out.iterdir()) == []
