"""Camera and microphone: sources of frames in real time, as aiortc tracks.

They outlive connections. A new connection gets new tracks, and the frame counter goes on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from mobile_sim.encoder import AUDIO_TIME_BASE, VIDEO_CLOCK, VIDEO_TIME_BASE
from mobile_sim.pace import Clock, Pace
from mobile_sim.sound import RATE, SAMPLES, Sound
from mobile_sim.testcard import Picture

MAX_DRIFT = RATE * 5 // 1000
"""Samples. When the wall clock and the sound are further apart than this (the clock was set, or
it is being slewed), the sound jumps to the wall clock, which the picture's stamp shows as well."""


class Camera:
    """Makes pictures at a steady rate and stamps them with the moment they were made.

    Each moment belongs to a number, so a picture that is left out leaves a hole in the counter.
    """

    def __init__(self, picture: Picture, fps: int, clock: Clock) -> None:
        self._picture = picture
        self._fps = fps
        self._clock = clock
        self._started = clock.monotonic()
        self._pace = Pace(self._started, 1 / fps)
        self._first = _First(0, 0)
        self._skipped = 0
        self._on = asyncio.Event()
        self._on.set()

    @property
    def skipped(self) -> int:
        """Pictures left out because the machine was too slow."""
        return self._skipped + self._pace.skipped

    @property
    def fps(self) -> int:
        """Pictures per second now."""
        return self._fps

    def resume(self) -> None:
        """Go on after a time without a connection."""
        self._pace.resume(self._clock.monotonic())

    def change(self, picture: Picture, fps: int) -> None:
        """Show `picture` at `fps` from the next moment on; the counter and time go on."""
        if fps != self._fps:
            # The first moment of the new rate is the one that would have come next.
            index = self._pace.upcoming
            self._skipped += self._pace.skipped
            self._first = _First(self._first.counter + index, self._time_of(index))
            self._pace = Pace(self._pace.due_s(index), 1 / fps)
            self._fps = fps
        self._picture = picture

    def switch(self, on: bool) -> None:
        """Stop making pictures, as the system does to an app in the background, or go on."""
        if on and not self._on.is_set():
            self.resume()
            self._on.set()
        elif not on:
            self._on.clear()

    async def shoot(self) -> VideoFrame:
        """Wait for the next picture's moment and return it."""
        await self._on.wait()
        slot = self._pace.next(self._clock.monotonic())
        first, fps, picture = self._first, self._fps, self._picture
        await self._clock.sleep(slot.wait_s)
        counter = first.counter + slot.index
        frame = picture.draw(counter, int(self._clock.unix() * 1000))
        frame.pts = first.pts + slot.index * VIDEO_CLOCK // fps
        frame.time_base = VIDEO_TIME_BASE
        return frame

    def _time_of(self, index: int) -> int:
        return self._first.pts + index * VIDEO_CLOCK // self._fps


@dataclass(frozen=True, slots=True)
class _First:
    """What the first moment of the present rate is called."""

    counter: int
    pts: int


class Microphone:
    """Makes 20 ms of sound at a time, in step with the wall clock."""

    def __init__(self, sound: Sound, clock: Clock) -> None:
        self._sound = sound
        self._clock = clock
        self._pace = Pace(clock.monotonic(), SAMPLES / RATE)
        self._offset: int | None = None
        self._on = asyncio.Event()
        self._on.set()

    def resume(self) -> None:
        """Go on after a time without a connection."""
        self._pace.resume(self._clock.monotonic())

    def switch(self, on: bool) -> None:
        """Stop hearing, as while a call has the microphone, or go on."""
        if on and not self._on.is_set():
            self.resume()
            self._on.set()
        elif not on:
            self._on.clear()

    async def listen(self) -> AudioFrame:
        """Wait for the next frame's moment and return it."""
        await self._on.wait()
        slot = self._pace.next(self._clock.monotonic())
        await self._clock.sleep(slot.wait_s)
        late = self._clock.monotonic() - slot.due_s
        wall = round((self._clock.unix() - late) * RATE)
        pts = slot.index * SAMPLES
        if self._offset is None or abs(wall - pts - self._offset) > MAX_DRIFT:
            self._offset = wall - pts
        frame = self._sound.frame(pts + self._offset)
        frame.pts = pts
        frame.time_base = AUDIO_TIME_BASE
        return frame


class CameraTrack(MediaStreamTrack):
    """The camera on one connection. `failure` says why it ended by itself."""

    kind = "video"

    def __init__(self, camera: Camera) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self._camera = camera
        camera.resume()

    async def recv(self) -> VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        try:
            return await self._camera.shoot()
        except Exception as error:
            # aiortc would only log it and leave the picture frozen.
            self.failure = error
            raise MediaStreamError from error


class MicrophoneTrack(MediaStreamTrack):
    """The microphone on one connection."""

    kind = "audio"

    def __init__(self, microphone: Microphone) -> None:
        super().__init__()
        self._microphone = microphone
        microphone.resume()

    async def recv(self) -> AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        return await self._microphone.listen()
