"""The captions of a whole recording, with the real engine."""

from __future__ import annotations

from binascii import crc32
from pathlib import Path

import msgspec
import numpy as np
import pytest

from recorder import records
from recorder.captions import srt, vtt
from recorder.captions.search import Index
from recorder.media import LocalMedia
from recorder.recording import Recording
from recorder.records import Began, Chunk, Part, Record, Session
from recorder.work import captions
from recorder.work.task import Spec, Task, Value, WorkError
from tests.recorder.captions.speech import (
    AAC_RATE,
    HELLO,
    MUSIC,
    Coded,
    coded,
    silence,
    spoken,
)

ORIGIN = 1_790_000_000_000


class Taped:
    """A recording of sound alone, written by hand: one part a segment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records: list[Record] = [Began(records.VERSION, "tape", "channel", "", ORIGIN)]
        self._chunks = 0

    def session(self, sound: Coded, origin_ms: int) -> None:
        """One chunk, in a session of its own."""
        self._chunks += 1
        number = self._chunks
        data = bytearray(sound.init)
        self._records += [
            Session(number, f"epoch{number}", origin_ms),
            Chunk("audio", number, number, 0, sound.init, "mp4a.40.2", AAC_RATE, channels=2),
        ]
        for msn, one in enumerate(sound.fragments):
            place = len(data)
            data += one.data
            self._records.append(
                Part(
                    *("audio", number, msn, 0, one.ticks, one.length),
                    *(place, len(one.data), crc32(one.data)),
                    i=True,
                )
            )
        (self.folder / records.chunk_name("audio", number)).write_bytes(data)

    def task(self, **parameters: Value) -> Task:
        out = self.folder / "out"
        out.mkdir()
        spec = Spec("captions", "tape", dict(parameters))
        return Task(spec, Recording.of(self._records), LocalMedia(self.folder), out)


def padded(text: str) -> Coded:
    sound = np.concatenate([silence(0.5, AAC_RATE), spoken(text, AAC_RATE), silence(1, AAC_RATE)])
    return coded(sound)


@pytest.mark.needs("espeak-ng")
def test_two_sessions_become_captions_on_one_timeline(tmp_path: Path) -> None:
    taped = Taped(tmp_path)
    first = padded(HELLO)
    taped.session(first, ORIGIN)
    taped.session(padded(MUSIC), ORIGIN + 600_000)
    done: list[float] = []
    task = taped.task(language="en")
    facts = captions.run(task, done.append)
    first_ms = sum(one.length for one in first.fragments) * 1_000 // AAC_RATE

    words = msgspec.json.decode(
        (task.out / "words.json").read_bytes(), type=list[tuple[int, int, str]]
    )
    assert words == sorted(words)
    early = {text for _, to_ms, text in words if to_ms <= first_ms}
    late = {text for from_ms, _, text in words if from_ms >= first_ms}
    assert {"welcome", "live", "stream"} <= early
    assert {"music", "today"} <= late
    assert min(from_ms for from_ms, _, text in words if text == "music") < first_ms + 4_000

    cues = vtt.read((task.out / "captions.vtt").read_bytes())
    assert srt.read((task.out / "captions.srt").read_bytes()) == cues
    (hit,) = Index(cues).find("music today")
    assert hit.at_ms >= first_ms
    assert facts == {
        "engine": "pocketsphinx",
        "language": "en",
        "words": len(words),
        "cues": len(cues),
        "missing_s": 0.0,
    }
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_what_is_lost_is_told_and_the_rest_is_heard(tmp_path: Path) -> None:
    taped = Taped(tmp_path)
    taped.session(coded(silence(3, AAC_RATE)), ORIGIN)
    taped.session(coded(silence(2, AAC_RATE)), ORIGIN + 600_000)
    (tmp_path / records.chunk_name("audio", 1)).unlink()
    facts = captions.run(taped.task(), lambda _: None)
    assert facts["missing_s"] == pytest.approx(3.0, abs=0.1)
    assert facts["words"] == 0
    assert (tmp_path / "out" / "captions.vtt").read_text() == "WEBVTT\n"


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"engine": "unknown"}, "There is no engine 'unknown'"),
        ({"language": "de"}, "needs a model for 'de'"),
        ({"model_dir": "/nowhere"}, "There is no folder /nowhere"),
        ({"language": 7}, "The parameter language must be text."),
    ],
)
def test_an_engine_that_cannot_be_used_is_told(
    tmp_path: Path, parameters: dict[str, Value], problem: str
) -> None:
    taped = Taped(tmp_path)
    taped.session(coded(silence(1, AAC_RATE)), ORIGIN)
    with pytest.raises(WorkError, match=problem):
        captions.run(taped.task(**parameters), lambda _: None)


def test_without_sound_there_is_nothing_to_caption(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="has no sound"):
        captions.run(Taped(tmp_path).task(), lambda _: None)
