"""The rules of one room: what may be said, by whom, and what the log makes of it.

`chat/judge.py` tells how it is driven. What is in the log is in `State`, and the same on every
node; names, rates and votes are this node's own, and are lost with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec
import structlog
from msgspec import UNSET

from chat import protocol
from chat.entry import SAID, Draft, Entry, Kind
from chat.judge import (
    NO_SUCH,
    Log,
    Missing,
    Quiet,
    Refused,
    Shadowed,
    Speaker,
    Verdict,
    client_key,
)
from chat.moderation.acts import Acts, poll_end
from chat.moderation.bodies import UNREADABLE, Reply, Shown, Why, read
from chat.moderation.message import TRUSTED, Written, refused_by, reply_to
from chat.moderation.names import Names
from chat.moderation.parts import split
from chat.moderation.polls import Votes
from chat.moderation.rates import Rates
from chat.moderation.said import Said
from chat.moderation.settings import RoomSettings
from chat.moderation.standing import in_order
from chat.moderation.state import State
from chat.moderation.text import Unfit, clean
from chat.people import RANK, Person, Role, UserId, is_staff
from chat.protocol import Act, RoomView, Say, Vote, You

log = structlog.get_logger(__name__)

_SPEAKING: Final = "Only people with a name say something here."
_TAKEN: Final = Refused("not-welcome", "Somebody else has this name, or one that looks like it.")


class Room:
    """A `Judge` (chat/judge.py)."""

    def __init__(self, settings: RoomSettings) -> None:
        self._settings = settings
        self._names = Names()
        self._rates = Rates(settings.rates)
        self._said = Said()
        self._votes = Votes()
        self.unreadable = 0
        """Entries of the log that this version cannot read; each changed nothing."""
        self._state = State(settings.lines)
        self._begin()

    def admit(self, person: Person, now_ms: int) -> Person | Refused:
        staff = is_staff(self.rights(person, now_ms))
        name = self._names.admit(person.id, person.name, now_ms, staff=staff)
        if name is None:
            return _TAKEN
        self._state.standing.learn(person.id, person.roles)
        return Person(person.id, name, person.roles)

    def judge(self, who: Speaker, frame: Say | Vote | Act, now_ms: int) -> Verdict:
        wait_ms = self._rates.frame(who.connection, who.address, now_ms)
        if wait_ms:
            return Refused("rate", "Too much from this connection.", wait_ms)
        person = who.person
        if person is None:
            return Refused("read-only", _SPEAKING)
        rights = self.rights(person, now_ms)
        punished = self._state.standing.punished(person.id, rights, now_ms)
        if punished == "banned":
            return Refused("banned", "You are banned from this room.")
        if punished == "muted" and not isinstance(frame, protocol.Delete):
            until_ms = self._state.standing.timeouts[person.id].until_ms or now_ms
            return Refused("muted", "You are in a timeout.", max(1, until_ms - now_ms))
        if isinstance(frame, Say):
            return self._say(person, rights, frame, punished == "shadowed", now_ms)
        if isinstance(frame, Vote):
            return self._vote(person, frame, punished == "shadowed", now_ms)
        return self._acts.judge(person, rights, frame, now_ms)

    def apply(self, entry: Entry) -> None:
        try:
            shown = self._state.apply(entry)
            if shown is not None:
                self._learn(entry, shown)
        except UNREADABLE as error:
            self._cannot_read(entry, error)

    def recall(self, entry: Entry) -> None:
        try:
            self._state.lines.recall(entry)
        except UNREADABLE as error:
            self._cannot_read(entry, error)

    def forget(self) -> None:
        self._begin()

    def due(self, now_ms: int) -> Sequence[Draft]:
        poll = self._state.poll
        if poll is None or poll.is_open(now_ms):
            return ()
        return (poll_end(poll, self._votes, now_ms),)

    def hides(self, entry: Entry) -> bool:
        if entry.kind == "alert":
            return self._state.hides(entry.seq, None)
        if entry.kind != "message":
            return entry.kind in SAID and entry.seq in self._state.erased
        lines = self._state.lines
        try:
            line = lines.find(entry.seq)
            user = None if line is None else line.user
        except LookupError:
            user = _author(entry)
        return self._state.hides(entry.seq, user)

    def view(self, now_ms: int) -> RoomView:
        state = self._state
        return RoomView(
            modes=state.modes,
            pin=None if state.pinned is None else msgspec.Raw(state.pinned.wire),
            poll=None if state.poll is None else self._votes.view(state.poll),
            people=0,
            people_exact=True,
            emotes=dict(self._settings.emotes),
            goal=None if state.goal is None else msgspec.Raw(state.goal),
        )

    def rights(self, who: Person, now_ms: int) -> frozenset[Role]:
        return self._state.standing.rights(who, now_ms)

    def you(self, who: Person | None, now_ms: int) -> You:
        if who is None:
            return You(None, "", [], False)
        rights = self.rights(who, now_ms)
        punished = self._state.standing.punished(who.id, rights, now_ms)
        welcome = not self._state.modes.subscribers_only or not rights.isdisjoint(
            TRUSTED | {"subscriber"}
        )
        may_say = welcome and punished in (None, "shadowed")
        return You(who.id, who.name, list(in_order(rights)), may_say)

    def _begin(self) -> None:
        told = self._state.standing.told
        self._state = State(self._settings.lines)
        self._state.standing.told.update(told)  # by tokens, not by the log
        self._acts = Acts(self._state, self._names, self._votes, self._settings)

    def _say(
        self, who: Person, rights: AbstractSet[Role], frame: Say, shadowed: bool, now_ms: int
    ) -> Verdict:
        if not self._names.holds(who.id, who.name):
            # Somebody took it over since: guests have to go, others get a number.
            admitted = self.admit(who, now_ms)
            if isinstance(admitted, Refused):
                return admitted
            who = admitted
        written = self._written(who, rights, frame, shadowed, now_ms)
        if not isinstance(written, Written):
            return written
        # The log knows a message that is sent again; here it must only not count twice.
        again = self._said.repeats(who.id, frame.id, now_ms)
        if not again:
            refused = refused_by(self._state.modes, written, self._said, now_ms)
            if refused is not None:
                return refused
        why: Why | None = "hold" if self._state.modes.hold and not written.trusted else None
        if not is_staff(rights) and (found := self._settings.words.find(written.text)):
            if found == "block":
                return Refused("text", "There is a word in it that this room does not take.")
            why = "words"
        if not again:
            wait_ms = self._rates.message(who.id, written.trusted, now_ms)
            if wait_ms:
                return Refused("rate", "Too many messages.", wait_ms)
            self._note(who.id, frame.id, written.text, now_ms)
        return _verdict(written, why, shadowed, now_ms)

    def _written(
        self, who: Person, rights: AbstractSet[Role], frame: Say, shadowed: bool, now_ms: int
    ) -> Written | Refused | Missing:
        try:
            text = clean(frame.text)
        except Unfit as unfit:
            return Refused("text", str(unfit))
        reply = self._reply(who, frame.reply, shadowed) if frame.reply is not UNSET else None
        if isinstance(reply, Refused | Missing):
            return reply
        parts = split(text, self._settings.emotes, self._names.called)
        seen_ms = None
        if frame.seen is not UNSET:
            # What the sender says, but neither in the future nor older than the stream.
            seen_ms = max(now_ms - self._settings.dvr_ms, min(frame.seen, now_ms))
        return Written(frame.id, who, rights, text, parts, reply, seen_ms)

    def _reply(self, who: Person, seq: int, shadowed: bool) -> Reply | Refused | Missing:
        """What is replied to. The shadowed may reply to their own, as everybody else."""
        held = self._state.lines.held.find(seq)
        if shadowed and held is not None and held.user.id == who.id:
            return reply_to(seq, who.name, held.text)
        try:
            line = self._state.lines.find(seq)
        except LookupError:
            return Missing(seq)
        if line is None or self._state.hides(seq, line.user):
            return Refused("reply", NO_SUCH.detail)
        return reply_to(seq, line.name, line.text)

    def _vote(self, who: Person, frame: Vote, shadowed: bool, now_ms: int) -> Verdict:
        poll = self._state.poll
        if poll is None or poll.seq != frame.poll or not poll.is_open(now_ms):
            return Refused("poll", "This poll is not open.")
        if frame.option >= len(poll.options):
            return Refused("poll", "The poll has no such option.")
        if not shadowed:
            self._votes.cast(poll, who.id, frame.option)
        return Quiet()

    def _learn(self, entry: Entry, shown: Shown) -> None:
        """From a message of the log, also of other nodes."""
        user = UserId(shown.user.id or "")
        if not user:
            return
        staff = is_staff(frozenset(role for role in RANK if role in shown.user.roles))
        self._names.seen(user, shown.user.name, entry.t_recv, staff=staff)
        self._state.standing.learn(user, shown.user.roles)
        self._note(user, shown.id, shown.text, entry.t_recv)

    def _cannot_read(self, entry: Entry, error: Exception) -> None:
        self.unreadable += 1
        if self.unreadable == 1:  # one tells enough; a log may be full of them
            log.warning("unreadable entry", seq=entry.seq, kind=entry.kind, error=str(error))

    def _note(self, user: UserId, id: str, text: str, now_ms: int) -> None:
        self._said.note(user, id, now_ms)
        if self._state.modes.unique:
            self._said.note_text(text, now_ms)


def _verdict(written: Written, why: Why | None, shadowed: bool, now_ms: int) -> Verdict:
    """A message, or one for staff only where there is a reason.

    What waits for a moderator is told to its sender; that must be the same in the shadow.
    """
    kind: Kind = "held" if why or shadowed else "message"
    body = written.body("shadow" if shadowed else why)
    key = client_key(written.who.id, written.id)
    drafts = (Draft(kind, body, now_ms, written.seen_ms, key, staff=kind == "held"),)
    return Shadowed(drafts) if shadowed and why is None else Log(drafts, held=why is not None)


def _author(entry: Entry) -> UserId | None:
    try:
        return UserId(read(entry, Shown).user.id or "") or None
    except UNREADABLE:
        return None
