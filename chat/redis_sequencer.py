"""Numbers a room's entries, while this node has the room's lease.

What comes while a batch is on its way makes up the next one. After any doubt, be it a timeout or
numbers that are not where they were left, it begins a new epoch before it goes on: no number of
one epoch ever stands for two entries.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from chat.entry import Draft, Epoch
from chat.lineage import CHAIN_LENGTH, new_epoch
from chat.log import Appended, LogError
from chat.redis_keys import RoomKeys
from chat.redis_records import View, draft_arguments, read_appended, read_view
from chat.redis_script import APPEND, LOOK, RELEASE, TAKE
from chat.redis_settings import RedisSettings
from chat.redis_store import Argument, Store

log = structlog.get_logger(__name__)

BATCH_DRAFTS: Final = 500
WAITING_DRAFTS: Final = 10_000
"""Of one room; with more than that, more is refused."""
REPLIES_KEPT: Final = 1_000
_LOCAL: Final = "-"


class NotHere(LogError):
    """Another node numbers the room now. Nothing was appended."""


@dataclass(slots=True)
class _Reign:
    epoch: Epoch
    seq: int
    """The last number, as far as we know."""


@dataclass(slots=True, eq=False)
class _Job:
    drafts: Sequence[Draft]
    done: asyncio.Future[Sequence[Appended]] | None
    """None: another node waits for the reply."""
    request: str = _LOCAL
    inbox: str = ""


class Sequencer:
    """Of one room, on one node; whether it numbers or not."""

    def __init__(self, store: Store, keys: RoomKeys, node: str, settings: RedisSettings) -> None:
        self._store = store
        self._keys = keys
        self._node = node
        self._settings = settings
        self._four = (keys.state, keys.lease, keys.log, keys.replies)
        self._reign: _Reign | None = None
        self._taking = asyncio.Lock()
        self._jobs: list[_Job] = []
        self._waiting = 0
        self._working: asyncio.Task[None] | None = None
        self.leads = False
        """The lease was ours when we last knew."""
        self.inbox = "0-0"
        """Up to here the inbox was read."""
        self.term = 0
        """Grows when the inbox is to be read from an earlier place again."""

    async def look(self) -> View:
        """How the room stands. Takes it where it is free, and renews the lease where it is ours."""
        reign = self._reign
        left_at = 0 if reign is None else reign.seq
        arguments = (self._node, "" if reign is None else reign.epoch, self._settings.lease_ms)
        view = read_view(await self._store.run(LOOK, self._four, arguments))
        if view.whose == "taken":
            self._depose()
            return view
        lost = view.head is None or view.head.position.seq < left_at
        if view.whose == "free" or reign is None or lost:
            return await self.take(reign)
        return view

    async def take(self, before: _Reign | None = None) -> View:
        """Begin an epoch in the place of `before`, unless another node has the lease."""
        async with self._taking:
            if self._reign is before:
                return await self._take()
        return await self.look()  # it was done meanwhile

    async def _take(self) -> View:
        names = (*self._four, self._keys.acts, self._keys.lasting, self._keys.rest)
        arguments = (
            self._node, new_epoch(), self._settings.lease_ms, secrets.token_hex(6), CHAIN_LENGTH
        )  # fmt: skip
        view = read_view(await self._store.run(TAKE, names, arguments))
        if view.whose != "mine" or view.head is None:
            self._depose()
            return view
        # What others asked for, and was not done, is read again from where the log says.
        for job in [job for job in self._jobs if job.done is None]:
            self._jobs.remove(job)
            self._waiting -= len(job.drafts)
        self.term += 1
        self.inbox = view.inbox
        self.leads = True
        self._reign = _Reign(view.head.position.epoch, view.head.position.seq)
        return view

    async def append(self, drafts: Sequence[Draft]) -> Sequence[Appended]:
        """Raises NotHere and LogError."""
        if not self.leads:
            raise NotHere("Another node numbers the room.")
        if self._waiting > WAITING_DRAFTS:
            raise LogError("Too many entries wait to be numbered.")
        done: asyncio.Future[Sequence[Appended]] = asyncio.get_running_loop().create_future()
        self._add(_Job(drafts, done))
        return await done

    def request(self, drafts: Sequence[Draft], request: str, inbox: str, term: int) -> bool:
        """Another node wants this appended; `term` is that in which the inbox was read.

        False: not now; it is to be read again.
        """
        if not self.leads or term != self.term or self._waiting > WAITING_DRAFTS:
            return False
        self.inbox = inbox
        if drafts:
            self._add(_Job(drafts, None, request, inbox))
        return True

    async def release(self) -> None:
        """Finish, and let another node have the room."""
        if self._working is not None:
            await self._working
        if self.leads:
            self._depose()
            arguments = (self._keys.state, self._keys.lease, self._keys.replies)
            await self._store.run(RELEASE, arguments, (self._node,))

    def _add(self, job: _Job) -> None:
        self._jobs.append(job)
        self._waiting += len(job.drafts)
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name="chat sequencer")

    async def _work(self) -> None:
        """Batch after batch, until nothing waits."""
        while self._jobs:
            jobs = self._next_batch()
            try:
                await self._append(jobs)
            except LogError as error:
                self._doubt()
                _fail(jobs, error)
            except Exception as error:
                log.error("a room's sequencer failed", exc_info=error)
                self._doubt()
                _fail(jobs, LogError(f"{error!r}.", maybe=True))
        self._working = None

    async def _append(self, jobs: Sequence[_Job]) -> None:
        """Raises LogError: then we do not know."""
        for _ in range(2):
            if self.leads and self._reign is None:
                await self._regain()
                jobs = [job for job in jobs if job.done is not None]
            reign = self._reign
            if reign is None:
                _fail(jobs, NotHere("Another node numbers the room."))
                return
            if not jobs:
                return
            answer = await self._send(reign, jobs)
            if isinstance(answer, list):
                await self._appended(jobs, reign, read_appended(answer))
                return
            if self._reign is reign:
                self._doubt()
                if answer != b"moved":
                    self._depose()
        raise LogError("The room's numbers do not stay where they are.")

    async def _regain(self) -> None:
        try:
            await self.take()
        except LogError as error:  # nothing of the batch was sent
            raise LogError(str(error)) from error

    async def _send(self, reign: _Reign, jobs: Sequence[_Job]) -> object:
        keys = self._keys
        names = [keys.state, keys.lease, keys.log, keys.acts, keys.lasting, keys.replies]
        replicas = self._settings.replicas
        # The script replies to other nodes itself, unless that would be before it is confirmed.
        requests = "".join(f"{job.request} {len(job.drafts)} " for job in jobs if not replicas)
        inbox = next((job.inbox for job in reversed(jobs) if job.inbox), "")
        arguments: list[Argument] = [
            reign.epoch, reign.seq, self._node, self._settings.lease_ms, inbox, requests
        ]  # fmt: skip
        for job in jobs:
            for draft in job.drafts:
                arguments += draft_arguments(draft)
                if draft.key is not None:
                    names.append(keys.key(draft.key))
        if not replicas:
            return await self._store.run(APPEND, names, arguments)
        answer, confirmed = await self._store.run_confirmed(
            APPEND, names, arguments, replicas, self._settings.confirm_ms
        )
        if isinstance(answer, list) and confirmed < replicas:
            raise LogError(f"Only {confirmed} of {replicas} replicas have it.", maybe=True)
        return answer

    async def _reply(self, job: _Job, done: Sequence[Appended]) -> None:
        numbers = [f"{one.seq} {one.t_show} {one.repeated:d}" for one in done]
        fields = {"r": job.request, "v": " ".join(numbers)}
        await self._store.add(self._keys.replies, fields, REPLIES_KEPT)

    async def _appended(
        self, jobs: Sequence[_Job], reign: _Reign, done: Sequence[Appended]
    ) -> None:
        reign.seq = max([reign.seq, *(one.seq for one in done if not one.repeated)])
        replies: list[tuple[_Job, Sequence[Appended]]] = []
        at = 0
        for job in jobs:
            its = done[at : at + len(job.drafts)]
            at += len(job.drafts)
            if job.done is None:
                replies.append((job, its))
            elif not job.done.done():
                job.done.set_result(its)
        if self._settings.replicas:
            for job, its in replies:
                await self._reply(job, its)

    def _next_batch(self) -> Sequence[_Job]:
        size = count = 0
        for job in self._jobs:
            if count and size + len(job.drafts) > BATCH_DRAFTS:
                break
            size, count = size + len(job.drafts), count + 1
        jobs, self._jobs = self._jobs[:count], self._jobs[count:]
        self._waiting -= size
        return jobs

    def _doubt(self) -> None:
        """The next batch begins an epoch."""
        self._reign = None

    def _depose(self) -> None:
        self._reign = None
        self.leads = False


def _fail(jobs: Sequence[_Job], error: LogError) -> None:
    for job in jobs:
        if job.done is not None and not job.done.done():
            job.done.set_exception(error)
