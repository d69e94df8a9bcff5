"""After a crash all that was written is there, and the recording is closed."""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder import index
from recorder.index import IndexWriter, encode, read
from recorder.recording import NotARecording, Recording
from recorder.records import Chunk, Closed, Part, Record, Sealed, Stored
from recorder.recovery import recover
from tests.recorder import kills
from tests.recorder.fragments import FRAMES, ORIGIN_MS, film, picture
from tests.recorder.power import PowerDisk, images
from tests.recorder.studio import Studio, fault_of, frames_of, parts_of, record

SECONDS = 9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole recording; tests take copies."""
    folder = tmp_path_factory.mktemp("made") / "r"
    asyncio.run(record(folder, SECONDS))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "r"))


def all_parts() -> dict[str, list[tuple[int, int]]]:
    return {
        reel.name: [(shot.msn, shot.part) for shots in reel.segments(SECONDS) for shot in shots]
        for reel in film()
    }


def keep_records(folder: Path, count: int) -> None:
    """The index as a crash may have left it."""
    records = read(folder / index.FILE).records[:count]
    (folder / index.FILE).write_bytes(b"".join(map(encode, records)))


def position(folder: Path, kind: type[Record], number: int = 0) -> int:
    """Which record is the nth of a kind."""
    records = read(folder / index.FILE).records
    return [n for n, one in enumerate(records) if isinstance(one, kind)][number]


def assert_whole(folder: Path) -> None:
    assert parts_of(folder) == all_parts()
    assert fault_of(folder) == ""
    assert frames_of(folder)["source"] == SECONDS * 2 * FRAMES


def test_a_closed_recording_is_left_as_it_is(folder: Path) -> None:
    before = (folder / index.FILE).read_bytes()
    found = recover(folder)
    assert (found.closed, found.parts, found.sealed, found.damaged) == (False, 0, 0, [])
    assert (folder / index.FILE).read_bytes() == before


def test_a_recording_that_only_lacks_its_end_is_closed(folder: Path) -> None:
    keep_records(folder, position(folder, Closed))
    found = recover(folder)
    assert (found.closed, found.parts, found.sealed) == (True, 0, 0)
    closed = Recording.read(folder).closed
    assert closed is not None
    assert closed.reason == "recovered"
    assert closed.wall_ms == pytest.approx(ORIGIN_MS + SECONDS * 1_000, abs=25)
    assert_whole(folder)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chance=st.randoms(use_true_random=False))
def test_an_index_that_ends_anywhere_is_made_whole_by_the_chunks(
    made: Path, tmp_path: Path, chance: random.Random
) -> None:
    folder = tmp_path / secrets.token_hex(8)
    shutil.copytree(made, folder)
    data = (folder / index.FILE).read_bytes()
    first = data.index(b"\n") + 1
    size = chance.randint(first, len(data))
    (folder / index.FILE).write_bytes(data[:size])
    recover(folder)
    assert parts_of(folder) == all_parts()
    assert fault_of(folder) == ""
    again = (folder / index.FILE).read_bytes()
    assert recover(folder).closed is False
    assert (folder / index.FILE).read_bytes() == again
    shutil.rmtree(folder)


def test_parts_that_the_index_did_not_hear_of_are_found(folder: Path) -> None:
    keep_records(folder, position(folder, Part, -4))
    found = recover(folder)
    assert (found.parts, found.sealed, found.closed) == (4, 3, True)
    assert_whole(folder)


def test_a_chunk_that_the_index_did_not_hear_of_is_found(folder: Path) -> None:
    keep_records(folder, position(folder, Chunk, 3))
    found = recover(folder)
    assert found.sealed == 8, "the seal of the chunk before stands in front of it"
    assert_whole(folder)


def test_a_half_written_part_is_cut_off(folder: Path) -> None:
    keep_records(folder, position(folder, Closed) - 3)
    path = folder / "source-000003.mp4"
    whole = path.read_bytes()
    path.write_bytes(whole + picture().segment(SECONDS)[0].data[:-100])
    found = recover(folder)
    assert found.cut == len(picture().segment(SECONDS)[0].data) - 100
    assert path.read_bytes() == whole
    assert_whole(folder)


def test_a_last_part_with_wrong_bytes_is_not_believed(folder: Path) -> None:
    keep_records(folder, position(folder, Part, -1))
    name = f"{read(folder / index.FILE).records[-1]!r}"
    assert "90p" in name, "the one behind it is the sound"
    path = folder / "audio-000003.mp4"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    assert recover(folder).parts == 0
    assert parts_of(folder)["audio"] == all_parts()["audio"][:-1]
    assert fault_of(folder) == ""


def test_a_chunk_without_a_whole_part_goes(folder: Path) -> None:
    keep_records(folder, position(folder, Chunk, -1))
    path = folder / "audio-000003.mp4"
    path.write_bytes(path.read_bytes()[:900])
    recover(folder)
    assert not path.exists()
    assert fault_of(folder) == ""
    assert len(parts_of(folder)["audio"]) == len(all_parts()["audio"]) - 2


def test_a_torn_line_is_cut_off(folder: Path) -> None:
    path = folder / index.FILE
    path.write_bytes(path.read_bytes()[:-10])
    found = recover(folder)
    assert found.torn > 0
    assert found.closed
    assert_whole(folder)


def test_broken_lines_in_the_middle_are_written_anew(folder: Path) -> None:
    """Some pages of the newest lines did not come to the disk, and later ones did."""
    data = bytearray((folder / index.FILE).read_bytes())
    begin = data.index(b'"k":"chunk"', len(data) // 2)
    data[begin : begin + 2_000] = bytes(2_000)
    (folder / index.FILE).write_bytes(data)
    found = recover(folder)
    assert any("broken line" in sentence for sentence in found.rewritten)
    assert any(path.suffix == ".bak" for path in folder.iterdir())
    assert_whole(folder)
    assert recover(folder).rewritten == []


def test_a_chunk_that_is_shorter_than_the_index_says_is_left_to_repair(folder: Path) -> None:
    keep_records(folder, position(folder, Sealed, -3))
    path = folder / "source-000003.mp4"
    path.write_bytes(path.read_bytes()[:-1])
    found = recover(folder)
    assert found.damaged == ["source-000003.mp4"]
    assert found.sealed == 2
    assert found.closed


def test_a_chunk_that_only_the_store_has_is_not_missed(folder: Path) -> None:
    with IndexWriter(folder / index.FILE) as writer:
        writer.append([Stored("source", 1)])
    (folder / "source-000001.mp4").unlink()
    (folder / "source-000002.mp4").unlink()
    assert recover(folder).damaged == ["source-000002.mp4"]


async def test_a_recording_at_work_is_left_alone(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r")
    await studio.open()
    await studio.written(len(studio.play(1)))
    with pytest.raises(BlockingIOError):
        recover(studio.folder)
    studio.play(1, first=1)
    await studio.close()
    assert recover(studio.folder).closed is False
    assert fault_of(studio.folder) == ""


def test_without_an_index_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotARecording, match="missing"):
        recover(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / index.FILE).write_bytes(b"nonsense\n")
    with pytest.raises(NotARecording):
        recover(tmp_path)


async def test_a_power_cut_costs_one_part_at_most(tmp_path: Path) -> None:
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    live = tmp_path / "live"
    disk = PowerDisk(live)
    studio = Studio(live, disk=disk)
    await studio.open()
    handed: list[list[tuple[str, int, int]]] = [[]]
    for number in range(6):
        segments = [reel.segment(number) for reel in studio.reels]
        for shots in zip(*segments, strict=True):
            for shot in shots:
                studio.hand(shot)
            handed.append([*handed[-1], *((one.rendition, one.msn, one.part) for one in shots)])
            await studio.written(len(handed[-1]))
    await studio.close()
    disk.keep()

    for image, moment in images(disk, tmp_path, chance):
        lasting = {
            (one.r, one.s, one.p)
            for one in index.parse(moment.index).records
            if isinstance(one, Part)
        }
        recover(image)
        kept = {(name, *part) for name, parts in parts_of(image).items() for part in parts}
        assert lasting <= kept, f"{image.name}: what was lasting is lost"
        handed_then = next(parts for parts in handed if lasting <= set(parts))
        for reel in studio.reels:
            lost = [one for one in handed_then if one[0] == reel.name and one not in kept]
            assert len(lost) <= 1, f"{image.name}: {lost}"
        assert fault_of(image) == "", image.name
        again = (image / index.FILE).read_bytes()
        recover(image)
        assert (image / index.FILE).read_bytes() == again


def test_after_ten_kills_everything_can_be_played(tmp_path: Path) -> None:
    """`python -m tests.recorder.kills` does it as often as one likes."""
    report = kills.run(tmp_path, 10, secrets.randbelow(10**6))
    print(report)
    assert report.faults == [], report
    assert report.kills == 10
