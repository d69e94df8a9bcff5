"""Promotion after promotion under a conversation: `python -m tests.chat.log_chaos --rounds 20`.

Every round has a seed, printed; with `--seed` it is run again. A round: three nodes with four
clients each and six writers, a primary and a chain of replicas. At moments of chance a replica is
promoted, with its line cut before or not, its old primary killed or alive, a node's connections
dropped, or a node comes and goes. At the end every client has the one room, and what
was acknowledged and is not there is beyond an end that the chain declares, or of an epoch that the
promoted replica never heard of.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from chat.log import LogError, RoomLog
from chat.log_redis import RedisLog
from chat.redis_settings import RedisSettings
from tests.chat.log_conformance import GARDEN, texts
from tests.chat.log_witness import Client, Witness
from tests.chat.redis_servers import Pair, redis_pair

MESSAGES = 40
"""Of each writer."""
EVENTS = ("promote", "cut and promote", "promote beside the living", "drop connections", "node")
LAST = "the end"


@dataclass(frozen=True, slots=True)
class Outcome:
    seed: int
    events: Sequence[str]
    acknowledged: int
    lost: int
    retracted: int
    epochs: int
    seconds: float

    def line(self) -> str:
        return (
            f"seed {self.seed}: {self.acknowledged} acknowledged, {self.lost} lost as declared, "
            f"{self.retracted} taken back by clients, {self.epochs} epochs, {self.seconds:.1f} s "
            f"({', '.join(self.events)})"
        )


async def round_of(seed: int, replicas: int = 0) -> Outcome:
    """Raises AssertionError where a promise was broken."""
    chance, started = random.Random(seed), time.monotonic()
    settings = RedisSettings(
        lease_ms=900, deadline_ms=2_000, replicas=replicas, confirm_ms=300
    )  # fmt: skip
    events = [chance.choice(EVENTS) for _ in range(3)]
    async with redis_pair() as pair:
        nodes: list[RoomLog] = [RedisLog(pair.client(), settings) for _ in range(3)]
        witness = Witness()
        clients = []
        for node in nodes:
            head = await node.open(GARDEN)
            clients += [Client(witness, node.follow(GARDEN), head) for _ in range(4)]
        await pair.in_step()
        reading = [asyncio.create_task(client.follow(LAST)) for client in clients]
        writing = [
            asyncio.create_task(witness.write(node, [f"{n}.{m}" for m in range(MESSAGES)]))
            for n, node in enumerate(nodes * 2)
        ]
        for number, event in enumerate(events, start=1):
            await witness.until_acknowledged(number * 50 + chance.randrange(20))
            await _happens(event, pair, settings)
        await asyncio.gather(*writing)
        await witness.write(nodes[0], [LAST])
        await asyncio.gather(*reading)
        final = list(await nodes[1].after(GARDEN, 0, 100_000))
        head = await nodes[1].open(GARDEN)
        for node in nodes:
            await node.close()
    for client in clients:
        assert client.entries == final, "every client has the one room"
    lost = witness.lost(final)
    retracted = {text for client in clients for text in texts(client.retracted)}
    known = {head.position.epoch, *(end.epoch for end in head.chain)}
    forgotten = {told.position.epoch for client in clients for told in client.heads} - known
    for text, seq in lost.items():
        declared = forgotten or any(seq > end.last for end in head.chain)
        assert declared, f"{text} is lost, and nothing says so"
    assert not (replicas and lost), f"confirmed, and lost nevertheless: {lost}"
    return Outcome(
        seed,
        events,
        len(witness.acknowledged),
        len(lost),
        len(retracted),
        len(head.chain) + 1,
        time.monotonic() - started,
    )


async def _happens(event: str, pair: Pair, settings: RedisSettings) -> None:
    match event:
        case "drop connections":
            await pair.drop_connections()
        case "node":
            other = RedisLog(pair.client(), settings)
            with suppress(LogError):
                await other.open(GARDEN)
            await other.close()
        case _:
            if event == "cut and promote":
                await pair.line.cut()
            await pair.promote(kill=event != "promote beside the living")
            await pair.follow_on()


async def run(rounds: int, seed: int | None, replicas: int) -> None:
    first = random.SystemRandom().randrange(10**6) if seed is None else seed
    outcomes = []
    for number in range(first, first + rounds):
        print(f"seed {number}", end="\r", flush=True)
        outcome = await round_of(number, replicas)
        print(outcome.line(), flush=True)
        outcomes.append(outcome)
    print(
        f"{rounds} rounds: {sum(one.acknowledged for one in outcomes)} acknowledged, "
        f"{sum(one.lost for one in outcomes)} lost as declared, "
        f"{sum(one.epochs for one in outcomes)} epochs; every client of a round had one room"
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, help="of the first round; the next ones count up")
    parser.add_argument("--replicas", type=int, default=0, help="to wait for before an ack")
    asked = parser.parse_args(arguments)
    asyncio.run(run(asked.rounds, asked.seed, asked.replicas))


if __name__ == "__main__":
    main(sys.argv[1:])
