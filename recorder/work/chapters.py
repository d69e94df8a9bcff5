"""Where chapters may begin: the scene changes while it is silent.

Output `candidates.json`, a `recorder.chapters.Found`. What becomes of it, with the streamer's own
markers, `recorder.chapters.merge` says.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from recorder.chapters import MOST, Candidate, Found, Scene, Silence, found_distance_ms
from recorder.replay import Replay
from recorder.work.keyframes import Keyframes
from recorder.work.scenes import SIDE, scenes
from recorder.work.silences import levels, silences
from recorder.work.task import Facts, Report, Task, WorkError

VERSION: Final = 1

FILE: Final = "candidates.json"
NEAR_MS: Final = 1_500
"""From a cut to the silence that makes it a chapter's beginning."""
LONG_MS: Final = 2_000
"""A longer silence does not make a chapter likelier."""


def run(task: Task, report: Report) -> Facts:
    """Raises WorkError, and MediaMissing where the media is not there now."""
    replay = Replay.of(task.recording)
    if not replay.slots:
        raise WorkError("The recording is empty.")
    heard = levels(replay, task.media, lambda share: report(0.3 * share))
    quiet = None if heard is None else silences(heard)
    cuts: list[Scene] = []
    if any(line.is_video for line in replay.lines.values()):
        keyframes = Keyframes(replay, task.media, SIDE)
        cuts = scenes(replay, keyframes, lambda share: report(0.3 + 0.7 * share))
        keyframes.check()
    times_ms = [slot.at_us // 1_000 for slot in replay.slots]
    chosen = candidates(cuts, quiet, times_ms, replay.duration_us // 1_000)
    found = Found(cuts, quiet or [], chosen)
    (task.out / FILE).write_bytes(msgspec.json.encode(found))
    report(1.0)
    return {"scenes": len(cuts), "silences": len(found.silences), "candidates": len(chosen)}


def candidates(
    cuts: Sequence[Scene],
    quiet: Sequence[Silence] | None,
    keyframes_ms: Sequence[int],
    length_ms: int,
) -> list[Candidate]:
    """The best moments by time, far enough from each other and from both ends.

    A cut is somewhere between its keyframe and the one before. `quiet` None: there is no sound, so
    cuts are all there is.
    """
    if quiet is None:
        likely = [Candidate(cut.at_ms, cut.score) for cut in cuts]
    else:
        likely = [one for cut in cuts for one in _near(cut, quiet, keyframes_ms)]
    distance_ms = found_distance_ms(length_ms)
    taken: list[Candidate] = []
    for one in sorted(likely, key=lambda one: (-one.score, one.at_ms)):
        if len(taken) == MOST:
            break
        if min(one.at_ms, length_ms - one.at_ms) >= distance_ms and all(
            abs(one.at_ms - other.at_ms) >= distance_ms for other in taken
        ):
            taken.append(one)
    return sorted(taken, key=lambda one: one.at_ms)


def _near(cut: Scene, quiet: Sequence[Silence], keyframes_ms: Sequence[int]) -> Iterator[Candidate]:
    """The moment of a silence that is nearest to a cut, if one is near enough."""
    before = bisect_left(keyframes_ms, cut.at_ms) - 1
    since_ms = keyframes_ms[max(0, before)]
    at = bisect_left(quiet, since_ms - NEAR_MS, key=lambda one: one.to_ms)
    best: Candidate | None = None
    for silence in quiet[at:]:
        if silence.from_ms > cut.at_ms + NEAR_MS:
            break
        length = min(LONG_MS, silence.to_ms - silence.from_ms) / LONG_MS
        at_ms = min(max(cut.at_ms, silence.from_ms), silence.to_ms)
        score = round(cut.score * (0.5 + 0.5 * length), 3)
        if best is None or score > best.score:
            best = Candidate(at_ms, score)
    if best is not None:
        yield best
