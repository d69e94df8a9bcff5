"""Whatever happened to a recording, the rest of it can be played afterwards."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder import index
from recorder.index import IndexWriter, encode, read
from recorder.media import LocalMedia
from recorder.recording import NotARecording, Recording
from recorder.records import Chunk, Closed, Gap, Mark, Part, Record, Sealed, Session, Stored
from recorder.repair import repair
from recorder.replay import Replay
from recorder.verify import verify
from tests.recorder.fragments import FRAMES, ORIGIN_MS
from tests.recorder.studio import BEGAN, Studio, fault_of, frames_of, parts_of, record

SECONDS = 9
SOURCE = "source-000002.mp4"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions, a gap and a mark; tests take copies."""
    folder = tmp_path_factory.mktemp("made") / "r"

    async def make() -> None:
        studio = Studio(folder)
        capture = await studio.open()
        studio.play(SECONDS - 2)
        msn = ORIGIN_MS // 1_000 + SECONDS - 2
        for name, scale in (("source", 90_000), ("90p", 90_000), ("audio", 48_000)):
            time = (SECONDS - 2) * scale
            capture.add_gap(name, msn, 0, time, scale // 2, discontinuity=False)
        capture.mark(Mark(ORIGIN_MS + 2_000, "marker", "Goal"))
        studio.begin("two", ORIGIN_MS + 60_000)
        studio.play(2, origin_ms=ORIGIN_MS + 60_000)
        await studio.close()

    asyncio.run(make())
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "r"))


def change(path: Path, mend: Callable[[bytearray], None]) -> None:
    data = bytearray(path.read_bytes())
    mend(data)
    path.write_bytes(data)


def flip(path: Path, *places: int) -> None:
    def flipped(data: bytearray) -> None:
        for at in places:
            data[at] ^= 0x10

    change(path, flipped)


def part_of(folder: Path, number: int, chunk: int = 2) -> Part:
    """The nth part of a chunk of the source."""
    spans = Recording.read(folder).renditions["source"].spans
    return [one for _, one in spans if isinstance(one, Part) and one.c == chunk][number]


def assert_at_peace(folder: Path) -> None:
    """Index and media agree, and there is no more to do."""
    assert fault_of(folder) == ""
    before = (folder / index.FILE).read_bytes()
    assert repair(folder) == []
    assert (folder / index.FILE).read_bytes() == before


def same_media(one: Path, other: Path) -> bool:
    """Whether two indexes tell of the same parts, chunks and sessions."""
    first, second = Recording.read(one), Recording.read(other)
    return (first.sessions, {name: parts(first, name) for name in first.renditions}) == (
        second.sessions,
        {name: parts(second, name) for name in second.renditions},
    )


def parts(recording: Recording, name: str) -> list[tuple[int, Part]]:
    spans = recording.renditions[name].spans
    return [(session, span) for session, span in spans if isinstance(span, Part)]


def test_a_whole_recording_is_left_as_it_is(folder: Path) -> None:
    assert_at_peace(folder)
    assert sorted(path.suffix for path in folder.iterdir()) == [".log", *[".mp4"] * 9]


def test_a_lost_index_is_written_anew_from_the_chunks(folder: Path, made: Path) -> None:
    (folder / index.FILE).unlink()
    done = repair(folder)
    assert done[0] == "The index was missing."
    assert "source-000001.mp4 was not in the index." in done
    assert "source-000001.mp4: 8 parts found that the index did not know." in done
    assert "The recording was not closed, and is now." in done
    assert same_media(folder, made)
    assert frames_of(folder) == frames_of(made)
    recording = Recording.read(folder)
    assert (recording.id, recording.title) == (BEGAN.recording, BEGAN.title)
    assert recording.closed is not None
    assert recording.closed.reason == "recovered"
    assert Replay.of(recording).periods == Replay.of(Recording.read(made)).periods
    assert_at_peace(folder)


def test_a_broken_first_line_costs_nothing(folder: Path, made: Path) -> None:
    before = (folder / index.FILE).read_bytes()
    flip(folder / index.FILE, 20)
    broken = (folder / index.FILE).read_bytes()
    done = repair(folder)
    assert "1 broken line of the index left out." in done
    assert done[-1] == "The index as it was is index-1.bak."
    assert (folder / "index-1.bak").read_bytes() == broken
    assert same_media(folder, made)
    assert Recording.read(folder).marks == Recording.read(made).marks
    assert set(read(folder / index.FILE).records) == set(index.parse(before).records)
    assert_at_peace(folder)


def test_each_backup_is_kept(folder: Path) -> None:
    for _ in range(2):
        flip(folder / index.FILE, 20)
        repair(folder)
    assert {path.name for path in folder.glob("*.bak")} == {"index-1.bak", "index-2.bak"}


def test_damaged_parts_become_gaps_and_the_rest_plays(folder: Path) -> None:
    first, last = part_of(folder, 2), part_of(folder, 5)
    flip(folder / SOURCE, first.o + 100, last.o + 100)
    assert repair(folder)[0] == f"{SOURCE}: 2 of 6 parts damaged or missing, and left out."
    spans = [span for _, span in Recording.read(folder).renditions["source"].spans]
    for part in (first, last):
        gap = Gap("source", part.s, part.p, part.t, part.d, lost=True)
        assert gap in spans
        assert part not in spans
    assert_at_peace(folder)
    # Behind a damaged keyframe, the second half of the segment cannot be played, either.
    assert frames_of(folder)["source"] == (SECONDS * 2 - 3) * FRAMES


def test_a_file_that_ends_early_keeps_what_it_has(folder: Path) -> None:
    part = part_of(folder, 3)
    change(folder / SOURCE, lambda data: data.__delitem__(slice(part.o + 10, None)))
    assert f"{SOURCE}: 3 of 6 parts damaged or missing, and left out." in repair(folder)
    assert part_of(folder, -1).o + part_of(folder, -1).n == part.o
    assert (folder / SOURCE).stat().st_size == part.o + 10, "no media is deleted"
    assert_at_peace(folder)


def test_a_missing_file_becomes_gaps(folder: Path) -> None:
    (folder / SOURCE).unlink()
    assert f"{SOURCE} is missing: 6 parts left out." in repair(folder)
    recording = Recording.read(folder)
    assert list(recording.renditions["source"].chunks) == [1, 3]
    assert len(parts_of(folder)["source"]) == SECONDS * 2 - 6
    assert len(parts_of(folder)["audio"]) == SECONDS * 2
    assert frames_of(folder)["source"] == (SECONDS * 2 - 6) * FRAMES
    assert_at_peace(folder)


def test_a_file_that_came_back_is_played_again(folder: Path, made: Path) -> None:
    (folder / SOURCE).rename(folder / "elsewhere")
    repair(folder)
    (folder / "elsewhere").rename(folder / SOURCE)
    assert f"{SOURCE} was not in the index." in repair(folder)
    assert same_media(folder, made)
    assert_at_peace(folder)


def test_a_damaged_init_segment_is_written_anew(folder: Path, made: Path) -> None:
    flip(folder / SOURCE, 50)
    assert repair(folder)[0] == f"The init segment of {SOURCE} was damaged, and written anew."
    assert (folder / SOURCE).read_bytes() == (made / SOURCE).read_bytes()
    assert_at_peace(folder)


def test_without_an_index_an_init_segment_comes_from_another_chunk(
    folder: Path, made: Path
) -> None:
    flip(folder / SOURCE, 50)
    (folder / index.FILE).unlink()
    repair(folder)
    assert (folder / SOURCE).read_bytes() == (made / SOURCE).read_bytes()
    assert same_media(folder, made)


def test_a_damaged_head_without_an_index_is_left_alone(folder: Path) -> None:
    init = Recording.read(folder).renditions["source"].chunks[2].chunk.init
    flip(folder / SOURCE, len(init) + 40)
    (folder / index.FILE).unlink()
    assert f"{SOURCE} does not tell what it is, and was left as it is." in repair(folder)
    assert frames_of(folder)["source"] == (SECONDS * 2 - 6) * FRAMES


def test_bytes_behind_the_end_are_sealed_with_the_rest(folder: Path) -> None:
    change(folder / SOURCE, lambda data: data.extend(b"more"))
    assert f"{SOURCE} is not what was sealed, and was sealed as it is." in repair(folder)
    assert_at_peace(folder)


def test_a_damaged_file_that_the_store_has_is_moved_aside(folder: Path) -> None:
    with IndexWriter(folder / index.FILE) as writer:
        writer.append([Stored("source", 2)])
    flip(folder / SOURCE, part_of(folder, 1).o + 1)
    sealed = Recording.read(folder).renditions["source"].chunks[2].sealed
    done = repair(folder)
    assert done[0] == f"{SOURCE} is damaged, and the store has it whole: the file is aside now."
    chunk = Recording.read(folder).renditions["source"].chunks[2]
    assert (chunk.sealed, chunk.stored) == (sealed, True)
    assert (folder / f"{SOURCE}.damaged").exists()
    assert repair(folder) == []


@pytest.mark.parametrize("kind", [Session, Chunk, Part, Sealed, Closed])
def test_a_lost_line_is_found_in_the_chunks(folder: Path, made: Path, kind: type[Record]) -> None:
    records = read(folder / index.FILE).records
    lost = [n for n, one in enumerate(records) if isinstance(one, kind)][-1]
    lines = list(map(encode, records))
    lines[lost] = lines[lost][:-1] + b"!\n"
    (folder / index.FILE).write_bytes(b"".join(lines))
    assert repair(folder)
    assert same_media(folder, made)
    assert_at_peace(folder)


def test_what_a_crash_left_is_closed(folder: Path, made: Path) -> None:
    records = read(folder / index.FILE).records
    last = [n for n, one in enumerate(records) if isinstance(one, Part)][-4]
    (folder / index.FILE).write_bytes(b"".join(map(encode, records[:last])) + b"torn")
    done = repair(folder)
    assert done[0] == "4 bytes at the end of the index cut off: not a whole line."
    assert same_media(folder, made)
    assert_at_peace(folder)


async def test_a_recording_at_work_is_left_alone(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r")
    await studio.open()
    with pytest.raises(BlockingIOError):
        repair(studio.folder)
    studio.play(1)
    await studio.close()
    assert fault_of(studio.folder) == ""


def test_where_nothing_tells_which_recording_it_is(tmp_path: Path) -> None:
    with pytest.raises(NotARecording, match="which recording"):
        repair(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "source-000001.mp4").write_bytes(b"nonsense")
    (tmp_path / index.FILE).write_bytes(b"nonsense")
    with pytest.raises(NotARecording, match="which recording"):
        repair(tmp_path)
    with pytest.raises(FileNotFoundError):
        repair(tmp_path / "nowhere")


async def test_a_repaired_recording_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    await record(folder, 3)
    (folder / index.FILE).unlink()
    repair(folder)
    studio = Studio(folder)
    await studio.open("two", ORIGIN_MS + 60_000)
    studio.play(3, origin_ms=ORIGIN_MS + 60_000)
    await studio.close()
    assert frames_of(folder)["source"] == 12 * FRAMES
    assert fault_of(folder) == ""


@settings(max_examples=60, deadline=None)
@given(chance=st.randoms(use_true_random=False), index_too=st.booleans())
def test_after_any_damage_the_rest_plays_and_all_agrees(
    made: Path, chance: random.Random, index_too: bool
) -> None:
    """Flipped bits, holes, cut files and missing ones, several at once."""
    with TemporaryDirectory() as parent:
        folder = Path(shutil.copytree(made, Path(parent) / "r"))
        files = sorted(folder.glob("*.mp4"))
        hurt = chance.sample(files, chance.randint(1, 3))
        for path in hurt + ([folder / index.FILE] if index_too else []):
            _damage(path, chance)
        repair(folder)
        left = verify(folder, LocalMedia(folder))
        assert {one.what for one in left} <= {"unknown"}, "heads that nothing tells anything of"
        before = (folder / index.FILE).read_bytes()
        assert len(repair(folder)) == len(left)
        assert (folder / index.FILE).read_bytes() == before
        there = parts_of(folder)
        for name, kept in parts_of(made).items():
            assert set(there.get(name, [])) <= set(kept), "nothing is made up"
            whole = sum(path.name.startswith(name) for path in set(files) - set(hurt))
            assert len(there.get(name, [])) >= whole * 4 - 4
        frames_of(folder)


def _damage(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    begin = chance.randrange(len(data))
    match chance.choice(("flip", "hole", "cut", "gone")):
        case "flip":
            data[begin] ^= 1 << chance.randrange(8)
        case "hole":
            end = min(len(data), begin + chance.randint(1, 20_000))
            data[begin:end] = bytes(end - begin)
        case "cut":
            del data[begin:]
        case _:
            path.unlink()
            return
    path.write_bytes(data)
