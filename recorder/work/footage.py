"""The coded pictures and sound of a replay, read piece by piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from recorder.media import Media
from recorder.mp4.boxes import MalformedMedia
from recorder.mp4.fragments import read_samples
from recorder.mp4.moof import Samples
from recorder.records import chunk_name
from recorder.replay import Line, Piece, Replay, Slot


@dataclass(frozen=True, slots=True)
class Track:
    """A rendition of a slot: what a decoder needs, and the piece."""

    name: str
    init: int
    """Number of the first chunk with the same init segment."""
    piece: Piece
    width: int
    height: int
    """Pixels; 0 for sound."""
    timescale: int

    @property
    def chunk(self) -> str:
        """The file."""
        return chunk_name(self.name, self.piece.chunk)

    @property
    def side(self) -> int:
        """The shorter one, in pixels."""
        return min(self.width, self.height)

    @property
    def setup(self) -> tuple[str, int]:
        """Tracks for which this is the same share a decoder."""
        return self.name, self.init


class Sample(NamedTuple):
    """A coded picture, or an AAC frame."""

    time: int
    """Ticks since the session's origin."""
    duration: int
    keyframe: bool
    data: bytes


class Footage:
    """Reading raises MediaMissing, and MalformedMedia (a ValueError) for bytes that are broken."""

    def __init__(self, replay: Replay, media: Media) -> None:
        self.replay = replay
        self._media = media

    def pictures(self, slot: Slot) -> list[Track]:
        """The renditions of a slot, the largest first."""
        return sorted((one for one in self._tracks(slot) if one.side), key=lambda one: -one.side)

    def sound(self, slot: Slot) -> Track | None:
        """The sound of a slot."""
        return next((one for one in self._tracks(slot) if not one.side), None)

    def sound_runs(self, slots: range) -> Iterator[tuple[int, list[Track]]]:
        """(period, pieces of sound) that follow each other in one chunk; see `run`."""
        run: list[Track] = []
        current = -1
        for slot in (self.replay.slots[index] for index in slots):
            track = self.sound(slot)
            if run and (
                track is None
                or slot.period != current
                or track.chunk != run[-1].chunk
                or track.piece.offset != run[-1].piece.offset + run[-1].piece.size
            ):
                yield current, run
                run = []
            if track is not None:
                run.append(track)
                current = slot.period
        if run:
            yield current, run

    def smallest(self, slot: Slot, side: int) -> Track | None:
        """The smallest picture of a slot that is not under `side`; else the largest there is."""
        tracks = self.pictures(slot)
        enough = [one for one in tracks if one.side >= side]
        return enough[-1] if enough else next(iter(tracks), None)

    def main_size(self) -> tuple[int, int]:
        """Width and height that the best pictures have most of the time; zeros without any."""
        times: Counter[tuple[int, int]] = Counter()
        for slot in self.replay.slots:
            for best in self.pictures(slot)[:1]:
                times[best.width, best.height] += slot.duration_us
        return times.most_common(1)[0][0] if times else (0, 0)

    def init(self, track: Track) -> bytes:
        """Its init segment."""
        return self.replay.lines[track.name].chunks[track.init].init

    def base_us(self, number: int) -> int:
        """VOD time of tick 0 of the session of a period."""
        period = self.replay.periods[number]
        return period.at_us + period.origin_us - period.stream_us

    def samples(self, track: Track) -> Iterator[Sample]:
        """All samples of a piece. It is read as a whole: some MB at most."""
        piece = track.piece
        found = self._found(track, [piece])
        data = self._media.read(track.chunk, piece.offset, piece.size)
        return _cut(found, data, piece.offset)

    def run(self, tracks: Sequence[Track]) -> list[Sample]:
        """The samples of pieces that follow each other in one chunk, read at once: for sound.

        Those of broken pieces are left out.
        """
        first, last = tracks[0].piece, tracks[-1].piece
        end = last.offset + last.size
        data = self._media.read(tracks[0].chunk, first.offset, end - first.offset)
        try:
            found = self._found(tracks[0], [one.piece for one in tracks])
            return list(_cut(found, data, first.offset))
        except MalformedMedia:
            if len(tracks) == 1:
                return []
            return [sample for one in tracks for sample in self.run([one])]

    def keyframe(self, track: Track) -> bytes:
        """The picture with which a piece begins. Of the piece not much more is read than that."""
        head = replace(track.piece, parts=track.piece.parts[:1])
        found = self._found(track, [head])
        keyframes = np.flatnonzero(found.sync)
        if not len(keyframes):
            raise ValueError("a piece without its keyframe")
        first = keyframes[0]
        return self._media.read(track.chunk, int(found.offset[first]), int(found.size[first]))

    def _found(self, track: Track, pieces: Sequence[Piece]) -> Samples:
        return read_samples(self._media, track.chunk, pieces, track.timescale)[0]

    def _tracks(self, slot: Slot) -> Iterator[Track]:
        lines = self.replay.lines
        return (_track(lines[name], piece) for name, piece in slot.pieces.items())


def _track(line: Line, piece: Piece) -> Track:
    chunk = line.chunks[piece.chunk]
    init = line.inits[piece.chunk]
    return Track(line.name, init, piece, chunk.width, chunk.height, chunk.timescale)


def _cut(found: Samples, data: bytes, origin: int) -> Iterator[Sample]:
    table = zip(
        (found.offset - origin).tolist(),
        found.size.tolist(),
        found.time.tolist(),
        found.duration.tolist(),
        found.sync.tolist(),
        strict=True,
    )
    return (
        Sample(time, duration, sync, data[at : at + size])
        for at, size, time, duration, sync in table
    )
