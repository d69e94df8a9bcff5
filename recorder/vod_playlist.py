"""The playlists of a replay (RFC 8216bis): complete from the beginning, with byte ranges into the
chunks as they were recorded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from recorder.replay import Line, Replay, Slot
from recorder.segments import Silence, segments

PLAYLIST: Final = "index.m3u8"
GAP: Final = "gap.mp4"
"""The address of what is not there. Nobody asks for it, but each segment must have one."""
_VERSION: Final = 8
"""The first with EXT-X-GAP."""
_AUDIO: Final = "audio"
_CAPTIONS: Final = "captions"
_UNQUOTABLE: Final = re.compile(r'["\x00-\x1f\x7f]')
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Subtitle:
    """Captions in one language, as a playlist of WebVTT."""

    language: str
    """BCP 47."""
    name: str
    """What people choose them by."""
    uri: str
    """Relative to the master playlist."""
    default: bool = False


def chunk_address(number: int) -> str:
    """The address of a chunk, relative to the playlist of its rendition."""
    return f"{number:06d}.mp4"


def silence_address(silence: Silence) -> str:
    """The address of silence, relative to the playlist of its rendition."""
    return f"silence-{silence.chunk:06d}-{silence.time}-{silence.frames}.mp4"


def master(replay: Replay, *, query: str = "", subtitles: Sequence[Subtitle] = ()) -> str:
    """The multivariant playlist: a variant for each picture, and one of the sound alone.

    `query` goes to the playlists of the renditions, such as `from=1000&to=9000`.
    """
    query = f"?{query}" if query else ""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    sound = next((one for one in replay.lines.values() if not one.is_video), None)
    if sound is not None:
        channels = max(chunk.channels for chunk in sound.chunks.values())
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_AUDIO}",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES'
            + (f',CHANNELS="{channels}"' if channels else "")
            + f',URI="{sound.name}/{PLAYLIST}{query}"'
        )
    for one in subtitles:
        lines.append(
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{_CAPTIONS}",NAME="{_quotable(one.name)}"'
            f',LANGUAGE="{_quotable(one.language)}",DEFAULT={"YES" if one.default else "NO"}'
            f',AUTOSELECT=YES,FORCED=NO,URI="{one.uri}"'
        )
    rates = {name: _rates(replay, name) for name in replay.lines}
    for line in replay.lines.values():
        played = [line] if sound is None or sound is line else [line, sound]
        text = _variant(played, [rates[each.name] for each in played])
        if sound is not None:
            text += f',AUDIO="{_AUDIO}"'
        if subtitles:
            text += f',SUBTITLES="{_CAPTIONS}"'
        lines += (text, f"{line.name}/{PLAYLIST}{query}")
    return "\n".join([*lines, ""])


def media(replay: Replay, name: str, slots: range, *, from_us: int | None = None) -> str:
    """The playlist of a rendition: the slots of the replay that hold what is asked for.

    `from_us`: VOD time within the first slot at which players shall begin. All renditions break
    at the same places. Where sound is missing there is silence; pictures that a rendition lacks
    are a gap. Raises KeyError for a rendition that there is not.
    """
    line = replay.lines[name]
    chosen = replay.slots[slots.start : slots.stop]
    longest = max((slot.duration_us for slot in chosen), default=_SECOND)
    first_period = chosen[0].period if chosen else 0
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXT-X-TARGETDURATION:{max(1, (longest + _SECOND // 2) // _SECOND)}",
        f"#EXT-X-MEDIA-SEQUENCE:{slots.start}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first_period}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    if chosen and from_us is not None and from_us > chosen[0].at_us:
        offset = (from_us - chosen[0].at_us) / _SECOND
        lines.append(f"#EXT-X-START:TIME-OFFSET={offset:.6f},PRECISE=YES")
    period = -1
    map_chunk = 0
    for one in segments(replay, name, chosen):
        if one.slot.period != period:
            if period >= 0:
                lines.append("#EXT-X-DISCONTINUITY")
            period, map_chunk = one.slot.period, 0
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date(replay, one.slot)}")
        length = f"#EXTINF:{one.duration_us / _SECOND:.6f},"
        if one.content is None:
            lines += ("#EXT-X-GAP", length, GAP)
            continue
        init = line.inits[one.content.chunk]
        if init != map_chunk:
            map_chunk = init
            size = len(line.chunks[init].init)
            lines.append(f'#EXT-X-MAP:URI="{chunk_address(init)}",BYTERANGE="{size}@0"')
        lines.append(length)
        if isinstance(one.content, Silence):
            lines.append(silence_address(one.content))
        else:
            byte_range = f"#EXT-X-BYTERANGE:{one.content.size}@{one.content.offset}"
            lines += (byte_range, chunk_address(one.content.chunk))
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _rates(replay: Replay, name: str) -> tuple[int, int]:
    """Bits a second of a rendition: at most, and on average."""
    longest = max((slot.duration_us for slot in replay.slots), default=0)
    peak = size = length_us = 0
    for slot in replay.slots:
        if name not in slot.pieces or not slot.duration_us:
            continue
        there = sum(piece.size for piece in slot.all_pieces(name))
        size += there
        length_us += slot.duration_us
        # A very short one says nothing of the rate that a player needs.
        if 2 * slot.duration_us >= longest:
            peak = max(peak, there * 8 * _SECOND // slot.duration_us)
    average = size * 8 * _SECOND // length_us if length_us else 0
    return max(peak, average), average


def _variant(played: Sequence[Line], rates: Sequence[tuple[int, int]]) -> str:
    codecs = ",".join(
        dict.fromkeys(chunk.codec for line in played for chunk in line.chunks.values())
    )
    text = (
        f"#EXT-X-STREAM-INF:BANDWIDTH={max(1, sum(peak for peak, _ in rates))}"
        f",AVERAGE-BANDWIDTH={max(1, sum(average for _, average in rates))}"
        f',CODECS="{codecs}"'
    )
    if played[0].is_video:
        chunks = played[0].chunks.values()
        largest = max(chunks, key=lambda one: one.width * one.height)
        text += f",RESOLUTION={largest.width}x{largest.height}"
        frame_rate = max(one.frame_rate for one in chunks)
        if frame_rate > 0:
            text += f",FRAME-RATE={frame_rate:.3f}"
        text += ",CLOSED-CAPTIONS=NONE"
    return text


def _date(replay: Replay, slot: Slot) -> str:
    """The stream time of a slot's beginning as ISO 8601 with milliseconds, in UTC."""
    period = replay.periods[slot.period]
    stream_ms = (period.stream_us + slot.at_us - period.at_us) // 1_000
    moment = datetime.fromtimestamp(stream_ms // 1_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{stream_ms % 1_000:03d}Z"


def _quotable(text: str) -> str:
    """Without what cannot stand between quotes in a playlist."""
    return _UNQUOTABLE.sub(" ", text)
