"""One simulated person in a room: what it says, and what it makes of what it hears.

No I/O: frames in, frames out. It holds the server to its word: numbers without holes, each once,
and an ack for what was said.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

VERSION = 1
MAX_DELAYS = 100_000
UNACKED = 200
"""What was said and not acknowledged is said again after a lost connection; at most so much."""
_WORDS = (
    "what a game", "hello from here", "did you see that", "again!", "no way", "so good",
    "who is that", "first time here", "the sound is great", "where are you all from",
)  # fmt: skip
_EMOTES = ("heart", "fire", "clap", "laugh", "wow", "sad")


@dataclass(slots=True)
class Tally:
    """What a crowd saw, all of it together."""

    heard: int = 0
    """Messages."""
    said: int = 0
    acked: int = 0
    reactions: int = 0
    """Heard, as sums."""
    gaps: int = 0
    """Declared: the client was too slow."""
    retracts: int = 0
    recovered: int = 0
    lost: int = 0
    """Came back too late to get all."""
    holes: int = 0
    """Numbers that were left out without a word: the server's fault."""
    repeats: int = 0
    """Numbers that came twice: the same."""
    errors: Counter[str] = field(default_factory=Counter)
    byes: Counter[int] = field(default_factory=Counter)
    delays_ms: list[int] = field(default_factory=list)
    """From said to heard, for the crowd's own messages."""
    on_ack: Callable[[str], None] | None = None
    """Told the id of each message that was acknowledged."""


class Chatter:
    """Somebody. `name` is also the beginning of its frames' ids."""

    def __init__(self, name: str, tally: Tally, rng: random.Random) -> None:
        self.name = name
        self.welcome = False
        self._since_ms = 0
        self._tally = tally
        self._rng = rng
        self._epoch = ""
        self._seq = 0
        self._number = 0
        self._unacked: dict[str, str] = {}

    def hello(self, ticket: str | None) -> str:
        """The first frame of a connection; after the first connection with its position."""
        self.welcome = False
        frame: dict[str, object] = {"op": "hello", "v": VERSION}
        if ticket is not None:
            frame["ticket"] = ticket
        if self._epoch:
            frame["resume"] = {"epoch": self._epoch, "seq": self._seq}
        return json.dumps(frame)

    def say(self, now_ms: int) -> str:
        """A message, which tells when it was said."""
        self._number += 1
        id = f"{self.name}-{self._number}"
        text = f"{self._rng.choice(_WORDS)} @{now_ms}"
        frame = json.dumps({"op": "say", "id": id, "text": text})
        self._tally.said += 1
        if len(self._unacked) < UNACKED:
            self._unacked[id] = frame
        return frame

    def react(self, now_ms: int) -> str:
        emote = self._rng.choice(_EMOTES)
        n = self._rng.randint(1, 5)
        return json.dumps({"op": "react", "emote": emote, "n": n, "at": now_ms})

    def again(self) -> list[str]:
        """What was said and not acknowledged, to be sent once more."""
        return list(self._unacked.values())

    def take(self, payload: bytes | str, now_ms: int) -> None:
        """A frame of the server's."""
        frame = json.loads(payload)
        match frame["op"]:
            case "welcome":
                self._since_ms = now_ms
                self._welcomed(frame)
            case "batch":
                self._batch(frame, now_ms)
            case "gap":
                self._tally.gaps += 1
                self._seq = max(self._seq, frame["to"])
            case "retract":
                self._tally.retracts += 1
                self._epoch = frame["now_epoch"]
                self._seq = min(self._seq, frame["from"] - 1)
            case "ack":
                if self._unacked.pop(frame["id"], None) is not None:
                    self._tally.acked += 1
                    if self._tally.on_ack is not None:
                        self._tally.on_ack(frame["id"])
            case "error":
                self._tally.errors[frame["code"]] += 1
                if not frame.get("retry_ms"):
                    self._unacked.pop(frame.get("id", ""), None)
            case "hearts":
                self._tally.reactions += sum(n for _, _, n in frame["sums"])
            case "bye":
                self._tally.byes[frame["code"]] += 1

    def _welcomed(self, frame: dict[str, object]) -> None:
        self.welcome = True
        if not self._epoch:
            self._seq = 0
        elif frame["recovered"]:
            self._tally.recovered += 1
        else:
            self._tally.lost += 1
            self._seq = 0
        self._epoch = str(frame["epoch"])

    def _batch(self, frame: dict[str, object], now_ms: int) -> None:
        first, last, items = frame["first"], frame["last"], frame["items"]
        assert isinstance(first, int)
        assert isinstance(last, int)
        assert isinstance(items, list)
        tally = self._tally
        # Whoever has just come does not know what was before.
        if self._seq and first > self._seq + 1:
            tally.holes += first - self._seq - 1
        if first <= self._seq:
            tally.repeats += self._seq - first + 1
        self._epoch, self._seq = str(frame["epoch"]), last
        for item in items:
            if item["kind"] == "message":
                tally.heard += 1
                _, _, said = item["text"].rpartition("@")
                fresh = said.isdecimal() and int(said) >= self._since_ms
                if fresh and len(tally.delays_ms) < MAX_DELAYS:
                    tally.delays_ms.append(max(0, now_ms - int(said)))
