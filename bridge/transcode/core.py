"""All that the process decides: messages in, messages out. It knows no socket and no clock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from bridge.transcode.decoder import PictureDecoder, PictureTooLarge, Undecodable
from bridge.transcode.overload import Overload, Step
from bridge.transcode.pictures import Pictures
from bridge.transcode.sound import Sound, SoundBroken
from bridge.transcode.timeline import Timeline
from bridge.transcode.troubles import Troubles
from bridge.transcode.wire import (
    End,
    Ended,
    FromChild,
    Plan,
    Reset,
    Restored,
    Shed,
    ToChild,
    Unit,
)


class Core:
    """One broadcast. `send` gets what comes out, in order."""

    def __init__(self, encoder: str, threads: Executor, send: Callable[[FromChild], None]) -> None:
        self._encoder = encoder
        self._threads = threads
        self._send = send
        self._troubles = Troubles(send)
        self._timeline = Timeline()
        self._decoder = PictureDecoder()
        self._overload = Overload()
        self._pictures: Pictures | None = None
        self._sound: Sound | None = None
        self._over = False

    def handle(self, message: ToChild, now_ms: int, waited_ms: int = 0) -> None:
        """One message, which waited for so long."""
        match message:
            case Plan():
                self._begin(message)
            case Reset():
                self._reset()
            case End():
                self._end(message)
            case Unit():
                self._unit(message, now_ms)
                self._ease(now_ms, waited_ms)
        self._troubles.tell(now_ms)

    def dropped(self, units: int, now_ms: int) -> None:
        """Units of the picture were left out, because the process was too far behind."""
        self._troubles.count("behind", units)
        self._decoder.wait()
        self._troubles.tell(now_ms)

    def _begin(self, plan: Plan) -> None:
        old = self._pictures
        self._pictures = Pictures(plan, self._encoder, self._send, self._threads)
        if old is not None:
            old.leave()
            self._pictures.last = old.last
        if self._sound is None:
            self._sound = Sound(plan.audio_bitrate, self._send)

    def _reset(self) -> None:
        self._decoder.reset()
        if self._sound is not None:
            self._sound.reset()
        if self._pictures is not None:
            self._pictures.leave()
            self._pictures.begin_anew()

    def _end(self, end: End) -> None:
        until_us = self._timeline.place("picture", end.until_us)
        if self._pictures is not None:
            until_us = self._pictures.end(until_us)
        if self._sound is not None and not self._over:
            self._sound.end(until_us)
        self._over = True
        self._send(Ended())

    def _unit(self, unit: Unit, now_ms: int) -> None:
        if self._pictures is None or self._sound is None or self._over:
            return
        if unit.codec.is_audio:
            self._hear(unit, self._sound, self._pictures)
        else:
            self._see(unit, self._sound, self._pictures)

    def _hear(self, unit: Unit, sound: Sound, pictures: Pictures) -> None:
        time_us = self._timeline.place("sound", unit.time_us)
        try:
            sound.hear(time_us, unit.payload)
        except SoundBroken as error:
            self._troubles.count("undecodable", 1, str(error))
        pictures.follow(time_us)

    def _see(self, unit: Unit, sound: Sound, pictures: Pictures) -> None:
        time_us = self._timeline.place("picture", unit.time_us)
        if pictures.plan.rungs:
            self._decode(unit, time_us, pictures)
        sound.follow(time_us)

    def _decode(self, unit: Unit, time_us: int, pictures: Pictures) -> None:
        placed = Unit(unit.codec, time_us, unit.keyframe, unit.payload)
        try:
            for picture in self._decoder.decode(placed):
                pictures.show(picture)
        except PictureTooLarge as error:
            self._troubles.count("too-large", 1, str(error))
        except Undecodable as error:
            self._troubles.count("undecodable", 1, str(error))
        if self._decoder.waiting:
            self._troubles.count("keyframe-wanted", 1)

    def _ease(self, now_ms: int, waited_ms: int) -> None:
        step = self._overload.observe(now_ms, waited_ms)
        if step is None or self._pictures is None:
            return
        if step is Step.SHED and (name := self._pictures.most_expensive) is not None:
            self._pictures.shed(name)
            self._send(Shed(name))
        if step is Step.RESTORE and (name := self._pictures.shed_last) is not None:
            self._pictures.restore(name)
            self._send(Restored(name))
