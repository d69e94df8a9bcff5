"""A deletion goes through, wherever it is cut off."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from recorder.catalog.adoption import Adoption, Terms
from recorder.catalog.catalog import Catalog
from recorder.catalog.clips import Clip, Stretch
from recorder.catalog.deletions import StillRecording
from recorder.catalog.outputs import Output
from recorder.deletion import Deletion, Swept, TalkRemains
from recorder.files import Files, FilesRemain, LocalFiles
from recorder.retention import Keeping, decide
from tests.recorder.catalog.world import NOW_MS, lay, records
from tests.recorder.deleting_process import catalog_in, recordings_in

CLIP = "a" * 32
KEEPING = Keeping(keep_days=0, quota_bytes=0, keep_clips=True)


class Store:
    """A second place, which may be away. Names are `<vod>/<what>`."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = set(names)
        self.away = False

    async def remove(self, vod: str, keep: Collection[str]) -> None:
        self._look()
        stays = {f"{vod}/{key}" for key in keep}
        self.names = {one for one in self.names if one.split("/")[0] != vod or one in stays}

    async def remove_output(self, vod: str, key: str) -> None:
        self._look()
        self.names.discard(f"{vod}/{key}")

    def _look(self) -> None:
        if self.away:
            raise FilesRemain("The store is away.")


class Rooms:
    """What was said, as moments by channel; the log may be down."""

    def __init__(self) -> None:
        self.said: dict[str, list[int]] = {}
        self.down = False
        self.asked = 0

    async def erase(self, channel: str, since_ms: int, until_ms: int) -> int:
        self.asked += 1
        if self.down:
            raise TalkRemains("The log is down.")
        before = self.said.get(channel, [])
        self.said[channel] = [one for one in before if not since_ms <= one < until_ms]
        return len(before) - len(self.said[channel])


class Killed(BaseException):
    """The process ends here."""


class Dying(Store):
    async def remove(self, vod: str, keep: Collection[str]) -> None:
        raise Killed

    async def remove_output(self, vod: str, key: str) -> None:
        raise Killed


class House:
    """A catalog, a folder of recordings, a store."""

    def __init__(self, catalog: Catalog, recordings: Path) -> None:
        self.catalog = catalog
        self.recordings = recordings
        self.store = Store(())
        self.files: Sequence[Files] = (LocalFiles(recordings), self.store)
        self.talk: Rooms | None = None

    @property
    def deletion(self) -> Deletion:
        return Deletion(self.catalog, self.files, self.talk)

    async def record(self, vod: str, *, live: bool = False) -> None:
        lay(self.recordings, vod, records(vod))
        adoption = Adoption(self.catalog.vods, self.recordings, lambda _: Terms("public", KEEPING))
        await adoption.adopt(vod, live=live)
        self.store.names.add(f"{vod}/chunk")

    async def clip(self, vod: str, key: str = CLIP) -> Clip:
        folder = self.recordings / vod / "derived" / key
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "facts.json").write_text("{}")
        self.store.names.add(f"{vod}/{key}")
        await self.catalog.outputs.put(Output(key, vod, "clip", NOW_MS, 30, {}))
        clip = await self.catalog.clips.create(Stretch(vod, 0, 5, "", "", key), NOW_MS)
        return await self.catalog.clips.set_state(clip.id, "ready", key)

    async def delete(self, vod: str, *, keep_clips: bool = False) -> None:
        record = await self.deletion.delete_vod(
            vod, by="Ann", reason="owner", now_ms=NOW_MS, keep_clips=keep_clips
        )
        assert record is not None

    @property
    def left(self) -> set[str]:
        """All files that are anywhere."""
        local = (path for path in self.recordings.rglob("*") if path.is_file())
        return {str(path.relative_to(self.recordings)) for path in local} | self.store.names


@pytest.fixture
async def house(database_url: URL, tmp_path: Path) -> AsyncIterator[House]:
    catalog = Catalog.at(database_url)
    await catalog.open()
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    yield House(catalog, recordings)
    await catalog.close()


async def test_a_deleted_vod_is_nowhere_any_more(house: House) -> None:
    await house.record("live-1")
    await house.record("live-2")
    before = house.left
    await house.delete("live-1")
    assert await house.catalog.vods.get("live-1") is None
    assert house.left == {one for one in before if one.startswith("live-2/")}
    assert await house.deletion.sweep(NOW_MS) == Swept()
    again = await house.deletion.delete_vod(
        "live-1", by="", reason="owner", now_ms=NOW_MS, keep_clips=False
    )
    assert again is None


async def test_clips_that_stay_are_all_that_is_left_until_they_go(house: House) -> None:
    await house.record("live-1")
    clip = await house.clip("live-1")
    await house.clip("live-1", "b" * 32)
    await house.delete("live-1", keep_clips=True)
    both = {f"live-1/derived/{key}/facts.json" for key in (CLIP, "b" * 32)}
    assert house.left == both | {f"live-1/{CLIP}", f"live-1/{'b' * 32}"}
    record = await house.deletion.delete_clip(clip.id, by="Ann", reason="owner", now_ms=NOW_MS)
    assert record is not None
    assert house.left == {f"live-1/derived/{'b' * 32}/facts.json", f"live-1/{'b' * 32}"}


async def test_a_clip_of_which_another_one_has_the_files_leaves_them(house: House) -> None:
    await house.record("live-1")
    first, second = await house.clip("live-1"), await house.clip("live-1")
    before = house.left
    await house.deletion.delete_clip(first.id, by="", reason="owner", now_ms=NOW_MS)
    assert house.left == before
    await house.deletion.delete_clip(second.id, by="", reason="owner", now_ms=NOW_MS)
    assert house.left == {"live-1/index.log", "live-1/chunk"}
    assert await house.deletion.delete_clip("x", by="", reason="owner", now_ms=NOW_MS) is None


async def test_a_place_that_is_away_is_swept_when_it_is_back(house: House) -> None:
    await house.record("live-1")
    await house.record("live-2")
    clip = await house.clip("live-2")
    house.store.away = True
    await house.delete("live-1")
    await house.deletion.delete_clip(clip.id, by="", reason="owner", now_ms=NOW_MS)
    assert house.left == {
        "live-1/chunk", "live-2/chunk", f"live-2/{CLIP}", "live-2/index.log"
    }  # fmt: skip
    assert await house.catalog.vods.get("live-1") is None
    assert await house.deletion.sweep(NOW_MS) == Swept(gone=0, remaining=2)
    house.store.away = False
    assert await house.deletion.sweep(NOW_MS) == Swept(gone=2, remaining=0)
    assert house.left == {"live-2/chunk", "live-2/index.log"}
    assert await house.deletion.sweep(NOW_MS) == Swept()


async def test_a_kill_before_the_files_are_deleted_is_healed_by_the_sweep(house: House) -> None:
    await house.record("live-1")
    clip = await house.clip("live-1")
    await house.record("live-2")
    other = await house.clip("live-2", "b" * 32)
    await house.clip("live-2", "c" * 32)
    whole = house.files
    house.files = (Dying(()),)
    with pytest.raises(Killed):
        await house.delete("live-1", keep_clips=True)
    with pytest.raises(Killed):
        await house.deletion.delete_clip(other.id, by="", reason="owner", now_ms=NOW_MS)
    assert await house.catalog.vods.get("live-1") is None
    assert await house.catalog.clips.get(other.id) is None
    house.files = whole
    assert await house.deletion.sweep(NOW_MS) == Swept(gone=2)
    assert await house.catalog.clips.get(clip.id) is not None
    assert {one for one in house.left if one.startswith("live-1/")} == {
        f"live-1/derived/{CLIP}/facts.json",
        f"live-1/{CLIP}",
    }
    assert not any("b" * 32 in one for one in house.left)
    assert any("c" * 32 in one for one in house.left)


async def test_a_kill_before_the_end_is_noted_does_no_harm(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.record("live-1")

    async def killed(vod: str, now_ms: int) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(house.catalog.deletions, "vod_gone", killed)
        with pytest.raises(Killed):
            await house.delete("live-1")
    assert house.left == set()
    assert await house.deletion.sweep(NOW_MS) == Swept(gone=1)


async def test_what_is_recorded_stays_whole(house: House) -> None:
    await house.record("live-1", live=True)
    before = house.left
    with pytest.raises(StillRecording):
        await house.delete("live-1")
    assert house.left == before
    assert await house.catalog.vods.get("live-1") is not None


async def test_a_plan_is_carried_out_with_a_record_of_each(house: House) -> None:
    for number in range(3):
        await house.record(f"live-{number}")
    await house.clip("live-0")
    holdings = await house.catalog.quota.weigh("live")
    keeping = Keeping(keep_days=0, quota_bytes=holdings.size_bytes - 1, keep_clips=True)
    plan = decide(holdings.vods, keeping, NOW_MS, other_bytes=holdings.other_bytes)
    done = await house.deletion.carry_out(plan, keeping, NOW_MS)
    assert [(one.id, one.reason, one.by) for one in done] == [("live-0", "quota", "")]
    assert (await house.catalog.deletions.page()).items == done
    assert [vod.id for vod in (await house.catalog.vods.page()).items] == ["live-2", "live-1"]
    after = await house.catalog.quota.weigh("live")
    assert after.other_bytes == 30
    assert await house.deletion.carry_out(plan, keeping, NOW_MS) == []


async def told(house: House, vod: str = "live-1") -> int | None:
    """What the record says of the chat."""
    records = (await house.catalog.deletions.page()).items
    return next(one.what.chat for one in records if one.id == vod)


async def test_what_was_said_in_its_time_goes_with_it_and_is_counted(house: House) -> None:
    house.talk = Rooms()
    house.talk.said = {
        "live": [NOW_MS - 60_000, NOW_MS, NOW_MS + 5_000, NOW_MS + 11_000],
        "other": [NOW_MS],
    }
    await house.record("live-1")
    await house.delete("live-1")
    assert house.talk.said == {"live": [NOW_MS - 60_000, NOW_MS + 11_000], "other": [NOW_MS]}
    assert await told(house) == 2
    await house.deletion.sweep(NOW_MS)
    assert (await told(house), house.talk.asked) == (2, 1)


async def test_a_log_that_is_down_is_asked_again_by_the_sweep(house: House) -> None:
    house.talk = Rooms()
    house.talk.said = {"live": [NOW_MS]}
    house.talk.down = True
    await house.record("live-1")
    await house.delete("live-1")
    assert house.left == set(), "its files do not wait for that"
    assert await told(house) is None
    await house.deletion.sweep(NOW_MS)
    assert await told(house) is None
    house.talk.down = False
    await house.deletion.sweep(NOW_MS)
    assert (await told(house), house.talk.said) == (1, {"live": []})


async def test_who_has_no_rooms_leaves_the_chat_to_who_has(house: House) -> None:
    await house.record("live-1")
    await house.delete("live-1")
    await house.deletion.sweep(NOW_MS)
    assert await told(house) is None
    house.talk = Rooms()
    house.talk.said = {"live": [NOW_MS]}
    await house.deletion.sweep(NOW_MS)
    assert await told(house) == 1


async def test_a_log_that_is_down_is_not_asked_for_every_recording(house: House) -> None:
    for number in range(9):
        await house.record(f"live-{number}")
        await house.delete(f"live-{number}")
    house.talk = Rooms()
    house.talk.down = True
    await house.deletion.sweep(NOW_MS)
    assert house.talk.asked == 3


async def test_after_kills_at_random_moments_everything_is_whole_or_gone(tmp_path: Path) -> None:
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    catalog = catalog_in(tmp_path)
    await catalog.open()
    house = House(catalog, recordings_in(tmp_path))
    vods = [f"live-{number:02}" for number in range(20)]
    for vod in vods:
        await house.record(vod)
        await house.clip(vod, f"{vods.index(vod):032x}")
        for number in range(50):
            (house.recordings / vod / f"source-{number:06}.mp4").write_bytes(b"x")
    house.store.names.clear()
    before = {vod: of(vod, house.left) for vod in vods}
    for _ in range(5):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.recorder.deleting_process", str(tmp_path),
            stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"begins\n"
        await asyncio.sleep(chance.uniform(0, 0.1))
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    stays = {vod.id for vod in (await catalog.vods.page()).items}
    for vod in stays:
        assert of(vod, house.left) == before[vod]
    await house.deletion.sweep(NOW_MS)
    for vod in set(vods) - stays:
        (clip,) = (await catalog.clips.page(vod=vod)).items
        assert of(vod, house.left) == {f"{vod}/derived/{clip.output}/facts.json"}
    records_left = {one.id for one in (await catalog.deletions.page()).items}
    assert records_left == set(vods) - stays
    await catalog.close()


def of(vod: str, files: set[str]) -> set[str]:
    return {one for one in files if one.startswith(f"{vod}/")}
