"""A recorder and its uploader in a process of their own, so that they can be killed together.

    python -m tests.recorder.store.uploading_process RECORDINGS ENDPOINT BUCKET CHUNKS

It goes on with what an earlier one left. It says `failing` at each failure, and `finished`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from recorder.store.folder import unfinished
from recorder.store.plan import Health
from recorder.store.upload import Uploader
from tests.recorder.store.growing import ID, Growing
from tests.recorder.store.s3_server import Bucket, open_bucket

AHEAD = 3
"""Chunks that wait for the store before the next one is recorded. A real recorder never waits,
but then all would be recorded before the first kill."""


def size_of(number: int) -> int:
    return 6_000_000 if number % 10 == 0 else 100_000 + number


async def main(recordings: Path, bucket: Bucket, chunks: int) -> None:
    room = asyncio.Semaphore(AHEAD)
    uploader = Uploader(open_bucket(bucket, request_s=5), told=tell)
    uploader.start()
    found = {one.recording: one for one in unfinished(recordings)}
    if ID in found and found[ID].closed:
        await uploader.resume(found[ID])
    else:
        growing: Growing

        def stored(rendition: str, number: int) -> None:
            growing.stored(rendition, number)
            room.release()

        await uploader.open(ID, recordings / ID, stored)
        growing = Growing(recordings)
        while growing.next <= chunks:
            await room.acquire()
            uploader.sealed(ID, growing.seal(size_of(growing.next)))
        growing.close()
        uploader.close(ID)
    await uploader.finished(ID)
    await uploader.stop()
    print("finished", flush=True)


def tell(health: Health) -> None:
    print("failing" if health.failures else "taking", flush=True)


if __name__ == "__main__":
    at = Bucket(sys.argv[2], sys.argv[3], make=False)
    asyncio.run(main(Path(sys.argv[1]), at, int(sys.argv[4])))
