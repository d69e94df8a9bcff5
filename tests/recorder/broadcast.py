"""Whole recordings on disk, with real media, as broadcasts with all their troubles leave them.

broadcast = Broadcast(tmp_path)
broadcast.session()
broadcast.shoot(3)
broadcast.wait(20)
broadcast.shoot(2, sizes={"source": (320, 180)})
recording = broadcast.close()
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from bridge import fmp4
from bridge.track import AAC_FRAME, AUDIO_TIMESCALE, VIDEO_TIMESCALE, Sample, TrackConfig
from recorder import records
from recorder.index import FILE, IndexWriter
from recorder.media import LocalMedia
from recorder.recording import Recording
from recorder.records import Began, Chunk, Closed, Gap, Part, Record, Sealed, Session, chunk_name
from recorder.replay import Replay
from tests.recorder.barcodes import PICTURE, coded, sound_config, spoken

ORIGIN_MS: Final = 1_750_000_000_000
AUDIO: Final = "audio"
SMALL: Final[Mapping[str, tuple[int, int]]] = {"source": (256, 144), "90p": (160, 90)}
GOP: Final = 30
"""Pictures of a segment."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture, or a frame of sound, that was recorded."""

    session: int
    time: int
    """Ticks since the session's origin."""
    number: int
    """Of the picture; of sound, nothing."""


@dataclass(slots=True)
class _Open:
    """The chunk of a rendition that is written to."""

    number: int
    session: int
    config: TrackConfig
    map: int
    size: int = 0
    segments: int = 0


@dataclass(slots=True)
class Broadcast:
    """Call `session`, then `shoot`."""

    folder: Path
    segments_per_chunk: int = 2
    part: int = 15
    """Pictures of a part, 30 a second. A whole number of parts is a segment."""
    jitter: int = 0
    """Ticks by which pictures come early or late."""
    taken: dict[str, list[Taken]] = field(default_factory=dict)
    """By rendition."""
    _records: list[Record] = field(default_factory=list)
    _open: dict[str, _Open] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    """Chunks so far."""
    _session: int = 0
    _origin_ms: int = 0
    _now: int = 0
    """Ticks of 90 kHz since the session's origin."""
    _sound_end: int = -1
    """Where the last frame of sound ends; -1 where the next need not follow it."""
    _picture: int = 0
    _msn: int = 0
    _sequence: int = 0
    _broken: bool = True

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._records.append(
            Began(records.VERSION, self.folder.name, "channel", "A title", ORIGIN_MS)
        )

    @property
    def media(self) -> LocalMedia:
        return LocalMedia(self.folder)

    def session(self, after_s: float = 0.0, lead: int = 1_170) -> None:
        """The server begins a presentation. Pictures begin `lead` ticks after its origin."""
        self._close_chunks()
        at_ms = self._origin_ms + self._now // 90 + int(after_s * 1_000)
        self._origin_ms = at_ms if self._session else ORIGIN_MS
        self._session += 1
        self._now, self._sound_end, self._broken = lead, -1, True
        self._msn = self._origin_ms // 1_000
        self._records.append(Session(self._session, f"epoch{self._session}", self._origin_ms))

    def wait(self, seconds: float) -> None:
        """Nothing comes: a gap."""
        ticks = int(seconds * VIDEO_TIMESCALE)
        for name in self.taken:
            scale = AUDIO_TIMESCALE if name == AUDIO else VIDEO_TIMESCALE
            time, length = (each * scale // VIDEO_TIMESCALE for each in (self._now, ticks))
            self._records.append(Gap(name, self._msn, 0, time, length))
        self._msn += 1
        self._now += ticks
        self._sound_end, self._broken = -1, True

    def shoot(
        self,
        seconds: float,
        sizes: Mapping[str, tuple[int, int]] = SMALL,
        profile: str = "high",
        *,
        sound: bool = True,
        quiet: int = 0,
        channels: int = 2,
        breaks: bool = False,
        without: Mapping[str, Collection[int]] | None = None,
    ) -> None:
        """Pictures and sound for a time. `quiet`: beside so many pictures at its end there is
        no sound. `breaks`: with a discontinuity, though nothing is missing. `without`: by rendition
        those parts, from 0, that it lacks."""
        count = int(seconds * 30)
        breaks = breaks or self._broken
        missing = without or {}
        numbers = range(self._picture, self._picture + count)
        times = [self._now + PICTURE * n + self._shake(n) for n in range(count)]
        for name, size in sizes.items():
            film = coded(numbers.start, count, GOP, size, profile)
            step = PICTURE
            samples = [
                Sample(time, step, key, data)
                for time, (key, data) in zip(times, film.pictures, strict=True)
            ]
            cuts = [self._now + PICTURE * n for n in range(0, count, self.part)]
            cuts.append(self._now + PICTURE * count)
            self._add(name, film.config, samples, cuts, breaks, missing.get(name, ()))
            dropped = missing.get(name, ())
            self.taken.setdefault(name, []).extend(
                Taken(self._session, time, number)
                for n, (time, number) in enumerate(zip(times, numbers, strict=True))
                if n // self.part not in dropped
            )
        if sound:
            self._record_sound(count - quiet, channels, breaks, missing.get(AUDIO, ()))
        self._msn += -(-count // GOP)
        self._picture += count
        self._now += PICTURE * count
        self._broken = False

    def close(self, reason: records.CloseReason = "end") -> Recording:
        """Write the index. More may be added afterwards."""
        self._close_chunks()
        at_ms = self._origin_ms + self._now // 90
        self._records.append(Closed(at_ms, reason))
        self._write()
        return Recording.read(self.folder)

    def replay(self) -> Replay:
        return Replay.of(self.close())

    # --- inside

    def _shake(self, number: int) -> int:
        return 0 if number % GOP == 0 else (number * 7 % 5 - 2) * self.jitter

    def _record_sound(
        self, count: int, channels: int, breaks: bool, missing: Collection[int]
    ) -> None:
        begin = self._now * AUDIO_TIMESCALE // VIDEO_TIMESCALE
        end = (self._now + PICTURE * count) * AUDIO_TIMESCALE // VIDEO_TIMESCALE
        # Sound that begins anew does so at any moment of its own.
        at = self._sound_end if self._sound_end >= 0 else begin + 317 * (self._session + 1)
        frames = -(-(end - at) // AAC_FRAME)
        pieces = spoken(self._picture, at - begin, frames, channels)
        samples = [
            Sample(at + AAC_FRAME * n, AAC_FRAME, True, data) for n, data in enumerate(pieces)
        ]
        self._sound_end = at + AAC_FRAME * frames
        step = self.part * AUDIO_TIMESCALE // 30
        cuts = [*range(begin, end - step // 2, step), end]
        self._add(AUDIO, sound_config(channels), samples, cuts, breaks, missing)
        self.taken.setdefault(AUDIO, []).extend(
            Taken(self._session, one.time, 0)
            for one in samples
            if (one.time - begin) // step not in missing
        )

    def _add(
        self,
        name: str,
        config: TrackConfig,
        samples: Sequence[Sample],
        cuts: Sequence[int],
        breaks: bool,
        missing: Collection[int],
    ) -> None:
        """Cut samples into parts."""
        for index in range(len(cuts) - 1):
            segment, number = divmod(index, GOP // self.part)
            inside = [one for one in samples if cuts[index] <= one.time < cuts[index + 1]]
            msn = self._msn + segment
            first = breaks and index == 0
            begin = inside[0].time if number == 0 and inside else cuts[index]
            length = cuts[index + 1] - begin
            if index in missing or not inside:
                self._records.append(Gap(name, msn, number, begin, length, x=first, lost=True))
                continue
            chunk = self._chunk(name, config, new_segment=number == 0)
            last = inside[-1]
            self._sequence += 1
            data = fmp4.part(
                inside,
                sequence=self._sequence,
                last_duration=last.duration,
                wall_ms=self._origin_ms + begin * 1_000 // config.timescale,
                first=number == 0,
            )
            self._records.append(
                Part(
                    r=name,
                    c=chunk.number,
                    s=msn,
                    p=number,
                    t=begin,
                    d=length,
                    o=chunk.size,
                    n=len(data),
                    crc=crc32(data),
                    i=any(one.keyframe for one in inside),
                    x=first,
                )
            )
            self._append(name, chunk, data)

    def _chunk(self, name: str, config: TrackConfig, new_segment: bool) -> _Open:
        chunk = self._open.get(name)
        new_map = chunk is not None and chunk.config != config
        if chunk is not None and new_segment:
            chunk.segments += 1
            if new_map or chunk.segments > self.segments_per_chunk:
                self._seal(name)
        if name not in self._open:
            self._numbers[name] = self._numbers.get(name, 0) + 1
            number = chunk.map + new_map if chunk is not None else 0
            chunk = _Open(self._numbers[name], self._session, config, number, segments=1)
            self._open[name] = chunk
            self._begin_chunk(name, chunk)
        return self._open[name]

    def _begin_chunk(self, name: str, chunk: _Open) -> None:
        config = chunk.config
        init = fmp4.init(config)
        self._records.append(
            Chunk(
                rendition=name,
                number=chunk.number,
                session=chunk.session,
                map=chunk.map,
                init=init,
                codec=config.codec,
                timescale=config.timescale,
                width=getattr(config, "width", 0),
                height=getattr(config, "height", 0),
                frame_rate=getattr(config, "frame_rate", 0.0),
                channels=getattr(config, "channels", 0),
            )
        )
        (self.folder / chunk_name(name, chunk.number)).write_bytes(b"")
        self._append(name, chunk, init)

    def _append(self, name: str, chunk: _Open, data: bytes) -> None:
        with (self.folder / chunk_name(name, chunk.number)).open("ab") as file:
            file.write(data)
        chunk.size += len(data)

    def _seal(self, name: str) -> None:
        chunk = self._open.pop(name)
        data = (self.folder / chunk_name(name, chunk.number)).read_bytes()
        self._records.append(Sealed(name, chunk.number, len(data), sha256(data).hexdigest()))

    def _close_chunks(self) -> None:
        for name in list(self._open):
            self._seal(name)

    def _write(self) -> None:
        with IndexWriter(self.folder / FILE) as index:
            index.append(self._records)
        self._records.clear()
