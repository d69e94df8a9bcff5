"""What people do to a room and to each other: who may, and what is written down of it."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from chat import protocol
from chat.entry import Draft, Kind
from chat.judge import NO_SUCH, Log, Missing, Quiet, Refused, Verdict, client_key
from chat.moderation import bodies
from chat.moderation.lines import Line
from chat.moderation.names import GUEST, Names
from chat.moderation.polls import Poll, Votes
from chat.moderation.settings import RoomSettings
from chat.moderation.state import State
from chat.moderation.text import Unfit, clean
from chat.people import RANK, Person, Role, UserId, is_staff, rank
from chat.protocol import Act

_RIGHTS: Final = Refused("rights", "That is for moderators.")
_NOBODY: Final = Refused("no-such", "Nobody can have this id.")
_USER: Final = re.compile(r"[A-Za-z0-9._:@-]{1,64}")
_REASON_BYTES: Final = 800


class Acts:
    """Judges everything that is not a message or a vote."""

    def __init__(self, state: State, names: Names, votes: Votes, settings: RoomSettings) -> None:
        self._state = state
        self._names = names
        self._votes = votes
        self._settings = settings

    def judge(self, who: Person, rights: Set[Role], frame: Act, now_ms: int) -> Verdict:
        """`who` is neither banned nor, unless it is about a delete, muted."""
        if isinstance(frame, protocol.Delete):
            return self._delete(who, rights, frame, now_ms)
        if not is_staff(rights):
            return _RIGHTS
        try:
            match frame:
                case protocol.Punish():
                    return self._punish(who, rights, frame, now_ms)
                case protocol.Mode():
                    return self._mode(who, frame, now_ms)
                case protocol.Pin():
                    return self._pin(who, frame, now_ms)
                case protocol.Settle():
                    return self._settle(who, frame.held, frame.approve, now_ms)
                case protocol.Appoint():
                    return self._appoint(who, rights, frame, now_ms)
                case protocol.OpenPoll():
                    return self._open_poll(who, frame, now_ms)
                case protocol.ClosePoll():
                    return self._close_poll(frame, now_ms)
        except Unfit as unfit:
            return Refused("text", str(unfit))

    def _delete(
        self, who: Person, rights: Set[Role], frame: protocol.Delete, now_ms: int
    ) -> Verdict:
        held = self._state.lines.held.find(frame.seq)
        if held is not None and (held.user.id == who.id or is_staff(rights)):
            return self._settle(who, frame.seq, False, now_ms)
        line = self._line(frame.seq)
        if not isinstance(line, Line):
            return line
        if line.user == who.id:
            late = now_ms - line.entry.t_recv > self._settings.own_delete_ms
            if late and not is_staff(rights):
                return Refused("rights", "It is too late to take that back.")
        elif not is_staff(rights) or not self._outranks(rights, line.user, now_ms):
            return Refused("rights", "That is not yours to take away.")
        if self._state.hides(frame.seq, line.user):
            return Quiet()
        return _log(who, frame.id, "delete", bodies.Delete(frame.seq, who.name), now_ms)

    def _punish(
        self, who: Person, rights: Set[Role], frame: protocol.Punish, now_ms: int
    ) -> Verdict:
        user = UserId(frame.user)
        if not _USER.fullmatch(user):
            return _NOBODY
        if not self._outranks(rights, user, now_ms):
            return Refused("rights", "Nobody acts on people of the same rank or above.")
        name = self._names.name_of(user)
        reason = "" if frame.reason is UNSET else _fit(frame.reason)
        own = rank(rights)
        match frame.act:
            case "timeout":
                seconds = self._settings.timeout_s if frame.seconds is UNSET else frame.seconds
                until = now_ms + seconds * 1_000
                timeout = bodies.Timeout(user, until, name, who.name, reason, own)
                return _log(who, frame.id, "timeout", timeout, now_ms)
            case "ban":
                ban = bodies.Ban(user, name, who.name, reason, False, own)
                return _log(who, frame.id, "ban", ban, now_ms)
            case "shadow":
                if self._state.standing.rank_of(user, now_ms) >= RANK["moderator"]:
                    return Refused("rights", "Moderators see what is shadowed.")
                shadow = bodies.Ban(user, name, who.name, reason, True, own)
                return _log(who, frame.id, "ban", shadow, now_ms, staff=True)
            case "pardon":
                return self._pardon(who, frame.id, user, now_ms)

    def _pardon(self, who: Person, id: str, user: UserId, now_ms: int) -> Verdict:
        standing = self._state.standing
        public = user in standing.bans or user in standing.timeouts
        if not public and user not in standing.shadows:
            return Quiet()
        # Of a shadow, nobody else may learn even that it ended.
        unban = bodies.Unban(user, who.name)
        return _log(who, id, "unban", unban, now_ms, staff=not public)

    def _mode(self, who: Person, frame: protocol.Mode, now_ms: int) -> Verdict:
        modes = self._state.modes
        asked = {
            name: value
            for name in protocol.Modes.__struct_fields__
            if (value := getattr(frame, name)) is not UNSET
        }
        changed = msgspec.structs.replace(modes, **asked)
        if changed == modes:
            return Quiet()
        mode = bodies.Mode(**msgspec.structs.asdict(changed), by=who.name)
        return _log(who, frame.id, "mode", mode, now_ms)

    def _pin(self, who: Person, frame: protocol.Pin, now_ms: int) -> Verdict:
        if frame.seq == 0:
            if self._state.pinned is None:
                return Quiet()
            return _log(who, frame.id, "pin", bodies.Pin(0, by=who.name), now_ms)
        line = self._line(frame.seq)
        if not isinstance(line, Line):
            return line
        if self._state.hides(frame.seq, line.user):
            return NO_SUCH
        pin = bodies.Pin(frame.seq, msgspec.Raw(line.entry.wire), who.name)
        return _log(who, frame.id, "pin", pin, now_ms)

    def _settle(self, who: Person, seq: int, approve: bool, now_ms: int) -> Verdict:
        held = self._state.lines.held.find(seq)
        if held is None:
            if self._state.lines.held.settled(seq) is approve:
                return Quiet()
            return Refused("no-such", "It was settled already, or there is nothing to settle.")
        settled = bodies.write(bodies.Settled(seq, approve, who.name))
        key = f"settled:{seq}"
        # Whoever is first has the key: what was turned down elsewhere is not let through here.
        if not approve:
            return Log((Draft("settled", settled, now_ms, None, key, None, staff=True),))
        body = bodies.write(msgspec.structs.replace(held, why=None))
        return Log(
            (
                Draft("message", body, now_ms, held.seen, key, None),
                Draft("settled", settled, now_ms, None, f"settle:{seq}", None, staff=True),
            )
        )

    def _appoint(
        self, who: Person, rights: Set[Role], frame: protocol.Appoint, now_ms: int
    ) -> Verdict:
        user = UserId(frame.user)
        if "owner" not in rights:
            return Refused("rights", "That is for the owner.")
        if not _USER.fullmatch(user):
            return _NOBODY
        if user.startswith(GUEST):
            return Refused("rights", "A guest can be anybody tomorrow.")
        if not self._outranks(rights, user, now_ms):
            return Refused("rights", "Nobody acts on people of the same rank or above.")
        role = bodies.Role(user, "moderator", frame.moderator, who.name)
        return _log(who, frame.id, "role", role, now_ms)

    def _open_poll(self, who: Person, frame: protocol.OpenPoll, now_ms: int) -> Verdict:
        poll = self._state.poll
        if poll is not None and poll.key != client_key(who.id, frame.id):
            return Refused("poll", "There is a poll already.")
        until = now_ms + frame.seconds * 1_000
        options = [clean(option) for option in frame.options]
        asked = bodies.Poll(clean(frame.question), options, until, who.name)
        return _log(who, frame.id, "poll", asked, now_ms)

    def _close_poll(self, frame: protocol.ClosePoll, now_ms: int) -> Verdict:
        poll = self._state.poll
        if frame.poll and frame.poll == self._state.ended:
            return Quiet()
        if poll is None or poll.seq != frame.poll:
            return Refused("poll", "There is no such poll.")
        return Log((poll_end(poll, self._votes, now_ms),))

    def _line(self, seq: int) -> Line | Refused | Missing:
        try:
            line = self._state.lines.find(seq)
        except LookupError:
            return Missing(seq)
        return NO_SUCH if line is None else line

    def _outranks(self, rights: Set[Role], user: UserId | None, now_ms: int) -> bool:
        other = 0 if user is None else self._state.standing.rank_of(user, now_ms)
        return rank(rights) > other


def poll_end(poll: Poll, votes: Votes, now_ms: int) -> Draft:
    """Ends a poll; once, whoever ends it first."""
    body = bodies.write(bodies.PollEnd(poll.seq, votes.tally(poll)))
    return Draft("poll_end", body, now_ms, None, f"poll_end:{poll.seq}", None)


def _log(
    who: Person, id: str, kind: Kind, body: Struct, now_ms: int, *, staff: bool = False
) -> Log:
    key = client_key(who.id, id)
    return Log((Draft(kind, bodies.write(body), now_ms, None, key, staff=staff),))


def _fit(reason: str) -> str:
    """Raises Unfit. A reason of spaces is none."""
    return clean(reason, size=_REASON_BYTES) if reason.strip() else ""
