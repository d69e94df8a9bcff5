"""Captions of a whole recording, after its end, when there is time to listen once more.

Parameters: `engine` (a name of recorder.captions.engine), `model_dir`, `language`.
Output: captions.vtt, captions.srt, and words.json, a list of [from_ms, to_ms, text]; VOD time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from recorder import records
from recorder.captions import srt, vtt
from recorder.captions.cues import cues
from recorder.captions.engine import Engine, EngineMissing, open_engine
from recorder.captions.listener import JUMP_MS
from recorder.captions.sound import SoundBroken, SoundDecoder
from recorder.captions.utterances import RATE, Cutter, Pcm, Utterance
from recorder.captions.words import Word, rising
from recorder.media import Media, MediaMissing
from recorder.replay import Line, Period, Piece, Replay
from recorder.work.task import Facts, Report, Task, WorkError

VERSION: Final = 1

VTT: Final = "captions.vtt"
SRT: Final = "captions.srt"
WORDS: Final = "words.json"

LONGEST_S: Final = 28.0
"""Of the sound that an engine gets at once; Whisper hears 30 s."""
SHORTEST_S: Final = 12.0
"""Before that a pause of a sentence is no reason to stop."""


def run(task: Task, report: Report) -> Facts:
    """Raises WorkError when the engine is not there, or when there is no sound."""
    name = _parameter(task, "engine", "pocketsphinx")
    language = _parameter(task, "language", "en")
    folder = _parameter(task, "model_dir", "")
    replay = Replay.of(task.recording)
    line = next((one for one in replay.lines.values() if not one.is_video), None)
    if line is None:
        raise WorkError("The recording has no sound, so there is nothing to caption.")
    try:
        engine = open_engine(name, Path(folder) if folder else None, language)
    except EngineMissing as error:
        raise WorkError(str(error)) from error
    ear = _Ear(engine, task.media, replay, line)
    words: list[Word] = []
    for heard, done in ear.listen():
        words += rising(heard, words[-1].to_ms if words else 0)
        report(done)
    made = cues(words)
    (task.out / VTT).write_text(vtt.write(made), encoding="utf-8")
    (task.out / SRT).write_text(srt.write(made), encoding="utf-8")
    lines = [(one.from_ms, one.to_ms, one.text) for one in words]
    (task.out / WORDS).write_bytes(msgspec.json.encode(lines))
    report(1.0)
    return {
        "engine": name,
        "language": language,
        "words": len(words),
        "cues": len(made),
        "missing_s": round(ear.missing_ms / 1_000, 1),
    }


@dataclass(frozen=True, slots=True)
class _Place:
    """A piece of sound on VOD time."""

    from_ms: int
    length_ms: int
    piece: Piece


class _Ear:
    """Goes once through the sound of a replay."""

    def __init__(self, engine: Engine, media: Media, replay: Replay, line: Line) -> None:
        self._engine = engine
        self._media = media
        self._replay = replay
        self._line = line
        self.missing_ms = 0
        """Sound that could not be read or decoded."""

    def listen(self) -> Iterator[tuple[list[Word], float]]:
        """Words on VOD time, rising, and how much is done."""
        whole_ms = max(1, self._replay.duration_us // 1_000)
        for period in self._replay.periods:
            for utterance, begin_ms in self._utterances(period):
                start_ms = begin_ms + utterance.start_ms
                words = self._engine.transcribe(utterance.pcm)
                yield (
                    [word.later(start_ms) for word in words],
                    min(1.0, (start_ms + utterance.pcm.size * 1_000 // RATE) / whole_ms),
                )

    def _utterances(self, period: Period) -> Iterator[tuple[Utterance, int]]:
        """Each with the VOD time that its own times count from. None reaches over a break."""
        decoder: SoundDecoder | None = None
        init = b""
        cutter: Cutter | None = None
        begin_ms = end_ms = 0
        samples = 0
        for place in self._places(period):
            if cutter is not None and abs(place.from_ms - end_ms) > JUMP_MS:
                yield from ((one, begin_ms) for one in cutter.finish())
                cutter, decoder = None, None
            chunk = self._line.chunks[place.piece.chunk]
            if decoder is None or chunk.init != init:
                decoder, init = self._decoder(chunk), chunk.init
            pcm = self._decoded(decoder, place)
            if pcm is None:
                decoder = None
                continue
            if cutter is None:
                cutter, begin_ms, samples = Cutter(LONGEST_S, SHORTEST_S), place.from_ms, 0
            yield from ((one, begin_ms) for one in cutter.feed(pcm))
            samples += pcm.size
            end_ms = begin_ms + samples * 1_000 // RATE
        if cutter is not None:
            yield from ((one, begin_ms) for one in cutter.finish())

    def _places(self, period: Period) -> Iterator[_Place]:
        timescale = self._line.timescale
        for slot in (self._replay.slots[at] for at in period.slots):
            piece = slot.pieces.get(self._line.name)
            if piece is not None:
                stream_us = period.origin_us + piece.time * 1_000_000 // timescale
                vod_us = period.at_us + stream_us - period.stream_us
                yield _Place(vod_us // 1_000, piece.ticks * 1_000 // timescale, piece)

    def _decoder(self, chunk: records.Chunk) -> SoundDecoder | None:
        try:
            return SoundDecoder(chunk.init)
        except SoundBroken:
            return None

    def _decoded(self, decoder: SoundDecoder | None, place: _Place) -> Pcm | None:
        """None where it is lost: captions of the rest are better than none."""
        piece = place.piece
        name = records.chunk_name(self._line.name, piece.chunk)
        try:
            if decoder is not None:
                return decoder.decode(self._media.read(name, piece.offset, piece.size))
        except (MediaMissing, SoundBroken):
            pass
        self.missing_ms += place.length_ms
        return None


def _parameter(task: Task, name: str, default: str) -> str:
    value = task.spec.parameters.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise WorkError(f"The parameter {name} must be text.")
    return value
