"""Everything that is not as it should be is found, and nothing else."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from recorder import index
from recorder.index import IndexWriter, encode, read
from recorder.media import LocalMedia
from recorder.recording import NotARecording, Recording
from recorder.records import Chunk, Closed, Part, Sealed, Stored
from recorder.verify import Finding, verify
from tests.recorder.studio import record

SOURCE = "source-000001.mp4"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "r"
    asyncio.run(record(folder, 5))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "r"))


def found(folder: Path) -> list[Finding]:
    return verify(folder, LocalMedia(folder))


def whats(folder: Path) -> list[tuple[str, str]]:
    return [(one.what, one.file) for one in found(folder)]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def without(folder: Path, kind: type[Part | Chunk | Sealed | Closed]) -> None:
    """The index, without the first record of a kind."""
    records = read(folder / index.FILE).records
    records.remove(next(one for one in records if isinstance(one, kind)))
    (folder / index.FILE).write_bytes(b"".join(map(encode, records)))


def test_a_whole_recording(folder: Path) -> None:
    assert found(folder) == []


def test_a_wrong_bit_in_a_part(folder: Path) -> None:
    part = next(
        span
        for _, span in Recording.read(folder).renditions["source"].spans
        if isinstance(span, Part) and span.p == 1
    )
    flip(folder / SOURCE, part.o + 9)
    damaged, checksum = found(folder)
    assert (damaged.what, damaged.file) == ("damaged", SOURCE)
    assert f"1 part is damaged or missing (segment.part {part.s}.1)" in damaged.text
    assert (checksum.what, checksum.file) == ("checksum", SOURCE)


def test_a_wrong_bit_in_an_init_segment(folder: Path) -> None:
    flip(folder / SOURCE, 50)
    assert whats(folder) == [("damaged", SOURCE), ("checksum", SOURCE)]


def test_a_wrong_bit_in_a_note_that_players_skip(folder: Path) -> None:
    chunk = next(one for one in read(folder / index.FILE).records if isinstance(one, Chunk))
    flip(folder / SOURCE, len(chunk.init) + 30)
    assert whats(folder) == [("checksum", SOURCE)]


def test_a_missing_file(folder: Path) -> None:
    (folder / SOURCE).unlink()
    assert found(folder) == [Finding("missing", f"{SOURCE}: No such file or directory.", SOURCE)]


def test_a_short_file(folder: Path) -> None:
    size = (folder / SOURCE).stat().st_size
    with (folder / SOURCE).open("r+b") as file:
        file.truncate(size - 5)
    damaged, short, checksum = found(folder)
    assert (damaged.what, damaged.text.count("1 part is")) == ("damaged", 1)
    assert short == Finding("size", f"{SOURCE} has {size - 5} bytes and not {size}.", SOURCE)
    assert checksum.what == "checksum"


def test_bytes_behind_the_end(folder: Path) -> None:
    with (folder / SOURCE).open("ab") as file:
        file.write(b"more")
    assert whats(folder) == [("size", SOURCE)]


def test_a_file_that_the_index_does_not_know(folder: Path) -> None:
    shutil.copy(folder / SOURCE, folder / "source-000009.mp4")
    assert whats(folder) == [("unknown", "source-000009.mp4")]


def test_a_chunk_that_the_index_lost(folder: Path) -> None:
    without(folder, Chunk)
    index_lost, unknown = found(folder)
    assert index_lost.text == "8 parts are of chunks that the index does not know."
    assert (unknown.what, unknown.file) == ("unknown", SOURCE)


def test_broken_and_torn_lines(folder: Path) -> None:
    path = folder / index.FILE
    lines = path.read_bytes().splitlines(keepends=True)
    part = next(n for n, line in enumerate(lines) if b'"k":"p"' in line)
    lines[part] = lines[part].replace(b'"d":', b'"D":')
    path.write_bytes(b"".join(lines) + b"torn")
    texts = [one.text for one in found(folder) if one.what == "index"]
    assert texts == [
        f"Lines of the index are broken: {part + 1}.",
        "The index ends with 4 bytes that are no line.",
    ]


def test_a_recording_that_is_not_closed(folder: Path) -> None:
    without(folder, Closed)
    assert whats(folder) == [("open", "")]


def test_what_only_the_store_has_is_read_from_there(folder: Path, tmp_path: Path) -> None:
    class Elsewhere(LocalMedia):
        def local(self, name: str) -> Path | None:
            return None

    with IndexWriter(folder / index.FILE) as writer:
        writer.append([Stored("source", 1)])
    store = tmp_path / "store"
    shutil.copytree(folder, store)
    (folder / SOURCE).unlink()
    assert verify(folder, Elsewhere(store)) == []
    flip(store / SOURCE, 5_000)
    assert [one.what for one in verify(folder, Elsewhere(store))] == ["damaged", "checksum"]


def test_what_is_no_recording_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        found(tmp_path)
    (tmp_path / index.FILE).touch()
    with pytest.raises(NotARecording):
        found(tmp_path)
