"""The pictures of a clip: copied where that is possible, coded anew where it is not.

A clip may begin anywhere, and only a keyframe can be the first picture of a file. So what stands
before the first keyframe in the clip is decoded and coded again, and the rest is copied as it is.
The new pictures have parameter sets of their own, with numbers that the others do not use, and the
file's header holds both. That is plain H.264 in MP4, which every player takes; sets within the
samples (avc3) are not.

Where the picture's size or its parameter sets change within a clip, what lasts longest is copied
and the rest is coded to fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from statistics import median
from typing import Final

import av
from av.video.frame import VideoFrame

from recorder.mp4.boxes import MalformedMedia
from recorder.replay import Slot
from recorder.work.avcc import Configuration, configuration, with_configuration
from recorder.work.clip_encoder import FORMATS, PROFILES, TICKS, ClipEncoder, Coded, Manner
from recorder.work.decoder import PictureDecoder, Undecodable
from recorder.work.footage import Footage, Track
from recorder.work.task import WorkError

STILL_TICKS: Final = TICKS // 20
"""When the next picture comes later than this, the one on display belongs to the clip too."""
_ROUNDING_US: Final = 999
"""Who asks for a picture by its time in ms may have rounded up."""


@dataclass(frozen=True, slots=True)
class Range:
    """What a clip shows, in VOD time."""

    from_us: int
    to_us: int

    @property
    def begin(self) -> int:
        """The first picture begins here or later, in ticks."""
        return ceil(_exact(self.from_us - _ROUNDING_US))

    @property
    def end(self) -> int:
        """The last picture lasts until here."""
        return _ticks(self.to_us)

    @property
    def beyond(self) -> int:
        """A picture that begins here or later is no part of it."""
        return ceil(_exact(self.to_us - _ROUNDING_US))


class ClipPictures:
    """Iterate over `coded` once."""

    def __init__(self, footage: Footage, wanted: Range, rendition: str | None) -> None:
        """Raises WorkError where there are no pictures, and MediaMissing."""
        self._footage = footage
        self._wanted = wanted
        self._tracks = list(self._chosen(rendition))
        self._still = False
        """Nothing new begins with the clip: it begins with what was there before."""
        self.start = self._first_time()
        """VOD time of the first picture, in ticks of 90 kHz."""
        self._main = self._longest()
        self.width, self.height = self._main.width, self._main.height
        self.copied = 0
        """Pictures that were taken as they are, so far."""
        self._decoders: dict[tuple[str, int], PictureDecoder] = {}
        self._copies = False
        self._encoder, self.init = self._set_up()

    @property
    def length(self) -> int:
        """Ticks from the first picture to the end."""
        return self._wanted.end - self.start

    def coded(self) -> Iterator[Coded]:
        """All pictures. Times grow, from 0."""
        last = -1
        for one in self._stretches():
            time = max(one.time, last + 1)
            last = time
            yield Coded(time, one.keyframe, one.data)

    def _chosen(self, rendition: str | None) -> Iterator[tuple[Slot, Track]]:
        """A track for each slot that has one: the wanted one, or the best that is there."""
        replay = self._footage.replay
        for index in replay.slots_between(self._wanted.from_us, self._wanted.to_us):
            slot = replay.slots[index]
            tracks = self._footage.pictures(slot)
            found = [one for one in tracks if one.name == rendition] or tracks
            if found:
                yield slot, found[0]

    def _longest(self) -> Track:
        """One of those that share most of the time."""
        times: Counter[tuple[str, int]] = Counter()
        for slot, track in self._tracks:
            begin = max(slot.at_us, self._wanted.from_us)
            end = min(slot.at_us + slot.duration_us, self._wanted.to_us)
            times[track.setup] += end - begin
        setup = times.most_common(1)[0][0]
        return next(track for _, track in self._tracks if track.setup == setup)

    def _first_time(self) -> int:
        """VOD time in ticks. What is broken, or ends before it, is left out."""
        while self._tracks:
            slot, track = self._tracks[0]
            try:
                samples = list(self._footage.samples(track))
            except MalformedMedia:
                del self._tracks[0]
                continue
            times = [self._time(slot, track, sample.time) for sample in samples]
            times += [self._time(*each, each[1].piece.time) for each in self._tracks[1:2]]
            begin = self._wanted.begin
            after = next((time for time in times if time >= begin), None)
            if after is None or (times[0] < begin and after - begin > STILL_TICKS):
                self._still = True
                return _ticks(self._wanted.from_us)
            if after == times[-1] and len(self._tracks) > 1:
                del self._tracks[0]
            return after
        raise WorkError("There are no pictures in this range.")

    def _set_up(self) -> tuple[ClipEncoder, bytes]:
        """What codes pictures that are not copied, and the init segment for all of them."""
        like = self._first_picture()
        init = self._footage.init(self._main)
        known = _copyable(init, like)
        number = None if known is None else known.free_number()
        rate = self._frame_rate()
        manner = Manner(self.width, self.height, rate)
        if known is not None and number is not None:
            manner = Manner(self.width, self.height, rate, known.profile, known.level, number)
            self._copies = True
        try:
            encoder = ClipEncoder(manner, like)
            record = encoder.configuration
            if known is not None and self._copies:
                # Where nothing is coded, nobody needs to know of our sets.
                coded = any(not self._is_copied(slot, track) for slot, track in self._tracks)
                record = known.joined(record) if coded else known
            return encoder, with_configuration(init, record.encoded())
        except (av.FFmpegError, MalformedMedia) as error:
            raise WorkError(f"The pictures of this range cannot be coded: {error}") from error

    def _first_picture(self) -> VideoFrame:
        init = self._footage.init(self._main)
        for _, track in self._tracks:
            if track.setup == self._main.setup:
                try:
                    decoder = PictureDecoder(init)
                    frames = decoder.decode(self._footage.keyframe(track), 0) + decoder.end()
                except (Undecodable, ValueError):
                    continue
                if frames:
                    return frames[0]
        raise WorkError("The pictures of this range cannot be decoded.")

    def _frame_rate(self) -> int:
        told = self._footage.replay.lines[self._main.name].chunks[self._main.piece.chunk].frame_rate
        if told <= 0:
            try:
                ticks = median(one.duration for one in self._footage.samples(self._main))
            except MalformedMedia:
                return 30
            told = self._main.timescale / max(1, ticks)
        return min(240, max(1, round(told)))

    def _is_copied(self, slot: Slot, track: Track) -> bool:
        return (
            self._copies
            and track.setup == self._main.setup
            and self._time(slot, track, track.piece.time) >= self.start
        )

    def _stretches(self) -> Iterator[Coded]:
        for slot, track in self._tracks:
            try:
                if self._is_copied(slot, track):
                    yield from self._encoder.end()
                    yield from self._copied(slot, track)
                else:
                    yield from self._anew(slot, track)
            except MalformedMedia:
                continue  # what was before stays on display
        yield from self._encoder.end()

    def _copied(self, slot: Slot, track: Track) -> Iterator[Coded]:
        begun = False
        for sample in self._footage.samples(track):
            time = self._time(slot, track, sample.time)
            begun = begun or sample.keyframe
            if begun and time < self._wanted.beyond:
                self.copied += 1
                yield Coded(time - self.start, sample.keyframe, sample.data)

    def _anew(self, slot: Slot, track: Track) -> Iterator[Coded]:
        before: VideoFrame | None = None
        for time, frame in self._decoded(slot, track):
            if time >= self._wanted.beyond:
                break
            if time < self.start:
                before = frame
                continue
            yield from self._stood_still(before)
            yield from self._encoder.encode(frame, time - self.start)
        yield from self._stood_still(before)

    def _stood_still(self, before: VideoFrame | None) -> Iterator[Coded]:
        """The picture that was on display when the clip began, if it belongs to it."""
        if before is not None and self._still:
            self._still = False
            yield from self._encoder.encode(before, 0)

    def _decoded(self, slot: Slot, track: Track) -> Iterator[tuple[int, VideoFrame]]:
        """Pictures with their VOD time in ticks."""
        decoder = self._decoders.get(track.setup)
        if decoder is None:
            try:
                decoder = PictureDecoder(self._footage.init(track))
            except Undecodable:
                return
            self._decoders[track.setup] = decoder
        for sample in self._footage.samples(track):
            if self._time(slot, track, sample.time) >= self._wanted.beyond:
                break
            try:
                frames = decoder.decode(sample.data, sample.time)
            except Undecodable:
                continue
            for frame in frames:
                yield self._time(slot, track, frame.pts or 0), frame
        for frame in decoder.end():
            yield self._time(slot, track, frame.pts or 0), frame

    def _time(self, slot: Slot, track: Track, ticks: int) -> int:
        """VOD time in ticks of 90 kHz."""
        return _ticks(self._footage.base_us(slot.period)) + ticks * TICKS // track.timescale


def _copyable(init: bytes, like: VideoFrame) -> Configuration | None:
    """What the pictures say of themselves, if others can be coded that go with them."""
    try:
        known = configuration(init)
    except MalformedMedia:
        return None
    plain = like.format.name in FORMATS and not like.interlaced_frame
    return known if plain and known.profile in PROFILES else None


def _ticks(us: int) -> int:
    return round(_exact(us))


def _exact(us: int) -> Fraction:
    return Fraction(us * TICKS, 1_000_000)
