"""The process that is killed: it deletes all VODs of a catalog, one after the other."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from recorder.catalog.catalog import Catalog
from recorder.deletion import Deletion
from recorder.files import LocalFiles
from sluice.database import sqlite_url
from tests.recorder.catalog.world import NOW_MS


def catalog_in(folder: Path) -> Catalog:
    return Catalog.at(sqlite_url(folder / "catalog.db"))


def recordings_in(folder: Path) -> Path:
    return folder / "recordings"


async def delete_all(folder: Path) -> None:
    catalog = catalog_in(folder)
    await catalog.open()
    deletion = Deletion(catalog, [LocalFiles(recordings_in(folder))])
    vods = (await catalog.vods.page()).items
    print("begins", flush=True)
    for vod in vods:
        await deletion.delete_vod(vod.id, by="Ann", reason="owner", now_ms=NOW_MS, keep_clips=True)
    await catalog.close()


if __name__ == "__main__":
    asyncio.run(delete_all(Path(sys.argv[1])))
