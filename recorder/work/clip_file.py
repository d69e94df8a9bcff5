"""Writes a clip: pictures and sound interleaved, the index in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import merge
from io import BytesIO
from itertools import chain, pairwise
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from recorder.work.clip_encoder import TICKS
from recorder.work.clip_pictures import ClipPictures
from recorder.work.clip_sound import ClipSound
from recorder.work.task import Report

Timed = tuple[Fraction, "Packet[Stream]"]
"""With its time in seconds."""


def write(path: Path, pictures: ClipPictures, sound: ClipSound, title: str, report: Report) -> int:
    """Returns how many pictures there are. Raises MediaMissing, OSError and av.FFmpegError."""
    options = {"movflags": "+faststart", "video_track_timescale": str(TICKS)}
    length_s = Fraction(pictures.length, TICKS)
    count = 0
    with av.open(path, "w", format="mp4", options=options) as container:
        if title:
            container.metadata["title"] = title
        shown = _stream(container, pictures.init)
        tracks = [_shown(pictures, shown)]
        if sound.init:
            tracks.append(_heard(sound, _stream(container, sound.init)))
        for time_s, packet in merge(*tracks, key=lambda one: one[0]):
            count += packet.stream is shown
            container.mux(packet)
            report(min(1.0, max(0.0, float(time_s / length_s))))
    return count


def _stream(container: OutputContainer, init: bytes) -> Stream:
    with av.open(BytesIO(init), "r", format="mp4") as told:
        return container.add_stream_from_template(told.streams[0], opaque=True)


def _shown(pictures: ClipPictures, stream: Stream) -> Iterator[Timed]:
    for one, after in pairwise(chain(pictures.coded(), (None,))):
        assert one is not None
        end = pictures.length if after is None else after.time
        yield _timed(stream, one.data, one.keyframe, one.time, end, TICKS)


def _heard(sound: ClipSound, stream: Stream) -> Iterator[Timed]:
    for one, after in pairwise(chain(sound.frames(), (None,))):
        assert one is not None
        # The track ends where the clip ends, though the frame goes on.
        end = sound.length if after is None else after.time
        yield _timed(stream, one.data, True, one.time, end, sound.rate)


def _timed(stream: Stream, data: bytes, keyframe: bool, time: int, end: int, scale: int) -> Timed:
    packet = av.Packet(data)
    packet.stream, packet.time_base = stream, Fraction(1, scale)
    packet.pts = packet.dts = time
    packet.duration = max(1, end - time)
    packet.is_keyframe = keyframe
    return Fraction(time, scale), packet
