"""Kills the server around its webhooks, as often as wished, and then looks for a wrong cent.

    python -m tests.chat.donations.kills --kills 1000 [--seed N] [--postgres]

The pretend provider doubles, reorders, delays, loses and replays; the server is a real process
that gets SIGKILL at random moments: while it starts, while it takes webhooks, while it tells the
room. In the end everything is delivered once more without kills, and the books must say what
happened, each donation once and each alert once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import random
import secrets
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import msgspec
from sqlalchemy import func, select
from sqlalchemy.engine import URL

from chat.donations import ledger, migrations
from chat.donations.amounts import Money
from chat.donations.fake_delivery import FakeDelivery, Weather
from chat.donations.intents import Intents, Wish
from chat.donations.models import OutboxRow, Transaction, WebhookEvent
from chat.donations.provider_fake import FakeProvider, Letter, payment_of
from sluice.clock import SystemClock
from sluice.database import Database, sqlite_url
from tests.chat.donations.kill_server import FileLog, Request, serve, socket_in
from tests.chat.donations.world import EUR, SECRET, euros
from tests.postgres import running

ROUND_MS = 1_500
WEATHER = Weather(duplicate=0.3, lose=0.1, delay_ms=3_000)
BACKLOG = 60
"""Letters that wait for the server to live; more news is not made up meanwhile."""
AT_ONCE = 12
MOMENT_S = 0.02
STARTUP_S = 0.3


@dataclass
class Truth:
    """What really happened at the provider."""

    left: dict[str, int] = field(default_factory=dict)
    """Of each donation that was paid: what is left of it."""
    money: dict[str, Money] = field(default_factory=dict)


@dataclass
class Report:
    """Figures of a run, and what was wrong."""

    seed: int
    kills: int = 0
    kills_at_start: int = 0
    kills_at_alerts: int = 0
    unanswered: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    donations: int = 0
    alerts: int = 0
    alerts_tried_again: int = 0
    transactions: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        answers = ", ".join(f"{name} {count}" for name, count in sorted(self.answers.items()))
        return (
            f"seed {self.seed}: {self.kills} kills ({self.kills_at_start} while starting, "
            f"{self.kills_at_alerts} while telling), "
            f"{self.unanswered} webhooks cut off, answers: {answers}; "
            f"{len(self.acknowledged)} events acknowledged, {self.donations} donations paid, "
            f"{self.transactions} transactions, {self.alerts} alerts "
            f"({self.alerts_tried_again} tried again and not doubled), {self.seconds:.0f} s; "
            + ("all is right" if not self.faults else f"WRONG: {self.faults}")
        )


class Provider:
    """Makes up what happens, and keeps the truth about it."""

    def __init__(self, chance: random.Random, intents: Intents, fake: FakeProvider) -> None:
        self._chance = chance
        self._intents = intents
        self._fake = fake
        self.truth = Truth()
        self.letters: list[Letter] = []

    async def more(self, now_ms: int) -> list[Letter]:
        """News of some new donations, and replays of old news."""
        chance = self._chance
        news: list[Letter] = []
        for _ in range(chance.randint(1, 3)):
            money = euros(chance.randint(100, 10_000))
            wish = Wish("live", money, None, "Ann", "hi", None, "https://x.test/", None)
            donation, _ = await self._intents.begin(wish, now_ms)
            news += self._story(donation.id, money)
        replays = chance.choices(self.letters, k=2) if self.letters else []
        self.letters += news
        return news + replays

    def _story(self, donation: str, money: Money) -> Iterator[Letter]:
        """What becomes of one donation; every part of it may come in any order."""
        chance, fake, payment = self._chance, self._fake, payment_of(donation)
        if chance.random() < 0.15:  # a payment that is not what was asked for
            yield fake.tell_payment(donation, euros(money.amount + 1), payment=f"{payment}_odd")
        if chance.random() < 0.1:
            return
        paid = fake.tell_payment(donation, money)
        yield paid
        if chance.random() < 0.2:  # the same payment, told by another event
            other = b"x" + paid.event.encode()
            yield Letter(other.decode(), paid.body.replace(paid.event.encode(), other))
        left = money.amount
        if chance.random() < 0.4:
            part = chance.randint(1, money.amount // 2)
            yield fake.tell_refund(f"re_{donation}", payment, euros(part))
            left -= part
            if chance.random() < 0.3:
                yield fake.tell_refund(f"re_{donation}", payment, euros(part), status="failed")
                left += part
        if chance.random() < 0.2:
            part = chance.randint(1, money.amount // 2)
            yield fake.tell_dispute(f"dp_{donation}", payment, euros(part))
            left -= part
            if chance.random() < 0.5:
                yield fake.tell_dispute(f"dp_{donation}", payment, euros(part), won=True)
                left += part
        if chance.random() < 0.1:  # more than there ever was
            yield fake.tell_refund(f"big_{donation}", payment, euros(money.amount + 1))
        self.truth.left[donation] = left
        self.truth.money[donation] = money


Deliveries = Sequence[asyncio.Task[None]]


class Run:
    """One run in one folder."""

    def __init__(self, folder: Path, database: URL, seed: int) -> None:
        self._folder = folder
        self._url = database.render_as_string(hide_password=False)
        self._chance = random.Random(seed)
        self._fake = FakeProvider(SECRET)
        self._delivery = FakeDelivery(self._chance, WEATHER)
        self._log = FileLog(folder)
        self._arrived: deque[Letter] = deque()
        self._database = Database(self._url, migrations.FOLDER, busy_s=10.0)
        self._provider = Provider(self._chance, Intents(self._database, self._fake), self._fake)
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(["tests.chat.donations.kill_server"])
        self.report = Report(seed)

    async def go(self, kills: int) -> Report:
        begin = time.perf_counter()
        await self._database.open()
        now_ms = 0
        while self.report.kills < kills:
            now_ms += ROUND_MS
            if len(self._arrived) < BACKLOG:
                for letter in await self._provider.more(now_ms):
                    self._delivery.post(letter, now_ms)
            self._arrived += self._delivery.due(now_ms)
            await self._killed(now_ms)
        await self._finish(now_ms)
        await self._look()
        await self._database.close()
        self.report.seconds = time.perf_counter() - begin
        return self.report

    async def _killed(self, now_ms: int) -> None:
        """One life of the server, which ends by a kill."""
        with self._server() as server:
            moment = self._chance.random()
            if moment < 0.1:
                await asyncio.sleep(self._chance.uniform(0, STARTUP_S))
                self.report.kills_at_start += 1
            else:
                await self._up(server)
            told = len(self._log.lines())
            count = min(AT_ONCE, len(self._arrived))
            deliveries = [
                asyncio.create_task(self._deliver(self._arrived.popleft(), now_ms))
                for _ in range(count)
            ]
            if moment > 0.6:  # just when a room is told, before that is noted
                await self._told_more(told, deliveries)
                self.report.kills_at_alerts += 1
            else:
                # By answers, not by time: a slow machine is to get as far as a fast one.
                await self._answered(deliveries, self._chance.randint(0, count))
                await asyncio.sleep(self._chance.uniform(0, MOMENT_S))
            server.kill()
            self.report.kills += 1
            await asyncio.gather(*deliveries)

    async def _finish(self, now_ms: int) -> None:
        """Everything that is not heard yet, until it is; and the outbox to its end."""
        with self._server() as server:
            await self._up(server)
            while self._arrived or self._delivery.next_ms is not None:
                now_ms = max(now_ms, self._delivery.next_ms or 0)
                self._arrived += self._delivery.due(now_ms)
                while self._arrived:
                    await self._deliver(self._arrived.popleft(), now_ms)
            await self._until(self._all_told)
        if self._delivery.unheard:
            self.report.faults.append(f"{self._delivery.unheard} letters were never heard")

    @contextmanager
    def _server(self) -> Iterator[ForkServerProcess]:
        socket_in(self._folder).unlink(missing_ok=True)
        server = self._forks.Process(target=serve, args=(self._folder, self._url), daemon=True)
        server.start()
        try:
            yield server
        finally:
            server.kill()
            server.join()
            server.close()

    async def _up(self, server: ForkServerProcess) -> None:
        async def is_up() -> bool:
            assert server.is_alive(), "the server ended by itself"
            return socket_in(self._folder).exists()

        await self._until(is_up)

    async def _answered(self, deliveries: Deliveries, count: int) -> None:
        async def is_enough() -> bool:
            return sum(one.done() for one in deliveries) >= count

        await self._until(is_enough)

    async def _told_more(self, lines: int, deliveries: Deliveries) -> None:
        """Until a line more is in the log, or nothing is left that could bring one."""

        async def is_more() -> bool:
            more = len(self._log.lines()) > lines
            return more or all(one.done() for one in deliveries)

        await self._until(is_more)

    async def _deliver(self, letter: Letter, now_ms: int) -> None:
        answer = await self._send(letter)
        if answer in ("applied", "repeated", "waiting", "quarantined", "ignored"):
            self.report.answers[answer] += 1
            self.report.acknowledged.add(msgspec.json.decode(letter.body)["id"])
            self._delivery.heard(letter)
            return
        self.report.unanswered += 1
        self._delivery.unanswered(letter, now_ms)

    async def _send(self, letter: Letter) -> str:
        """What the server answered; empty where it did not."""
        headers = self._fake.sign(letter, SystemClock().wall_ms())
        request = msgspec.msgpack.encode(Request(letter.body, headers))
        try:
            reader, writer = await asyncio.open_unix_connection(socket_in(self._folder))
        except OSError:
            return ""
        try:
            writer.write(len(request).to_bytes(4, "big") + request)
            return (await reader.read()).decode()
        except OSError:
            return ""
        finally:
            writer.close()

    async def _all_told(self) -> bool:
        async with self._database.reading() as session:
            found = await session.execute(
                select(func.count()).select_from(OutboxRow).where(OutboxRow.done_ms.is_(None))
            )
            return found.scalar_one() == 0

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Another process makes it so, and tells nobody: look often."""
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.002)

    async def _look(self) -> None:
        """Everything that could be wrong."""
        report, truth = self.report, self._provider.truth
        lines = self._log.lines()
        intents = Intents(self._database, self._fake)
        async with self._database.reading() as session:
            report.faults += await ledger.faults(session)
            balance = (await ledger.balances(session, "channel:live")).get(EUR, 0)
            held = (await ledger.balances(session, "provider:fake")).get(EUR, 0)
            events = set((await session.execute(select(WebhookEvent.id))).scalars())
            waiting = select(WebhookEvent.id).where(WebhookEvent.outcome == "waiting")
            waits = list((await session.execute(waiting)).scalars())
            paid = select(Transaction.order_id).where(Transaction.kind == "payment")
            payments = list((await session.execute(paid)).scalars())
            count = select(func.count()).select_from(Transaction)
            report.transactions = (await session.execute(count)).scalar_one()
        report.donations, report.alerts = len(truth.left), len(lines)
        report.alerts_tried_again = sum(tries - 1 for *_, tries in lines)
        expected = sum(truth.left.values())
        self._must(-balance == expected == held, f"{balance} and {held}, not {expected}")
        self._must(not waits, f"events still wait: {waits}")
        self._must(report.acknowledged <= events, "an acknowledged event is not kept")
        self._must(Counter(payments) == Counter(list(truth.left)), "not each donation once")
        told = Counter(key for key, *_ in lines)
        self._must(told == Counter(f"donation:{one}" for one in truth.left), "not each alert once")
        for _, _, body, _ in lines:
            shown = msgspec.json.decode(body)
            right = truth.money[shown["donation"]]
            self._must(shown["amount"] == right.amount, f"{shown} is not {right.shown}")
        for donation, left in truth.left.items():
            standing = await intents.get(donation)
            self._must(standing is not None and standing.left == left, f"{donation}: not {left}")

    def _must(self, holds: bool, fault: str) -> None:
        if not holds:
            self.report.faults.append(fault)


async def run(folder: Path, database: URL, kills: int, seed: int) -> Report:
    return await Run(folder, database, seed).go(kills)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-kills-")))
        database = sqlite_url(folder / "money.db")
        if options.postgres:
            database = stack.enter_context(running()).new_database()
        report = asyncio.run(run(folder, database, options.kills, options.seed))
    print(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
