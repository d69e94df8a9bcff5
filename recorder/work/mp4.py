"""The whole recording, or a stretch of it, as one file: `video.mp4`.

Parameters, all optional:

- `video`: the rendition of the pictures; the best one otherwise.
- `audio`: false leaves the sound out.
- `from_us`, `to_us`: a stretch of VOD time.
- `exact`: false cuts at whole segments instead of to the microsecond.
- `title`: the recording's own otherwise.
- `chapters`: JSON, a list of `{"at_us": 0, "title": "Hello"}`.
- `texts`: JSON, a list of captions: `{"language": "en", "label": "English", "cues": [{"from_us": 0,
  "to_us": 1000000, "text": "Hi"}]}`.
- `sha256`: true has the sum of the file among the facts, which costs reading it once more.

Moments are VOD time in microseconds. Facts: `duration_ms`, `size` (bytes), `etag` and `sha256`.
"""

from __future__ import annotations

from hashlib import file_digest
from typing import Final, TypeVar

import msgspec

from recorder.mp4.stitch import stitch
from recorder.mp4.text import ChapterMark, TextTrack
from recorder.replay import Replay
from recorder.work.task import Facts, Report, Task, Value, WorkError

VERSION: Final = 1
FILE: Final = "video.mp4"

T = TypeVar("T")


class _Parameters(msgspec.Struct, forbid_unknown_fields=True):
    video: str | None = None
    audio: bool = True
    from_us: int = 0
    to_us: int | None = None
    exact: bool = True
    title: str | None = None
    chapters: str = "[]"
    texts: str = "[]"
    sha256: bool = False


def run(task: Task, report: Report) -> Facts:
    """Write the file. Raises WorkError where there is nothing, or what there is is damaged;
    MediaMissing and OSError where trying again may help."""
    wanted = _convert(task.spec.parameters, _Parameters)
    replay = Replay.of(task.recording)
    try:
        file = stitch(
            replay,
            task.media,
            video=wanted.video,
            audio=wanted.audio,
            from_us=wanted.from_us,
            to_us=wanted.to_us,
            exact=wanted.exact,
            texts=_decode(wanted.texts, list[TextTrack]),
            chapters=_decode(wanted.chapters, list[ChapterMark]),
            title=task.recording.title if wanted.title is None else wanted.title,
        )
    except ValueError as error:
        raise WorkError(str(error)) from error
    path = task.out / FILE
    file.write(path, report)
    facts: Facts = {
        "duration_ms": file.duration_us // 1_000,
        "size": file.size,
        "etag": file.etag,
    }
    if wanted.sha256:
        with path.open("rb") as written:
            facts["sha256"] = file_digest(written, "sha256").hexdigest()
    return facts


def _convert(parameters: dict[str, Value], into: type[T]) -> T:
    try:
        return msgspec.convert(parameters, into)
    except msgspec.ValidationError as error:
        raise WorkError(f"The parameters are wrong: {error}") from error


def _decode(text: str, into: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=into)
    except msgspec.MsgspecError as error:
        raise WorkError(f"The parameters are wrong: {error}") from error
