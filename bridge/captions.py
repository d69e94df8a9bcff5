"""Captions as the bridge sees them: something that knows which words a stretch of time has.

Where the words come from is not its business. What it adds is the one thing that a WebVTT file
inside HLS has and others have not: where its times lie on the timeline of picture and sound.
"""

from __future__ import annotations

from typing import Final, Protocol

TIMESTAMP_MAP: Final = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000"
"""Cue times are media times (RFC 8216bis section 3.1.4): both count from the origin of the
presentation, the one in milliseconds, the other (`tfdt`) in ticks.

It is the same in every segment, and that matters. Cues that reach over the end of a segment stand
in both, and players tell that they are one by their times. hls.js computes a cue's place from the
map in floating point: from another map in each segment the same cue would get another place in
the last digit, and be shown twice. Nor does anything wrap after 26 hours, as times in 33 bits do.

hls.js takes a difference of exactly zero between the map and its own timeline for "no map"; after
a discontinuity it then puts cues in wrong places. The difference is the media time of the first
segment that it saw, so it is zero only where a keyframe stands at the origin itself. Whoever makes
a presentation lets its origin lie a little before the first sample."""
EMPTY: Final = "WEBVTT\n"
"""Nothing was said."""
LONGEST: Final = 1 << 16
"""Characters of a document; two seconds of speech are a few hundred. All are kept as long as the
window is."""


class Captions(Protocol):
    """The words of one broadcast in one language. All calls come from one thread, often: they
    must be cheap."""

    @property
    def language(self) -> str:
        """BCP 47."""
        ...

    @property
    def label(self) -> str:
        """For people, in that language. No two of a presentation are the same."""
        ...

    def vtt(self, from_ms: int, to_ms: int, zero_ms: int) -> str | None:
        """The WebVTT document of all cues that are shown in [from_ms, to_ms), which may be none;
        None while that is not known yet.

        `from_ms` and `to_ms` are stream time (Unix milliseconds). Cue times in the document count
        from `zero_ms`, which is stream time as well and never lies behind them. A cue that
        reaches over an end of the stretch keeps its whole times, and has the same ones and the
        same text in every stretch that it touches. The first line is `WEBVTT`; the bridge adds
        X-TIMESTAMP-MAP below it.
        """
        ...


def timed(document: str) -> str:
    """A document with its place on the media's timeline.

    Raises ValueError for what is no WebVTT, or too much of it.
    """
    if len(document) > LONGEST:
        raise ValueError(f"captions of one segment have {len(document)} characters")
    first, _, rest = document.partition("\n")
    if first.rstrip("\r") != "WEBVTT" and not first.startswith(("WEBVTT ", "WEBVTT\t")):
        raise ValueError("the first line of captions is not WEBVTT")
    # An empty line ends the header, even where nothing follows.
    return "\n".join([first, TIMESTAMP_MAP, rest or "\n"])
