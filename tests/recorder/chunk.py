"""One chunk as the recorder writes it, and what the index says of it."""

from __future__ import annotations

from recorder.cutter import Cutter, Init, Media
from recorder.records import Chunk, Part, Session
from recorder.salvage import ChunkKey
from tests.recorder.fragments import ORIGIN_MS, picture
from tests.recorder.studio import BEGAN

KEY = ChunkKey("source", 1)
SESSION = Session(1, "one", ORIGIN_MS)


def written(segments: int = 3) -> tuple[bytes, Chunk, list[Part]]:
    """A chunk as the recorder writes it."""
    reel = picture()
    cutter = Cutter(BEGAN, 60_000, {})
    steps = [*cutter.take(SESSION), *cutter.take(Init("source", 0, reel.init, reel.track))]
    for shots in reel.segments(segments):
        for shot in shots:
            media = Media(
                "source",
                shot.msn,
                shot.part,
                shot.time,
                shot.ticks,
                shot.independent,
                False,
                shot.data,
            )
            steps += cutter.take(media)
    data = b"".join(b"".join(step.data) for step in steps)
    [chunk] = [step.record for step in steps if isinstance(step.record, Chunk)]
    return data, chunk, [step.record for step in steps if isinstance(step.record, Part)]


DATA, CHUNK, PARTS = written()


def flipped(data: bytes, *places: int) -> bytes:
    changed = bytearray(data)
    for at in places:
        changed[at] ^= 0x40
    return bytes(changed)
