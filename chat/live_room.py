"""A room that is open on this machine: the log on one side, the clients on the other.

Two tasks drive it. One takes what clients made, a tick at a time, and appends it. The other
follows the log, whoever appended, applies each entry to the rules and sends a tick's worth to
every client. Nothing that a client sees has not been in the log before.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from chat import frame, protocol
from chat.appending import Appender, Done
from chat.client import Client
from chat.closing import Reason
from chat.counts import Counts
from chat.entry import Draft, Entry, RoomId
from chat.feed import Feed
from chat.following import Follower
from chat.frame import Frame
from chat.judge import Judge
from chat.log import Appended, Head, LogError, RoomLog
from chat.pace import Pace
from chat.people import is_staff
from chat.presence import PresenceBoard, shown
from chat.protocol import Ack, Code, Error, HeartSums, Own, Rights, RoomView, Tally
from chat.reactions import TICK_MS, Reactions
from chat.recent import Recent
from chat.ring import Ring
from chat.sampling import Sampler
from chat.settings import HubSettings
from sluice.clock import Clock
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

_LAST_MS: Final = 2**53 - 1
_LAST_SEQ: Final = 2**53 - 1
_PUBLISH_SHARE: Final = 0.5
"""The appender keeps the tick. This side only bounds what several writers together make."""
_RIGHTS: Final = frozenset({"role", "subscription", "ban", "unban", "timeout"})
_RIGHTS_EACH: Final = 60
"""Seconds after which everybody's rights are looked at again: some end with time."""


class LiveRoom:
    """`open` it first. Everything else is called from the event loop's thread."""

    def __init__(
        self, room: RoomId, history: RoomLog, judge: Judge, settings: HubSettings, clock: Clock,
        counts: Counts,
    ) -> None:  # fmt: skip
        self.room = room
        self.history = history
        self.judge = judge
        self.settings = settings
        self.clock = clock
        self.counts = counts
        self.clients: set[Client] = set()
        self.recent = Recent(settings.recent_entries)
        self.reactions = Reactions(settings.back_ms)
        self.emotes: Collection[str] = ()
        self.head: Head
        self.feed: Feed
        self.empty_since_ms = clock.now_ms()
        self._by_user: dict[str, set[Client]] = defaultdict(set)
        self._presence = PresenceBoard(settings.exact_people)
        self._sampler = Sampler(settings.display_rate)
        self._pace = Pace()
        self._appender = Appender(room, history, settings.pending, clock, counts)
        self._follower = Follower(room, history, self._take, self._take_over, counts)
        self._unheard: list[_Unheard] = []
        self._hearing: list[tuple[int, asyncio.Future[None]]] = []
        self._unsent: list[Entry] = []
        self._publishing: asyncio.TimerHandle | None = None
        self._summing: asyncio.TimerHandle | None = None
        self._overdue = 0
        """Up to here, acks waited for a second already."""
        self._tallied: list[int] = []
        self._seconds = 0
        self._tasks = Tasks()

    async def open(self) -> None:
        """Read the room's state and begin to follow it. Raises LogError."""
        self.head = await self.history.open(self.room)
        ring = Ring(self.settings.behind_bytes, self.settings.behind_ms)
        self.feed = Feed(self.head, ring, self.counts)
        await self._follower.begin()
        try:
            self._follower.heard = self.feed.sent = await self._read_state()
        except BaseException:
            self._follower.end()
            raise
        self.emotes = self.judge.view(self.clock.wall_ms()).emotes
        self._tasks.spawn(self._follower.run(), f"chat-follow-{self.room}")
        self._tasks.spawn(self._appender.run(), f"chat-append-{self.room}")

    async def close(self, reason: Reason) -> None:
        """Close all clients, and forget. What was acknowledged is in the log."""
        for client in list(self.clients):
            client.close(reason)
            self.leave(client)
        for handle in (self._publishing, self._summing):
            if handle is not None:
                handle.cancel()
        await self._tasks.close()
        self._now_heard(_LAST_SEQ)
        try:
            await self._save_hearts()
        except LogError as error:
            log.warning("reactions were lost", room=self.room, error=str(error))

    async def look_back(self) -> None:
        """The log was trimmed: learn how far back it reaches now. Raises LogError."""
        head = await self.history.open(self.room)
        if head.position.epoch == self.feed.epoch:
            self.head = head

    async def hear(self, seq: int) -> None:
        """Wait until the entry with this number holds here; where the log does not tell of it,
        some seconds at most."""
        if seq > self._follower.heard:
            heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._hearing.append((seq, heard))
            await heard

    # --- clients

    def enter(self, client: Client) -> None:
        """It is somebody in this room now, though it may not be live yet."""
        self.clients.add(client)
        if client.person is not None:
            self._by_user[client.person.id].add(client)
        self.show_rights(client)

    def leave(self, client: Client) -> None:
        self.clients.discard(client)
        if client.person is not None and client.person.id in self._by_user:
            mine = self._by_user[client.person.id]
            mine.discard(client)
            if not mine:
                del self._by_user[client.person.id]
        if not self.clients:
            self.empty_since_ms = self.clock.now_ms()

    def view(self) -> RoomView:
        present = shown(len(self.clients), self.settings.exact_people)
        view = self.judge.view(self.clock.wall_ms())
        return msgspec.structs.replace(view, people=present.people, people_exact=present.exact)

    def show_rights(self, client: Client, *, tell: bool = False) -> None:
        """Look at what a client may do; tell it where that changed."""
        now_ms = self.clock.wall_ms()
        you = self.judge.you(client.person, now_ms)
        changed, client.you = client.you != you, you
        if client.person is not None:
            client.staff = is_staff(self.judge.rights(client.person, now_ms))
        if tell and changed:
            self.tell(client, frame.of(Rights(you)))

    def tell(self, client: Client, told: Frame) -> None:
        """An answer for one client; one that lets too many wait is closed."""
        if not client.tell(told, self.settings.own_bytes):
            client.close("slow")

    def refuse(self, client: Client, code: Code, detail: str, id: str, retry_ms: int = 0) -> None:
        self.counts.errors[code] += 1
        self.tell(client, frame.of(Error(code, detail, id, retry_ms)))

    # --- what clients make

    def make(self, drafts: Sequence[Draft], done: Done) -> bool:
        """Append with the next tick. False: too much waits already."""
        return self._appender.add(drafts, done)

    def make_for(
        self, client: Client, id: str, drafts: Sequence[Draft], *, held: bool = False
    ) -> None:
        """Append, and acknowledge once the entry holds here: who asks for something after its
        ack must not be answered from the state before. A held message's number is for staff."""

        def done(appended: Appended | None) -> None:
            if appended is None:
                detail = "The room's log did not answer; send it again under the same id."
                self.refuse(client, "log", detail, id, 1_000)
                return
            seq = 0 if held else appended.seq
            ack = frame.of(Ack(id, seq, appended.t_show, held))
            if appended.seq <= self._follower.heard:
                self.tell(client, ack)
            else:
                self._unheard.append(_Unheard(appended.seq, client, id, ack))

        if not self.make(drafts, done):
            self.refuse(client, "busy", "The room has too much to do.", id, 1_000)

    def react(self, emote: str, n: int, at_ms: int | None) -> None:
        self.counts.reactions += n
        self.reactions.add(emote, n, at_ms, self.clock.wall_ms())
        if self._summing is None:
            loop = asyncio.get_running_loop()
            self._summing = loop.call_later(TICK_MS / 1000, self.send_sums)

    # --- time

    async def second(self) -> None:
        """Once a second: what time brings about."""
        now_ms = self.clock.now_ms()
        self.feed.ring.expire(now_ms)
        self._seconds += 1
        # They are in the log, though it does not tell us: nobody shall wait longer for that.
        self._acknowledge(self._overdue)
        waiting = [one.seq for one in self._unheard] + [seq for seq, _ in self._hearing]
        self._overdue = max(waiting, default=0)
        drafts = self.judge.due(self.clock.wall_ms())
        if drafts:
            self.make(drafts, lambda appended: None)
        if self._seconds % _RIGHTS_EACH == 0:
            for mine in list(self._by_user.values()):
                for client in list(mine):
                    self.show_rights(client, tell=True)
        self._tell_all(self._presence.news(len(self.clients), now_ms))
        self._tell_tally()
        try:
            await self._save_hearts()
        except LogError as error:
            self.counts.log_failures += 1
            log.warning("reactions wait for the log", room=self.room, error=str(error))

    def send_sums(self) -> None:
        """The reactions of the last tick, to everybody whose line is free."""
        self._summing = None
        sums = self.reactions.sums()
        if sums:
            told = frame.of(HeartSums(sums))
            for client in self.clients:
                client.hearts(told)
        if self.reactions.waiting:
            loop = asyncio.get_running_loop()
            self._summing = loop.call_later(TICK_MS / 1000, self.send_sums)

    def _tell_all(self, news: protocol.Presence | Tally | None) -> None:
        """What the next one replaces: dropped where a line is not free."""
        if news is not None:
            told = frame.of(news)
            for client in list(self.clients):
                if client.live and client.line.ready:
                    client.tell(told, self.settings.own_bytes)

    def _tell_tally(self) -> None:
        poll = self.judge.view(self.clock.wall_ms()).poll
        votes = [] if poll is None else poll.votes
        if poll is not None and votes != self._tallied:
            self._tell_all(Tally(poll.id, votes))
        self._tallied = list(votes)

    async def _save_hearts(self) -> None:
        totals = self.reactions.totals()
        if totals:
            try:
                await self.history.add_hearts(self.room, totals)
            except LogError:
                self.reactions.restore(totals)
                raise

    # --- following

    async def _take_over(self, head: Head) -> int:
        """Another reign: what it does not count is taken back, and the rules are read anew. The
        last number that counts and was sent."""
        self._publish()
        self.head = head
        before = self.feed.epoch
        self.feed.take_over(head, self.clock.now_ms())
        # Nobody knows whether these count; under the same id they can be sent again.
        self._now_heard(_LAST_SEQ)
        unheard, self._unheard = self._unheard, []
        for one in unheard:
            self.refuse(one.client, "log", "The room's log changed hands.", one.id, 100)
        log.info("another process numbers the room", room=self.room, before=before,
                 now=head.position.epoch, last=head.position.seq)  # fmt: skip
        self.judge.forget()
        await self._read_state()
        for client in list(self.clients):
            self.show_rights(client, tell=True)
            client.pump()
        return self.feed.sent

    async def _read_state(self) -> int:
        """Apply all acts and the last messages to the rules, in order. The last of them all."""
        acts = await self.history.acts(self.room)
        most = self.settings.recent_entries
        last = await self.history.before(self.room, _LAST_MS, most)
        found = {entry.seq: entry for entry in (*acts, *last)}
        for seq in sorted(found):
            self.judge.apply(found[seq])
        self.recent.begin(last, whole=len(last) < most)
        return max([self.head.position.seq, *found])

    def _take(self, entries: Sequence[Entry]) -> None:
        """What was appended, by whomever: it holds from now on, and goes out with its tick."""
        for entry in entries:
            try:
                self.judge.apply(entry)
            except Exception:
                # The rules may fail over an entry; everybody gets to see it all the same.
                log.exception("an entry was not applied", room=self.room, seq=entry.seq)
            if entry.kind in _RIGHTS:
                self._rights_changed(entry)
        if any(one.kind == "erase" for one in entries):
            entries = self._forget_erased(entries)
        self.recent.add(entries)
        self._unsent += entries
        self._pace.count(len(entries), self.clock.now_ms())
        if self._publishing is None:
            wait_ms = self._pace.wait_ms(self.clock.now_ms(), _PUBLISH_SHARE)
            if wait_ms == 0:
                self._publish()
            else:
                loop = asyncio.get_running_loop()
                self._publishing = loop.call_later(wait_ms / 1000, self._publish)
        self._acknowledge(entries[-1].seq)

    def _forget_erased(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Something was taken out of the log, perhaps by another process: nothing of it may come
        from memory any more. What is left of the news."""
        self.feed.ring.clear()
        self.recent.forget(entries[-1].seq)
        self._unsent = [one for one in self._unsent if not self.judge.hides(one)]
        return [one for one in entries if not self.judge.hides(one)]

    def _now_heard(self, seq: int) -> None:
        waiting, self._hearing = self._hearing, []
        for wanted, heard in waiting:
            if wanted > seq:
                self._hearing.append((wanted, heard))
            elif not heard.done():
                heard.set_result(None)

    def _acknowledge(self, heard: int) -> None:
        self._now_heard(heard)
        ready = [one for one in self._unheard if one.seq <= heard]
        if ready:
            self._unheard = [one for one in self._unheard if one.seq > heard]
            for one in ready:
                self.tell(one.client, one.ack)

    def _rights_changed(self, entry: Entry) -> None:
        try:
            user = msgspec.json.decode(entry.body, type=_Named).user
        except msgspec.MsgspecError:
            return
        for client in list(self._by_user.get(user, ())):
            self.show_rights(client, tell=True)

    # --- sending

    def _publish(self) -> None:
        """One slot for all that was heard, and on to every client."""
        if self._publishing is not None:
            self._publishing.cancel()
            self._publishing = None
        entries, self._unsent = self._unsent, []
        if not entries:
            return
        now_ms = self.clock.now_ms()
        left_out = self._sampler.left_out(entries, now_ms)
        self.feed.publish(entries, left_out, now_ms)
        self._pace.sent(now_ms)
        for entry in entries:
            self.counts.entries[entry.kind] += 1
        self.counts.deliveries += (len(entries) - len(left_out)) * len(self.clients)
        self.counts.sampled_out += len(left_out)
        # A client may be closed by its own write, and leave the set.
        for client in list(self.clients):
            try:
                client.pump()
            except Exception:
                # What is wrong with one connection must not reach the others.
                log.exception("a client could not be written to", room=self.room)
                client.close("busy")
        for entry in entries:
            if entry.seq in left_out:
                self._tell_own(entry)

    def _tell_own(self, entry: Entry) -> None:
        """What the sample left out, to the sender's other connections: the one that sent it has
        its ack."""
        told: Frame | None = None
        _, _, rest = (entry.key or "").partition("client:")
        mine = self._by_user.get(rest.rpartition(":")[0], ())
        if len(mine) < 2:
            return
        for client in list(mine):
            if not client.staff and client.live:
                told = told or frame.of(Own([msgspec.Raw(entry.wire)]))
                self.tell(client, told)


@dataclass(frozen=True, slots=True)
class _Unheard:
    """An entry that is in the log and was not read back yet, and who waits for that."""

    seq: int
    client: Client
    id: str
    ack: Frame


class _Named(msgspec.Struct):
    user: str
