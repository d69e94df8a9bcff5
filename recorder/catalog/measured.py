"""What a recording's folder says of it: all of a VOD that nobody has to tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recorder.recording import Recording
from recorder.records import Gap
from recorder.replay import Replay


@dataclass(frozen=True, slots=True)
class Measured:
    """A recording in numbers."""

    id: str
    channel: str
    title: str
    state: Literal["recording", "ready", "trouble"]
    trouble: str
    """For the owner; empty where there is none."""
    began_ms: int
    """Server time (Unix ms)."""
    ended_ms: int | None
    """None while it grows."""
    duration_ms: int
    size_bytes: int
    width: int
    """Of the best picture; 0 where there is only sound."""
    height: int

    @classmethod
    def of(cls, recording: Recording, replay: Replay, *, live: bool) -> Measured:
        """`live`: somebody writes to it now. Pure."""
        chunks = [
            file.chunk for one in recording.renditions.values() for file in one.chunks.values()
        ]
        width, height = max(((one.width, one.height) for one in chunks), default=(0, 0))
        trouble = "" if live else _trouble(recording, replay)
        title = recording.title or next(
            (mark.text for mark in recording.marks if mark.kind == "title"), ""
        )
        return cls(
            id=recording.id,
            channel=recording.channel,
            title=title,
            state="recording" if live else "trouble" if trouble else "ready",
            trouble=trouble,
            began_ms=recording.began_ms,
            ended_ms=None if live else _ended_ms(recording, replay),
            duration_ms=replay.duration_us // 1_000,
            size_bytes=recording.size,
            width=width,
            height=height,
        )


def _trouble(recording: Recording, replay: Replay) -> str:
    if replay.duration_us == 0:
        return "Nothing of it can be played."
    match recording.closed.reason if recording.closed else None:
        case "disk full":
            return "The disk was full: the end is missing."
        case "write error":
            return "The disk could not be written: the end is missing."
        case _:
            lost_ms = _lost_ms(recording, replay)
            return f"The disk was too slow: {lost_ms / 1_000:.1f} s are missing." if lost_ms else ""


def _lost_ms(recording: Recording, replay: Replay) -> int:
    """What came and could not be written, of the rendition that leads."""
    gaps = [span for _, span in recording.renditions[replay.leader].spans if isinstance(span, Gap)]
    ticks = sum(gap.d for gap in gaps if gap.lost)
    return ticks * 1_000 // replay.lines[replay.leader].timescale


def _ended_ms(recording: Recording, replay: Replay) -> int:
    if recording.closed is not None:
        return recording.closed.wall_ms
    if not replay.periods:
        return recording.began_ms
    last = replay.periods[-1]
    return (last.stream_us + last.duration_us) // 1_000
