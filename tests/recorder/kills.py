"""Kills a recorder at random moments, and then plays what it left.

    python -m tests.recorder.kills --kills 100 [--seed N]

The recorder is a real process that gets SIGKILL: while it opens the folder, while it writes, when
it changes from one chunk to the next, while it closes. Half of the folders are opened again by
another recorder, which is killed, too, some of them without a recovery in between. Each time, all
that the recorder had said to be lasting must be there, of what was handed over one part a
rendition may be lost, index and media must agree, and FFmpeg must decode every frame of it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from recorder import index
from recorder.recording import NotARecording, Recording
from recorder.records import Part
from recorder.recovery import recover
from recorder.replay import Replay
from tests.recorder.fragments import FRAMES, film
from tests.recorder.kill_writer import write
from tests.recorder.studio import fault_of, frames_of, parts_of

MOST_LINES = 200
AFTER_S = 0.004


@dataclass
class Report:
    """Figures of a run, and what was wrong."""

    seed: int
    kills: int = 0
    ended: int = 0
    """Recorders that were quicker than their kill."""
    stages: Counter[str] = field(default_factory=Counter)
    reopened: int = 0
    parts: int = 0
    lasting: int = 0
    lost: int = 0
    most_lost: int = 0
    salvaged: int = 0
    cut: int = 0
    torn: int = 0
    frames: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        stages = ", ".join(f"{count} {name}" for name, count in sorted(self.stages.items()))
        return (
            f"seed {self.seed}: {self.kills} kills ({stages}; {self.ended} more were too late), "
            f"{self.reopened} times opened again; "
            f"{self.parts} parts handed over, {self.lasting} said to be lasting, "
            f"{self.lost} lost ({self.most_lost} of a rendition at most), "
            f"{self.salvaged} found that the index did not know, {self.cut} bytes of half parts "
            f"cut off, {self.torn} bytes of torn lines; {self.frames} frames decoded, "
            f"{self.seconds:.0f} s; " + ("all is right" if not self.faults else f"{self.faults}")
        )


@dataclass
class Story:
    """What the recorders of one folder said."""

    handed: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    lasting: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    lives: int = 0


class Run:
    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(["tests.recorder.kill_writer"])
        self.report = Report(seed)

    def go(self, kills: int) -> Report:
        begin = time.perf_counter()
        while self.report.kills < kills:
            folder = self._folder / f"{self.report.kills}-{self.report.ended}"
            story = Story()
            lives = self._chance.choice((1, 1, 1, 2, 3))
            for life in range(lives):
                self._kill(folder, life, story)
                # The last one always; those before are sometimes left as they are.
                is_last = life == lives - 1 or self.report.kills == kills
                if is_last or self._chance.random() < 0.5:
                    self._look(folder, story)
                if is_last:
                    break
            self.report.reopened += story.lives - 1
        self.report.seconds = time.perf_counter() - begin
        return self.report

    def _kill(self, folder: Path, life: int, story: Story) -> None:
        """One life of a recorder."""
        receiver, sender = self._forks.Pipe(duplex=False)
        seed = self._chance.getrandbits(32)
        process = self._forks.Process(target=write, args=(folder, life, seed, sender), daemon=True)
        process.start()
        sender.close()
        # By what it said, not by time: a slow machine is to get as far as a fast one.
        stage = self._chance.choices(("o", "w", "c", ""), (10, 5, 15, 70))[0]
        said = _read_lines(receiver, self._chance.randint(3, MOST_LINES), stage)
        time.sleep(self._chance.uniform(0, AFTER_S))
        process.kill()
        said += _read_lines(receiver)
        receiver.close()
        process.join()
        process.close()
        story.lives += 1
        if said and said[-1] == "e":
            self.report.ended += 1
        else:
            self.report.kills += 1
            self.report.stages[_stage(said)] += 1
        for line in said:
            word, *rest = line.split()
            if word in ("h", "l"):
                told = story.handed if word == "h" else story.lasting
                told.setdefault(rest[0], []).append((int(rest[1]), int(rest[2])))

    def _look(self, folder: Path, story: Story) -> None:
        """Everything that could be wrong."""
        report = self.report
        handed = sum(map(len, story.handed.values()))
        try:
            found = recover(folder)
        except (NotARecording, FileNotFoundError) as error:
            self._must(handed == 0, folder, f"there is no recording: {error}")
            return
        before = (folder / index.FILE).read_bytes()
        recover(folder)
        again = (folder / index.FILE).read_bytes()
        self._must(again == before, folder, "a second recovery changes something")
        report.salvaged += found.parts
        report.cut += found.cut
        report.torn += found.torn
        report.parts += handed
        report.lasting += sum(map(len, story.lasting.values()))
        there = parts_of(folder)
        for rendition, parts in story.handed.items():
            kept = there.get(rendition, [])
            lost = [part for part in parts if part not in set(kept)]
            report.lost += len(lost)
            report.most_lost = max(report.most_lost, len(lost) - story.lives + 1)
            said = set(story.lasting.get(rendition, []))
            self._must(said <= set(kept), folder, f"{rendition}: a lasting part is not there")
            self._must(len(lost) <= story.lives, folder, f"{rendition}: {lost} lost")
            expected = [part for part in parts if part not in set(lost)]
            self._must(kept == expected, folder, f"{rendition}: parts are not in order")
        self._must(fault_of(folder) == "", folder, fault_of(folder))
        self._play(folder)

    def _play(self, folder: Path) -> None:
        """To its end: every frame of every part that stands in the index."""
        recording = Recording.read(folder)
        replay = Replay.of(recording)
        decoded = frames_of(folder)
        self.report.frames += sum(decoded.values())
        for name, captured in recording.renditions.items():
            wanted = 0
            pieces = [slot.pieces[name] for slot in replay.slots if name in slot.pieces]
            for part in [part for piece in pieces for part in piece.parts]:
                wanted += part.d // 1_024 if name == "audio" else FRAMES
            self._must(decoded.get(name, 0) == wanted, folder, f"{name}: frames are missing")
            if name == replay.leader:
                all_parts = sum(isinstance(span, Part) for _, span in captured.spans)
                played = sum(len(piece.parts) for piece in pieces)
                self._must(played == all_parts, folder, f"{name}: {all_parts - played} not played")

    def _must(self, holds: bool, folder: Path, fault: str) -> None:
        if not holds:
            self.report.faults.append(f"{folder.name}: {fault}")


def _read_lines(pipe: Connection, count: int | None = None, word: str = "") -> list[str]:
    """So many lines, or up to one that begins with the word, or all up to the end of the pipe."""
    lines: list[str] = []
    said = b""
    # No byte more than is wanted: the rest is read after the kill.
    while data := os.read(pipe.fileno(), 1):
        said += data
        if data == b"\n":
            lines.append(said.decode().rstrip())
            said = b""
            if lines[-1].startswith(word) if word else len(lines) == count:
                break
    return lines


def _stage(said: list[str]) -> str:
    """What it was about when it was killed."""
    words = {"o": "opening", "w": "beginning", "h": "writing", "l": "waiting", "c": "closing"}
    return words[said[-1][0] if said else "o"]


def run(folder: Path, kills: int, seed: int) -> Report:
    film()  # made once, before the forks
    return Run(folder, seed).go(kills)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="sluice-kills-") as folder:
        report = run(Path(folder), options.kills, options.seed)
    print(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
