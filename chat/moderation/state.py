"""A room's state as its log tells it: the same entries give the same state, everywhere."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import msgspec

from chat.entry import ACTS, Entry
from chat.moderation import bodies
from chat.moderation.bodies import Shown, read
from chat.moderation.lines import SHOWN, Lines
from chat.moderation.polls import Poll
from chat.moderation.standing import Sentence, Standing
from chat.people import UserId
from chat.protocol import Modes


class State:
    """Acts are applied in order, once. Messages may come before or after them, and again."""

    def __init__(self, lines: int) -> None:
        self.modes = Modes()
        self.pinned: Pinned | None = None
        self.poll: Poll | None = None
        self.ended = 0
        """The poll that ended last."""
        self.goal: bytes | None = None
        self.standing = Standing()
        self.lines = Lines(lines)
        self.erased = Spans()
        self._pinned_by = 0
        self._acts_through = 0

    def apply(self, entry: Entry) -> Shown | None:
        """Gives back a message that is new. Raises UNREADABLE where a body cannot be read;
        such an entry changes nothing."""
        self.lines.last = max(self.lines.last, entry.seq)
        if entry.kind in SHOWN:
            return self._show(entry)
        if entry.kind in ACTS and entry.seq > self._acts_through:
            self._acts_through = entry.seq
            self._act(entry)
        return None

    def hides(self, seq: int, user: UserId | None) -> bool:
        """Whether a message of that number by that user was taken away."""
        if seq in self.lines.deleted or seq in self.erased:
            return True
        return user is not None and seq < self.standing.cleared.get(user, 0)

    def _show(self, entry: Entry) -> Shown | None:
        shown = self.lines.add(entry)
        return shown if entry.kind == "message" else None

    def _act(self, entry: Entry) -> None:
        match entry.kind:
            case "delete":
                self.lines.deleted.add(read(entry, bodies.Delete).of)
            case "clear":
                self.standing.hide(UserId(read(entry, bodies.Clear).user), entry.seq)
            case "timeout":
                timeout = read(entry, bodies.Timeout)
                sentence = Sentence(timeout.rank, timeout.until)
                self.standing.punish("timeout", UserId(timeout.user), sentence)
                self.standing.hide(UserId(timeout.user), entry.seq)
            case "ban":
                ban = read(entry, bodies.Ban)
                user = UserId(ban.user)
                self.standing.punish("shadow" if ban.shadow else "ban", user, Sentence(ban.rank))
                if not ban.shadow:
                    self.standing.hide(user, entry.seq)
            case "unban":
                self.standing.pardon(UserId(read(entry, bodies.Unban).user))
            case "mode":
                self.modes = read(entry, Modes)
            case "pin":
                self._pin(entry, read(entry, bodies.Pin))
            case "role":
                role = read(entry, bodies.Role)
                if role.role == "moderator":
                    self.standing.moderators[UserId(role.user)] = role.on
            case "subscription":
                paid = read(entry, bodies.Subscription)
                self.standing.subscribed[UserId(paid.user)] = paid.until
            case "poll":
                poll = read(entry, bodies.Poll)
                options = tuple(poll.options)
                self.poll = Poll(
                    entry.epoch, entry.seq, poll.question, options, poll.until, entry.key
                )
            case "poll_end":
                self.ended = read(entry, bodies.PollEnd).poll
                if self.poll is not None and self.poll.seq == self.ended:
                    self.poll = None
            case "held":
                self.lines.held.add(entry.seq, read(entry, bodies.Message))
            case "settled":
                settled = read(entry, bodies.Settled)
                self.lines.held.settle(settled.held, settled.approve)
            case "goal":
                self.goal = entry.wire
            case "erase":
                self._erase(read(entry, bodies.Erase))
        if self.pinned is not None and self.hides(self.pinned.seq, self.pinned.user):
            self.pinned = None

    def _erase(self, erase: bodies.Erase) -> None:
        """As if the entries had not been there: the state must be the same for who knew them and
        for who reads the log from now on."""
        self.erased.add(erase.first, erase.last)
        self.lines.erase(erase.first, erase.last)
        if self._pinned_by <= erase.pin:
            self.pinned = None
        if self.poll is not None and self.poll.seq in self.erased:
            self.poll = None

    def _pin(self, entry: Entry, pin: bodies.Pin) -> None:
        self._pinned_by = entry.seq
        if pin.of == 0:
            self.pinned = None
            return
        shown = msgspec.json.decode(pin.entry, type=Shown)
        user = UserId(shown.user.id) if shown.user.id and shown.kind != "alert" else None
        self.pinned = Pinned(pin.of, user, bytes(pin.entry))


class Spans:
    """Numbers, as runs of them."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []
        """First and last of each, in order; they neither meet nor touch."""

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._runs, seq, key=lambda run: run[0]) - 1
        return at >= 0 and seq <= self._runs[at][1]

    def __len__(self) -> int:
        return len(self._runs)

    def add(self, first: int, last: int) -> None:
        if first > last:
            return
        begin = bisect_left(self._runs, first - 1, key=lambda run: run[1])
        end = bisect_right(self._runs, last + 1, key=lambda run: run[0])
        met = self._runs[begin:end]
        if met:
            first, last = min(first, met[0][0]), max(last, met[-1][1])
        self._runs[begin:end] = [(first, last)]


class Pinned(msgspec.Struct, frozen=True):
    """The pinned message, as clients get it."""

    seq: int
    user: UserId | None
    wire: bytes
