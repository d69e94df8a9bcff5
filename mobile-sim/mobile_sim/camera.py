"""Camera and microphone: sources of frames in real time, as aiortc tracks.

They outlive connections. A new connection gets new tracks, and the frame counter goes on.
"""

from __future__ import annotations

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
    """Makes pictures at a steady rate and stamps them with the moment they were made."""

    def __init__(self, picture: Picture, fps: int, clock: Clock) -> None:
        self._picture = picture
        self._fps = fps
        self._clock = clock
        self._pace = Pace(clock.monotonic(), 1 / fps)

    @property
    def skipped(self) -> int:
        """Pictures left out because the machine was too slow."""
        return self._pace.skipped

    def resume(self) -> None:
        """Go on after a time without a connection."""
        self._pace.resume(self._clock.monotonic())

    async def shoot(self) -> VideoFrame:
        """Wait for the next picture's moment and return it."""
        slot = self._pace.next(self._clock.monotonic())
        await self._clock.sleep(slot.wait_s)
        frame = self._picture.draw(slot.index, int(self._clock.unix() * 1000))
        frame.pts = slot.index * VIDEO_CLOCK // self._fps
        frame.time_base = VIDEO_TIME_BASE
        return frame


class Microphone:
    """Makes 20 ms of sound at a time, in step with the wall clock."""

    def __init__(self, sound: Sound, clock: Clock) -> None:
        self._sound = sound
        self._clock = clock
        self._pace = Pace(clock.monotonic(), SAMPLES / RATE)
        self._offset: int | None = None

    def resume(self) -> None:
        """Go on after a time without a connection."""
        self._pace.resume(self._clock.monotonic())

    async def listen(self) -> AudioFrame:
        """Wait for the next frame's moment and return it."""
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
