"""A broadcast goes into a real S3 store while it is live, is replayed from there, and leaves it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from recorder.recording import Recording
from tests.journeys.phone import Phone
from tests.journeys.replay_probe import probe
from tests.journeys.server import SluiceServer
from tests.journeys.test_vod import await_replay, begun, download, recorded_s
from tests.journeys.waiting import until
from tests.recorder.store.s3_server import ACCESS_KEY, SECRET, new_bucket, s3_server


def test_all_of_it_is_in_the_store_and_plays_from_there(tmp_path: Path) -> None:
    with s3_server() as endpoint:
        bucket = new_bucket(endpoint)
        store = {
            "url": f"s3://{bucket.name}/live",
            "endpoint": endpoint,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET,
            "keep_local_h": 0,
        }
        settings = {"recorder": {"record": "always", "chunk_s": 2, "store": store}}
        with SluiceServer(tmp_path / "server", settings=settings) as server:
            key = server.create_channel("lina")
            with Phone(server, "lina", key):
                begun(server)
                recorded_s(server, 6)
                # While it is live: chunks are there already.
                until("chunks in the store", lambda: len(bucket.names("live/")) >= 2, 20)
                server.kill()  # in the middle of it
                server.start()
                recorded_s(server, 4)
            vod = await_replay(server)
            folder = server.folder / "storage" / "recordings" / vod["id"]
            before = chunks(folder)
            until(
                "all of it in the store",
                lambda: (
                    {f"live/{vod['id']}/{name}" for name in [*before, "index.log"]}
                    <= set(bucket.names("live/"))
                ),
                40,
            )
            for name, digest in before.items():
                assert bucket.sha256(f"live/{vod['id']}/{name}") == digest, name
            # Local chunks are let go by the look at the start.
            until("jobs are done", lambda: settled(server, vod["id"]), 60)
            server.restart()
            until("local chunks are gone", lambda: not list(folder.glob("*-*.mp4")), 30)
            found = probe(download(f"{server.origin}/vod/{vod['id']}/video.mp4", tmp_path / "v"))
            assert len(found.pictures) > 200
            playlist = f"{server.origin}/vod/{vod['id']}/source/000001.mp4"
            assert len(download(playlist, tmp_path / "chunk").read_bytes()) > 100_000
            server.request("DELETE", f"/api/vods/{vod['id']}")
            until("the store is empty", lambda: not bucket.names("live/"), 20)
            assert not folder.exists()


def chunks(folder: Path) -> dict[str, str]:
    """Digests of all chunks, by name."""
    recording = Recording.read(folder)
    return {
        file.name: sha256((folder / file.name).read_bytes()[: file.size]).hexdigest()
        for captured in recording.renditions.values()
        for file in captured.chunks.values()
    }


def settled(server: SluiceServer, vod: str) -> bool:
    found: Any = server.request("GET", f"/api/vods/{vod}")
    states = [job["state"] for job in found["jobs"]]
    return len(states) >= 4 and all(one == "done" for one in states)
