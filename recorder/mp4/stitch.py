"""A recording, or a stretch of it, as one MP4: its samples stay where they are, only the head of
the file is made.

Where the pictures' parameter sets change, each set has its sample entry, and keyframes carry their
set besides: Chromium only knows the first entry, Apple's players only the entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recorder.media import Media
from recorder.mp4.boxes import HEAD, U64, box
from recorder.mp4.interleave import Extents, Prefix, Stretches, interleave
from recorder.mp4.language import UNKNOWN
from recorder.mp4.layout import VirtualFile
from recorder.mp4.moof import Ints
from recorder.mp4.movie import EMPTY, MOVIE_TIMESCALE, Edit, Kind, Movie, Track
from recorder.mp4.sample_table import SampleTable
from recorder.mp4.sound import joined
from recorder.mp4.text import (
    TEXT_TIMESCALE,
    ChapterMark,
    TextSample,
    TextTrack,
    caption_entry,
    caption_samples,
    chapter_entry,
    chapter_marks,
    chapter_samples,
    nero_chapters,
)
from recorder.mp4.timeline import INLINE, Placed, Sources, read_line, rising, to_ticks
from recorder.replay import Replay

_FTYP: Final = box(b"ftyp", b"isom", bytes((0, 0, 2, 0)), b"isomiso2avc1mp41")
_FLASHES: Final = 1_000
"""A picture that would be seen for less than this part of a second at the beginning is not."""
_SHORT: Final = (1 << 32) - 1
"""The largest size and offset of 32 bits."""


class NothingToStitch(ValueError):
    """There is no media of what is asked for. The text is for people."""


def stitch(
    replay: Replay,
    media: Media,
    *,
    video: str | None = None,
    audio: bool = True,
    from_us: int = 0,
    to_us: int | None = None,
    exact: bool = True,
    texts: Sequence[TextTrack] = (),
    chapters: Sequence[ChapterMark] = (),
    title: str = "",
) -> VirtualFile:
    """The stretch [from_us, to_us) of VOD time as an MP4.

    `video`: the rendition; None: the leader, if it is a picture. `exact`: an edit list cuts it to
    the microsecond, else it has whole slots. Texts and chapters are in VOD time, too; what is
    outside of the stretch is left out.

    Reads the heads of all parts: blocking, some 0.5 s for an hour of local chunks. Raises
    NothingToStitch, MalformedMedia (both are ValueErrors) and MediaMissing.
    """
    cut = _cut(replay, from_us, to_us, exact)
    if video is None:
        leader = replay.lines[replay.leader]
        pictures = leader.name if leader.is_video else None
    else:
        if video not in replay.lines or not replay.lines[video].is_video:
            raise NothingToStitch(f"There are no pictures with the name {video}.")
        pictures = video
    sound = next((one.name for one in replay.lines.values() if not one.is_video), None)
    making = _Making(replay, media, cut)
    if pictures is not None:
        making.add_pictures(pictures)
    if audio and sound is not None:
        making.add_sound(sound)
    if not making.tracks:
        raise NothingToStitch("Nothing was recorded in this time.")
    for text in texts:
        making.add_captions(text)
    making.add_chapters(chapters)
    return making.finish(title)


@dataclass(frozen=True, slots=True)
class _Cut:
    slots: range
    from_us: int
    to_us: int


def _cut(replay: Replay, from_us: int, to_us: int | None, exact: bool) -> _Cut:
    begin = max(0, from_us)
    end = replay.duration_us if to_us is None else min(to_us, replay.duration_us)
    slots = replay.slots_between(begin, end) if begin < end else range(0)
    if not slots:
        raise NothingToStitch("There is nothing of the recording in this time.")
    if not exact:
        last = replay.slots[slots[-1]]
        begin, end = replay.slots[slots[0]].at_us, last.at_us + last.duration_us
    return _Cut(slots, begin, end)


@dataclass(frozen=True, slots=True)
class _Track:
    """A track whose samples have no place in the file yet."""

    kind: Kind
    timescale: int
    entries: tuple[bytes, ...]
    samples: Placed
    durations: Ints
    edits: tuple[Edit, ...]
    prefixes: tuple[Prefix, ...] = ()
    language: str = UNKNOWN
    label: str = ""
    width: int = 0
    height: int = 0

    def at(self, stretches: Stretches) -> Track:
        sizes = self.samples.size
        if self.prefixes:
            more = np.array([one.size for one in self.prefixes], np.int64)
            sizes = sizes + np.where(self.samples.sync, more[self.samples.entry], 0)
        table = SampleTable(
            self.entries,
            self.durations,
            sizes,
            self.samples.sync,
            stretches,
            # An AAC decoder adds the end of one frame to the next.
            rolls=self.kind == "sound",
        )
        return Track(
            self.kind,
            self.timescale,
            table,
            self.edits,
            self.language,
            self.label,
            self.width,
            self.height,
            enabled=self.kind in ("pictures", "sound"),
        )


class _Making:
    def __init__(self, replay: Replay, media: Media, cut: _Cut) -> None:
        self.tracks: list[_Track] = []
        self._replay = replay
        self._media = media
        self._cut = cut
        self._sources = Sources()
        self._inline = bytearray()
        self._begins_us = np.array([slot.at_us for slot in replay.slots], np.int64)
        self._marks: list[ChapterMark] = []

    def add_pictures(self, name: str) -> None:
        found = read_line(self._replay, self._media, name, self._cut.slots, self._sources)
        if found is None:
            return
        scale = found.timescale
        # A follower's keyframe may stand a moment before the leader's, where the period begins.
        time = rising(np.maximum(found.samples.time, found.begin))
        begin, end = to_ticks(self._cut.from_us, scale), to_ticks(self._cut.to_us, scale)
        samples = found.samples.timed(time).take(time < end)
        if not len(samples):
            return
        _begin_at(samples.time, begin, scale)
        prefixes: tuple[Prefix, ...] = ()
        if len(found.entries) > 1:
            prefixes = tuple(self._prefix(entry.parameter_sets) for entry in found.entries)
        first = found.entries[0]
        self.tracks.append(
            _Track(
                "pictures",
                scale,
                tuple(entry.data for entry in found.entries),
                samples,
                np.diff(samples.time, append=end),
                self._edits(int(samples.time[0]), end, scale),
                prefixes,
                width=first.width,
                height=first.height,
            )
        )

    def add_sound(self, name: str) -> None:
        slots = self._cut.slots
        before = slots.start - 1
        if before >= self._replay.periods[self._replay.slots[slots.start].period].slots.start:
            slots = range(before, slots.stop)
        found = read_line(self._replay, self._media, name, slots, self._sources)
        if found is None:
            return
        scale = found.timescale
        begins = (self._begins_us * scale + 500_000) // 1_000_000
        samples = joined(found, begins, self._inline)
        ends = samples.time + np.array(found.spans, np.int64)[samples.entry]
        begin, end = to_ticks(self._cut.from_us, scale), to_ticks(self._cut.to_us, scale)
        first = int(np.searchsorted(ends, begin, side="right"))
        last = int(np.searchsorted(samples.time, end))
        if first >= last:
            return
        # A decoder needs the frame before the first that is heard.
        if first > 0 and ends[first - 1] == samples.time[first]:
            first -= 1
        stop = min(end, int(ends[last - 1]))
        samples = samples.take(slice(first, last))
        np.maximum(samples.slot, self._cut.slots.start, out=samples.slot)
        self.tracks.append(
            _Track(
                "sound",
                scale,
                tuple(entry.data for entry in found.entries),
                samples,
                np.diff(samples.time, append=stop),
                self._edits(int(samples.time[0]), stop, scale),
            )
        )

    def add_captions(self, text: TextTrack) -> None:
        samples = caption_samples(text.cues, self._cut.from_us, self._cut.to_us)
        if len(samples) > 1 or any(any(sample.data) for sample in samples):
            self._add_text("captions", caption_entry(), samples, text.language, text.label)

    def add_chapters(self, marks: Sequence[ChapterMark]) -> None:
        cut = self._cut
        self._marks = chapter_marks(marks, cut.from_us, cut.to_us)
        samples = chapter_samples(self._marks, cut.to_us - cut.from_us)
        if samples:
            self._add_text("chapters", chapter_entry(), samples)

    def finish(self, title: str) -> VirtualFile:
        extents, stretches = interleave(
            [track.samples for track in self.tracks], [track.prefixes for track in self.tracks]
        )
        created_us = self._replay.at_stream(self._cut.from_us) or 0
        has_chapters = self.tracks[-1].kind == "chapters"
        movie = Movie(
            [track.at(where) for track, where in zip(self.tracks, stretches, strict=True)],
            created_us // 1_000_000,
            title,
            len(self.tracks) - 1 if has_chapters else None,
            nero_chapters(self._marks) if has_chapters else b"",
        )
        size = extents.total
        if HEAD.size + size <= _SHORT:
            mdat = HEAD.pack(HEAD.size + size, b"mdat")
        else:
            mdat = HEAD.pack(1, b"mdat") + U64.pack(16 + size)
        beside = len(_FTYP) + len(mdat)
        moov = movie.write(0, wide=False)
        wide = beside + len(moov) + size > _SHORT
        if wide:
            moov = movie.write(0, wide)
        moov = movie.write(beside + len(moov), wide)
        head = _FTYP + moov + mdat
        return VirtualFile(
            self._media,
            self._sources.names,
            bytes(self._inline) + head,
            Extents(
                np.insert(extents.source, 0, INLINE),
                np.insert(extents.offset, 0, len(self._inline)),
                np.insert(extents.size, 0, len(head)),
            ),
            self._cut.to_us - self._cut.from_us,
        )

    def _prefix(self, data: bytes) -> Prefix:
        at = len(self._inline)
        self._inline += data
        return Prefix(at, len(data))

    def _edits(self, first: int, end: int, timescale: int) -> tuple[Edit, ...]:
        """How a track whose first sample has the time `first`, and which is shown up to `end`,
        gets in step with the file's beginning."""
        begin = to_ticks(self._cut.from_us, timescale)
        whole = _movie_ticks(end - begin, timescale)
        late = _movie_ticks(first - begin, timescale)
        if late > 0:
            return Edit(late, EMPTY), Edit(max(1, whole - late), 0)
        return (Edit(whole, max(0, begin - first)),)

    def _add_text(
        self,
        kind: Kind,
        entry: bytes,
        texts: Sequence[TextSample],
        language: str = UNKNOWN,
        label: str = "",
    ) -> None:
        size = np.array([len(text.data) for text in texts], np.int64)
        offset = len(self._inline) + np.cumsum(size) - size
        self._inline += b"".join([text.data for text in texts])
        time = np.array([text.time for text in texts], np.int64)
        at_us = time * (1_000_000 // TEXT_TIMESCALE) + self._cut.from_us
        slot = np.searchsorted(self._begins_us, at_us, side="right").astype(np.int64) - 1
        none = np.zeros(len(texts), np.int64)
        samples = Placed(none + INLINE, offset, size, time, slot, none == 0, none)
        duration = np.array([text.duration for text in texts], np.int64)
        first, whole = _movie_ticks(int(time[0]), TEXT_TIMESCALE), int(duration.sum())
        edits = [Edit(first, EMPTY)] if first else []
        edits.append(Edit(_movie_ticks(whole, TEXT_TIMESCALE), 0))
        self.tracks.append(
            _Track(
                kind,
                TEXT_TIMESCALE,
                (entry,),
                samples,
                duration,
                tuple(edits),
                language=language,
                label=label,
            )
        )


def _begin_at(time: Ints, begin: int, timescale: int) -> None:
    """Have a picture begin where the file does: the one that is seen then. FFmpeg would shift all
    pictures otherwise, against the sound, and show the next one at once."""
    shown = int(np.searchsorted(time, begin, side="right")) - 1
    if shown < 0 or time[shown] == begin:
        return
    following = shown + 1
    if following < len(time) and time[following] - begin <= timescale // _FLASHES:
        shown = following
    time[shown] = begin


def _movie_ticks(ticks: int, timescale: int) -> int:
    return (ticks * MOVIE_TIMESCALE + timescale // 2) // timescale
