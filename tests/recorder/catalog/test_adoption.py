"""Recordings that lie in the folder come into the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.catalog.adoption import Adoption, Terms
from recorder.catalog.catalog import Catalog
from recorder.recording import NotARecording
from recorder.records import Began
from recorder.retention import DAY_MS, Choice, Keeping
from tests.recorder.catalog.world import NOW_MS, lay, records

TERMS = {
    "live": Terms("public", Keeping(keep_days=7, quota_bytes=0, keep_clips=True)),
    "other": Terms("token", Keeping(keep_days=0, quota_bytes=0, keep_clips=True)),
}
END_MS = NOW_MS + 10_500


def adoption(catalog: Catalog, recordings: Path) -> Adoption:
    return Adoption(catalog.vods, recordings, TERMS.__getitem__)


async def test_a_recording_comes_in_by_the_terms_of_its_channel(
    catalog: Catalog, tmp_path: Path
) -> None:
    lay(tmp_path, "live-1", records("live-1"))
    lay(tmp_path, "other-1", records("other-1"))
    live = await adoption(catalog, tmp_path).adopt("live-1")
    other = await adoption(catalog, tmp_path).adopt("other-1")
    assert live is not None
    assert (live.access, live.keep_until_ms) == ("public", END_MS + 7 * DAY_MS)
    assert other is not None
    assert (other.access, other.keep_until_ms) == ("token", None)


async def test_the_catalog_can_be_made_anew_from_the_folders(
    catalog: Catalog, tmp_path: Path
) -> None:
    names = [f"live-{number}" for number in range(3)]
    for name in names:
        lay(tmp_path, name, records(name))
    found = await adoption(catalog, tmp_path).adopt_all()
    assert [vod.id for vod in found.vods] == names
    assert {vod.id for vod in (await catalog.vods.page()).items} == set(names)
    again = await adoption(catalog, tmp_path).adopt_all()
    assert (again.vods, again.unreadable, again.missing) == ([], {}, [])


async def test_how_long_it_is_kept_counts_from_its_end(catalog: Catalog, tmp_path: Path) -> None:
    lay(tmp_path, "live-1", records("live-1", closed=None))
    growing = await adoption(catalog, tmp_path).adopt("live-1", live=True)
    assert growing is not None
    assert (growing.state, growing.keep_until_ms) == ("recording", None)
    ended = await adoption(catalog, tmp_path).adopt("live-1")
    assert ended is not None
    assert (ended.state, ended.keep_until_ms) == ("ready", NOW_MS + 10_000 + 7 * DAY_MS)


async def test_after_a_crash_those_that_grew_have_ended(catalog: Catalog, tmp_path: Path) -> None:
    for name in ("live-1", "live-2", "live-3"):
        lay(tmp_path, name, records(name, closed=None))
    await adoption(catalog, tmp_path).adopt("live-1", live=True)
    await adoption(catalog, tmp_path).adopt("live-2", live=True)
    await adoption(catalog, tmp_path).adopt("live-3")
    found = await adoption(catalog, tmp_path).adopt_all(live={"live-2"})
    assert [(vod.id, vod.state) for vod in found.vods] == [
        ("live-1", "ready"),
        ("live-2", "recording"),
    ]


async def test_all_are_read_anew_when_that_is_asked(catalog: Catalog, tmp_path: Path) -> None:
    folder = lay(tmp_path, "live-1", records("live-1"))
    await adoption(catalog, tmp_path).adopt_all()
    (folder / "index.log").unlink()
    folder.rmdir()
    lay(tmp_path, "live-1", records("live-1", seconds=20))
    assert (await adoption(catalog, tmp_path).adopt_all()).vods == []
    (vod,) = (await adoption(catalog, tmp_path).adopt_all(again=True)).vods
    assert vod.duration_ms == 20_000


async def test_what_was_deleted_stays_so(catalog: Catalog, tmp_path: Path) -> None:
    lay(tmp_path, "live-1", records("live-1"))
    await adoption(catalog, tmp_path).adopt_all()
    await catalog.deletions.delete_vod("live-1", "", "owner", NOW_MS, keep_clips=True)
    found = await adoption(catalog, tmp_path).adopt_all(again=True)
    assert (found.vods, found.rests, found.missing) == ([], ["live-1"], [])
    assert await adoption(catalog, tmp_path).adopt("live-1") is None


async def test_what_cannot_be_read_keeps_no_other_out(catalog: Catalog, tmp_path: Path) -> None:
    lay(tmp_path, "live-1", [])
    lay(tmp_path, "live-2", records("another-2"))
    lay(tmp_path, "live-3", records("live-3"))
    lay(tmp_path, "live-4", [Began(99, "live-4", "live", "", NOW_MS)])
    lay(tmp_path, ".leaving-live-5", records("live-5"))
    (tmp_path / "live-6").mkdir()
    (tmp_path / "live-7").write_text("a file")
    found = await adoption(catalog, tmp_path).adopt_all()
    assert [vod.id for vod in found.vods] == ["live-3"]
    assert found.unreadable.keys() == {"live-1", "live-2", "live-4"}
    assert "another-2" in found.unreadable["live-2"]
    with pytest.raises(NotARecording):
        await adoption(catalog, tmp_path).adopt("live-1")


async def test_a_folder_that_is_missing_is_told(catalog: Catalog, tmp_path: Path) -> None:
    folder = lay(tmp_path, "live-1", records("live-1"))
    await adoption(catalog, tmp_path).adopt_all()
    (folder / "index.log").unlink()
    folder.rmdir()
    assert (await adoption(catalog, tmp_path).adopt_all()).missing == ["live-1"]
    assert (await adoption(catalog, tmp_path / "nowhere").adopt_all()).missing == ["live-1"]


async def test_what_was_chosen_for_its_channel_counts(catalog: Catalog, tmp_path: Path) -> None:
    lay(tmp_path, "live-1", records("live-1"))
    server = TERMS["live"].keeping
    await catalog.keepings.choose(
        "live", Choice(keep_days=2), server, by="owner", now_ms=NOW_MS, admin=False
    )
    takes = Adoption(catalog.vods, tmp_path, TERMS.__getitem__, catalog.keepings)
    live = await takes.adopt("live-1")
    assert live is not None
    assert live.keep_until_ms == END_MS + 2 * DAY_MS
