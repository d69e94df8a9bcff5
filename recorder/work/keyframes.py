"""Decodes the keyframes of slots, one a slot: quick, and a picture in memory at a time."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from av.video.frame import VideoFrame

from recorder.media import Media, MediaMissing
from recorder.replay import Replay
from recorder.work.decoder import PictureDecoder, Undecodable
from recorder.work.footage import Footage, Track
from recorder.work.task import WorkError

MOST_DECODERS: Final = 4
MOST_MISSING: Final = 0.1
"""Of the keyframes that were asked for. A store that answers again later has the others too."""


class Keyframes:
    """Of a replay, in a size of at least `side` pixels where there is one."""

    def __init__(self, replay: Replay, media: Media, side: int, *, quick: bool = True) -> None:
        self.footage = Footage(replay, media)
        self._slots = replay.slots
        self._side = side
        self._quick = quick
        self._decoders: dict[tuple[str, int], PictureDecoder] = {}
        self._asked = self._made = 0
        self._missing: list[MediaMissing] = []

    def nearest(self, at_us: int) -> int:
        """The slot whose keyframe is nearest to a time. There must be slots."""
        after = bisect_left(self._slots, at_us, key=lambda one: one.at_us)
        near = [at for at in (after - 1, after) if 0 <= at < len(self._slots)]
        return min(near, key=lambda at: abs(self._slots[at].at_us - at_us))

    def picture(self, slot: int) -> VideoFrame | None:
        """The first picture of a slot; None where it cannot be had."""
        one = self.footage.smallest(self._slots[slot], self._side)
        if one is None:
            return None
        self._asked += 1
        try:
            data = self.footage.keyframe(one)
            decoder = self._decoder(one)
            frames = decoder.decode(data, 0) + decoder.end()
        except MediaMissing as error:
            self._missing.append(error)
            return None
        except (Undecodable, ValueError):
            self._decoders.pop(one.setup, None)
            return None
        self._made += bool(frames)
        return frames[0] if frames else None

    def near(self, at_us: int, reach: int = 2) -> VideoFrame | None:
        """The keyframe nearest to a time, or one up to `reach` slots beside it."""
        middle = self.nearest(at_us)
        for step in sorted(range(-reach, reach + 1), key=abs):
            if 0 <= middle + step < len(self._slots):
                picture = self.picture(middle + step)
                if picture is not None:
                    return picture
        return None

    def check(self) -> None:
        """Raises where too little came of what was asked for: WorkError, or MediaMissing where
        trying again may help."""
        if self._missing and len(self._missing) > MOST_MISSING * self._asked:
            raise self._missing[0]
        if not self._made:
            raise WorkError("The recording has no picture that can be decoded.")

    def _decoder(self, one: Track) -> PictureDecoder:
        if one.setup not in self._decoders:
            while len(self._decoders) >= MOST_DECODERS:
                self._decoders.pop(next(iter(self._decoders)))
            init = self.footage.init(one)
            self._decoders[one.setup] = PictureDecoder(init, quick=self._quick)
        return self._decoders[one.setup]
