"""A recorder in a process of its own, to be killed. Says what it does on a pipe, line by line.

`h source 1790000000 1` stands before a part is handed over, `l ...` comes when it is lasting. As in
a live stream, the next parts come when those before had the time to be written.
"""

from __future__ import annotations

import asyncio
import os
import random
from multiprocessing.connection import Connection
from pathlib import Path

from tests.recorder.fragments import ORIGIN_MS, Shot
from tests.recorder.studio import Studio

LIFE_MS = 1_000_000
"""Between the origins of two lives: their sessions do not overlap."""
SEGMENTS = (5, 25)
PADDING = 2 << 20
"""Bytes that some parts are larger by, so that a kill comes while one is written."""


def write(folder: Path, life: int, seed: int, pipe: Connection) -> None:
    """Record until the kill comes, or to the end."""
    asyncio.run(_write(folder, life, random.Random(seed), pipe.fileno()))


async def _write(folder: Path, life: int, chance: random.Random, pipe: int) -> None:
    studio = Studio(folder)
    told = 0
    os.write(pipe, b"o\n")
    origin_ms = ORIGIN_MS + life * LIFE_MS
    await studio.open(f"life {life}", origin_ms)
    os.write(pipe, b"w\n")
    heavy = chance.random() < 0.5
    for number in range(chance.randint(*SEGMENTS)):
        segments = [reel.segment(number, origin_ms) for reel in studio.reels]
        for shots in zip(*segments, strict=True):
            for shot in shots:
                os.write(pipe, f"h {shot.rendition} {shot.msn} {shot.part}\n".encode())
                studio.hand(_padded(shot, chance) if heavy else shot)
            await studio.written(told + len(shots))
            told += len(shots)
            lines = [f"l {shot.rendition} {shot.msn} {shot.part}\n" for shot in shots]
            os.write(pipe, "".join(lines).encode())
    os.write(pipe, b"c\n")
    await studio.close()
    os.write(pipe, b"e\n")


def _padded(shot: Shot, chance: random.Random) -> Shot:
    """With a box that players skip."""
    size = 8 + chance.randrange(PADDING)
    return shot._replace(data=size.to_bytes(4, "big") + b"free" + bytes(size - 8) + shot.data)
