"""Silence as a segment, for where the sound of a recording is missing.

Players wait for sound that a playlist says is not there: hls.js does not begin before it, jumps
over the pictures beside it, and never ends where it is the last.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from recorder.mp4.boxes import U32, U64, box, full
from recorder.mp4.entry import read_entry

AAC_FRAME: Final = 1_024
"""Ticks of a frame: the timescale of AAC is its rate."""
MOST_FRAMES: Final = 4_096
"""Of one segment; 87 s at 48 kHz, and no slot of a replay is so long."""
_TFHD_FLAGS: Final = 0x02_0000 | 0x38
"""Offsets count from the moof; all frames have the same duration, size and flags."""
_SYNC: Final = 0x0200_0000
"""Depends on no other sample."""
_TFHD: Final = Struct(">IIII")
_TRUN: Final = Struct(">Ii")


def has_silence(init: bytes) -> bool:
    """Whether it is known how a track's silence is made. Raises MalformedMedia."""
    return bool(read_entry(init).silence)


def silence(init: bytes, time: int, frames: int) -> bytes:
    """A moof and its mdat, for the track with this init segment.

    `time`: ticks at which the first frame begins. `frames`: 1 to MOST_FRAMES. Raises
    MalformedMedia, and ValueError where it is not known how to make silence of this kind.
    """
    frame = read_entry(init).silence
    if not frame or not 1 <= frames <= MOST_FRAMES:
        raise ValueError(f"{frames} frames of silence cannot be made for this track")
    head = _moof(time, frames, len(frame), 0)
    return _moof(time, frames, len(frame), len(head) + 8) + box(b"mdat", frame * frames)


def _moof(time: int, frames: int, size: int, offset: int) -> bytes:
    """ISO/IEC 14496-12, 8.8. `offset`: of the first frame, from the moof."""
    track = box(
        b"traf",
        full(b"tfhd", _TFHD.pack(1, AAC_FRAME, size, _SYNC), flags=_TFHD_FLAGS),
        full(b"tfdt", U64.pack(time), version=1),
        full(b"trun", _TRUN.pack(frames, offset), flags=1),
    )
    return box(b"moof", full(b"mfhd", U32.pack(1)), track)
