"""The picture that is shown at a moment of a VOD, exact to the frame."""

from __future__ import annotations

from av.video.frame import VideoFrame

from recorder.work.decoder import PictureDecoder, Undecodable
from recorder.work.footage import Footage, Track


def picture_at(footage: Footage, at_us: int, side: int) -> VideoFrame | None:
    """The picture on display at this VOD time, of at least `side` pixels where there is one so
    large. None where nothing can be decoded.

    Everything from the keyframe on is decoded. Raises MediaMissing.
    """
    slots = footage.replay.slots
    found = footage.replay.slots_between(at_us, at_us + 1)
    if not found:
        return None
    slot = slots[found[0]]
    track = footage.smallest(slot, side)
    if track is None:
        return None
    passed_us = at_us - footage.base_us(slot.period)
    try:
        return _shown(footage, track, passed_us * track.timescale // 1_000_000)
    except (Undecodable, ValueError):
        return None


def _shown(footage: Footage, track: Track, time: int) -> VideoFrame | None:
    """The last picture that is not after a time in ticks; the first one where all are."""
    decoder = PictureDecoder(footage.init(track))
    shown: VideoFrame | None = None
    for number, sample in enumerate(footage.samples(track)):
        if number and sample.time > time:
            break
        try:
            frames = decoder.decode(sample.data, sample.time)
        except Undecodable:
            continue  # what was before it stays on display
        shown = frames[-1] if frames else shown
    held = decoder.end()
    return held[-1] if held else shown
