"""Camera and encoder as the adaptation wants them: size, frame rate and bitrate while they run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mobile_sim.camera import Camera
from mobile_sim.clip import Clip
from mobile_sim.device.adaptation import Choice
from mobile_sim.device.ladder import Rung
from mobile_sim.encoder import VideoCodec, VideoEncoder, VideoSettings
from mobile_sim.pace import Clock
from mobile_sim.testcard import Picture, TestCard


class Optics:
    """The one camera of the phone, and what the encoder of each connection is to do."""

    def __init__(self, codec: VideoCodec, rung: Rung, clip: Path | None, clock: Clock) -> None:
        """`clip` is a media file as the camera, the test card when None. Raises ClipError."""
        self._codec = codec
        self._clip = None if clip is None else Clip(clip, rung.width, rung.height, rung.fps)
        self._cards: dict[str, TestCard] = {}
        self._rung = rung
        self._bitrate = rung.bitrate
        self.camera = Camera(self._picture(rung), rung.fps, clock)
        self.sending = True
        """Whether pictures are made."""

    @property
    def rung(self) -> Rung:
        """What pictures are coded as, now or when they come again."""
        return self._rung

    @property
    def bitrate(self) -> int:
        """Bits per second that were chosen for the picture."""
        return self._bitrate if self.sending else 0

    @property
    def settings(self) -> VideoSettings:
        """For the encoder of a new connection."""
        return VideoSettings(self._codec, self._bitrate, self._rung.fps)

    async def follow(self, choice: Choice, encoder: VideoEncoder | None, path: bool) -> None:
        """Do as was chosen from the next picture on.

        Without a `path` nothing is made, as there is nobody to send it to: what is sent into
        nowhere would be asked for again, all of it at once, when there is a path.
        """
        if choice.rung is not None:
            if choice.rung != self._rung:
                # Painting a large test card takes a while.
                picture = await asyncio.to_thread(self._picture, choice.rung)
                self.camera.change(picture, choice.rung.fps)
                self._rung = choice.rung
            self._bitrate = choice.bitrate
            if encoder is not None:
                encoder.change(choice.bitrate, self._rung.fps)
        before, self.sending = self.sending, choice.rung is not None and path
        if self.sending and not before and encoder is not None:
            encoder.want_keyframe()
        self.camera.switch(self.sending)

    def _picture(self, rung: Rung) -> Picture:
        if self._clip is not None:
            self._clip.resize(rung.width, rung.height, rung.fps)
            return self._clip
        if rung.name not in self._cards:
            self._cards[rung.name] = TestCard(rung.width, rung.height, rung.fps)
        return self._cards[rung.name]
