"""A real child that reads its chunks from a store."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from recorder.jobs.stored import media_from
from tests.recorder.jobs.world import RECORDING, make_recording, outputs, queue_on, settled, spec


async def test_a_child_reads_what_is_in_the_store_only(tmp_path: Path) -> None:
    storage, store = tmp_path / "storage", tmp_path / "store"
    chunk = make_recording(storage) / "source-000001.mp4"
    (store / RECORDING).mkdir(parents=True)
    chunk.rename(store / RECORDING / chunk.name)

    async with queue_on(storage, "writes", media=media_from(store.as_uri())) as queue:
        job = await settled(queue, spec())

    assert (job.state, job.error) == ("done", "")
    folder = outputs(storage).find(job.key)
    assert folder is not None
    assert (folder / "poster.jpg").read_bytes() == b"initpart"


def test_a_secret_is_not_shown() -> None:
    source = media_from("s3://vods", access_key="key", secret=SecretStr("s3cr3t"))
    assert source.settings["secret"] == "s3cr3t"
    assert "s3cr3t" not in repr(source)
