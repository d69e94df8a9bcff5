"""The door at which the payment provider tells who has paid."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter

import aiohttp

from sluice.database import sqlite_url
from tests.chat.donations import kills
from tests.faults.row import BUSY, Measured, Row, Target
from tests.faults.world import CHANNEL, World

FAMILY = "money"
KILLS = 20
FORGED = 200
HUGE = (300_000, 10_000_000)
HEADER = "Stripe-Signature"


def forged(world: World, seed: int) -> Measured:
    """News of a payment that nobody made, signed by nobody, by somebody else, and long ago."""

    async def run() -> Measured:
        dice = random.Random(seed)
        server = world.server({"money": {"provider": "fake"}}, unlimited=True)
        server.create_channel(CHANNEL)
        statuses, slowest = Counter[int](), 0.0
        async with aiohttp.ClientSession(server.origin) as http:
            donation = await _donate(http)
            for _ in range(FORGED):
                headers, body = _lie(dice, donation)
                began = time.perf_counter()
                async with http.post("/webhooks/fake", data=body, headers=headers) as answer:
                    statuses[answer.status] += 1
                slowest = max(slowest, time.perf_counter() - began)
            for size in HUGE:
                async with http.post("/webhooks/fake", data=b"x" * size) as answer:
                    statuses[answer.status] += 1
            state = await _state(http, donation)
            async with http.post(f"/fake-pay/{donation}") as answer:
                await answer.read()
            paid = await _state(http, donation)
        refused = statuses[400] + statuses[413]
        return Measured(
            {
                "not refused by 400 or 413": FORGED + len(HUGE) - refused,
                "believed": float(state != "open"),
                "the true one not believed": float(paid != "paid"),
            },
            f"{dict(statuses)}, slowest {1_000 * slowest:.0f} ms, then {state} and {paid}",
        )

    return asyncio.run(run())


async def _donate(http: aiohttp.ClientSession) -> str:
    wish = {"amount": 500, "currency": "EUR", "name": "Ann", "text": "hi"}
    async with http.post(f"/api/channels/{CHANNEL}/donations", json=wish) as answer:
        answer.raise_for_status()
        return str((await answer.json())["id"])


async def _state(http: aiohttp.ClientSession, donation: str) -> str:
    async with http.get(f"/api/donations/{donation}") as answer:
        return str((await answer.json())["state"])


def _lie(dice: random.Random, donation: str) -> tuple[dict[str, str], bytes]:
    event = {
        "id": f"evt_{dice.getrandbits(60):x}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "data": {"object": {"amount_received": 500, "metadata": {"donation": donation}}},
    }
    at = int(time.time()) - dice.choice((0, 10, 100_000, -100_000))
    digest = dice.randbytes(dice.choice((0, 16, 32, 64))).hex()
    signature = dice.choice((f"t={at},v1={digest}", f"t={at}", "t=x,v1=y", "," * 500, ""))
    return ({HEADER: signature} if signature else {}), json.dumps(event).encode()


def storm(world: World, seed: int) -> Measured:
    """Webhooks twice, lost, late and in any order, while the server is killed again and again."""
    database = sqlite_url(world.folder / "money.db")
    report = asyncio.run(kills.run(world.folder, database, KILLS, seed))
    return Measured(
        {
            "wrong cents and alerts": len(report.faults),
            "donations not told exactly once": abs(report.alerts - report.donations),
        },
        f"{report.kills} kills, {report.donations} donations, {dict(report.answers)}",
    )


ROWS = (
    Row(
        "webhooks, forged and huge",
        FAMILY,
        (
            Target("not refused by 400 or 413", 0),
            Target("believed", 0),
            Target("the true one not believed", 0),
        ),
        forged,
    ),
    Row(
        "webhooks, repeated and out of order, with kills",
        FAMILY,
        (Target("wrong cents and alerts", 0), Target("donations not told exactly once", 0)),
        storm,
        cores=BUSY,
    ),
)
