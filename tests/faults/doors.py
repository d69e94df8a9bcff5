"""Attacks on WHIP and WHEP: bombs in place of offers, strangers' keys, tokens that ended."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack

import aiohttp

from mobile_sim.camera import Camera
from mobile_sim.encoder import VideoSettings
from mobile_sim.pace import SystemClock
from mobile_sim.phone import Phone
from mobile_sim.testcard import TestCard
from sfu.native import LoadViewers
from signaling.load_crowd import Crowd
from signaling.load_door import MonotonicClock, WhepDoor
from tests.faults.peers import connected
from tests.faults.row import WHOLE, Measured, Row, Target
from tests.faults.watching import BITRATE, CHANNEL, awaited, watching
from tests.faults.world import World
from tests.fuzz import sdp
from tests.journeys.server import SluiceServer

FAMILY = "media plane"
HONEST = 20
SDP = {"Content-Type": "application/sdp"}
BOMBS = 40
TOKEN_S = 4
SSRC = 0x5EED_5EED
TWINS_S = 5.0


def sdp_bomb(world: World, seed: int) -> Measured:
    """The largest offers that a client may send, larger ones, and damaged ones."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(unlimited=True)
        times: list[float] = []
        statuses = Counter[int]()
        bombs = [*_bombs(), *(_damaged(dice) for _ in range(BOMBS))]
        async with watching(server, HONEST) as honest, aiohttp.ClientSession() as http:
            url = server.whep_url(CHANNEL)
            await honest.begin()
            for bomb in bombs:
                took = []
                for _ in range(3):  # the machine has other work, too: the least is the bomb's own
                    began = time.perf_counter()
                    async with http.post(url, data=bomb, headers=SDP) as answer:
                        await answer.read()
                    took.append(1_000 * (time.perf_counter() - began))
                    statuses[answer.status] += 1
                times.append(min(took))
            window = await honest.end()
        return Measured(
            {
                "longest answer": max(times),
                "answers of 500 and more": sum(n for code, n in statuses.items() if code >= 500),
                "packets lost by honest viewers": window.lost_percent,
            },
            f"{len(bombs)} offers: {dict(statuses)}",
        )

    return asyncio.run(run())


def _bombs() -> list[bytes]:
    whole = sdp.seeds("offer")[0].decode()
    head, _, media = whole.partition("m=")
    section = "m=" + media
    candidates = [f"a=candidate:{n} 1 udp 9 192.0.2.1 {1000 + n} typ host" for n in range(65)]
    numbers = " ".join(str(n) for n in range(96, 128))
    return [
        (whole + "a=x:" + "y" * (65_500 - len(whole))).encode(),
        (whole + "a=x\r\n" * 1_900).encode(),
        (whole + "a=x\r\n" * 20_000).encode(),
        (whole + "a=fmtp:96 " + "a=1;" * 15_000).encode(),
        (head + section * 16).encode()[:65_536],
        (head + section * 200).encode(),
        (whole + "\r\n".join(candidates[:64]) + "\r\n").encode(),
        (whole + "\r\n".join(candidates) + "\r\n").encode(),
        (whole + f"m=video 9 UDP/TLS/RTP/SAVPF {numbers} 128 999\r\n").encode(),
        (whole + "m=video 9 UDP/TLS/RTP/SAVPF " + "96 " * 20_000).encode(),
        b"v=0\r\n" + b"\xff" * 60_000,
        b"a" * 1_000_000,
    ]


def _damaged(dice: random.Random) -> bytes:
    """A real offer with lines left out, doubled, moved and spoiled."""
    lines = dice.choice(sdp.seeds("offer")).splitlines(keepends=True)
    for _ in range(dice.randint(1, 30)):
        at = dice.randrange(len(lines))
        match dice.randrange(4):
            case 0 if len(lines) > 2:
                del lines[at]
            case 1:
                lines.insert(at, lines[at] * dice.randint(1, 40))
            case 2:
                lines.insert(dice.randrange(len(lines)), lines[at])
            case _:
                line = bytearray(lines[at])
                line[dice.randrange(len(line))] = dice.randrange(256)
                lines[at] = bytes(line)
    return b"".join(lines)[:65_536]


def hijack(world: World, seed: int) -> Measured:
    """Others publish to a live channel, with no key, a wrong one and another channel's."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(unlimited=True)
        keys = [None, f"sk_{dice.getrandbits(128):x}", server.create_channel("other")]
        async with watching(server, HONEST) as honest:
            other = LoadViewers(max_viewers=1, publisher_bitrate=BITRATE)
            try:
                offer, statuses = other.publisher_offer()[1], Counter[int]()
                await honest.begin()
                async with aiohttp.ClientSession() as http:
                    for key in keys * 5:
                        headers = SDP | ({"Authorization": f"Bearer {key}"} if key else {})
                        url = server.whip_url(CHANNEL)
                        async with http.post(url, data=offer, headers=headers) as answer:
                            statuses[answer.status] += 1
                attacked = await honest.end()
                url, key = honest.door.url, honest.door.key
                owner = WhepDoor(url, publish_url=honest.door.publish_url, key=key)
                async with owner:
                    began = time.monotonic()
                    await Crowd(other, owner, MonotonicClock()).publish()
                    seen = await _all_receive(honest.crowd, other)
                    back = time.monotonic() - began if seen else 60.0
            finally:
                other.stop()
        return Measured(
            {
                "not refused by 401 or 403": sum(
                    count for code, count in statuses.items() if code not in (401, 403)
                ),
                "packets lost meanwhile": attacked.lost,
                "the owner's own takeover seen": back,
            },
            str(dict(statuses)),
        )

    return asyncio.run(run())


async def _all_receive(crowd: Crowd, other: LoadViewers) -> bool:
    """Whether, the publisher before being closed, all viewers get pictures of the other one."""
    deadline, since = time.monotonic() + 10, 0
    while time.monotonic() < deadline:
        report = await crowd.report()
        sent = (await asyncio.to_thread(other.report)).publishers[-1].video_packets
        if not report.publishers[0].connected and sent > 0:
            since = since or report.video.packets
            if report.video.packets >= since + report.connected:
                return True
        await asyncio.sleep(0.02)
    return False


def token_expiry(world: World, seed: int) -> Measured:
    """A viewer token ends by itself, and another one is revoked."""

    async def run() -> Measured:
        server = world.server()
        async with watching(server, 0, access="token"):
            expired = server.viewer_token(CHANNEL, TOKEN_S)
            ends = time.monotonic() + TOKEN_S
            after_expiry = max(0.0, await _gone(server, expired, None) - ends)
            revoked = server.viewer_token(CHANNEL, 600)
            began = time.monotonic() + 1
            after_revocation = max(0.0, await _gone(server, revoked, began) - began)
        return Measured(
            {"closed after expiry": after_expiry, "closed after revocation": after_revocation}
        )

    del seed
    return asyncio.run(run())


async def _gone(server: SluiceServer, token: str, revoke_at: float | None) -> float:
    """When the viewers of this token were gone."""
    load = LoadViewers(max_viewers=5, data_channel=False)
    try:
        async with WhepDoor(server.whep_url(CHANNEL), token=token) as door:
            await Crowd(load, door, MonotonicClock()).join(5, 50)
            if revoke_at is not None:
                await asyncio.sleep(max(0.0, revoke_at - time.monotonic()))
                body = {"token": token}
                await asyncio.to_thread(server.request, "POST", "/api/viewer-tokens/revoke", body)
            await awaited("all are gone", lambda: not server.peers(CHANNEL, "viewer"), TOKEN_S + 30)
            return time.monotonic()
    finally:
        load.stop()


def ssrc_collision(world: World, seed: int) -> Measured:
    """Two publishers of two channels send under the same SSRCs."""

    async def run() -> Measured:
        server, channels = world.server(workers=1), ("left", "right")
        clock, loads = SystemClock(), []
        async with AsyncExitStack() as stack:
            lost = receiving = 0
            for channel in channels:
                key = server.create_channel(channel)
                camera = Camera(TestCard(320, 180, 15), 15, clock)
                phone = Phone(camera, None, VideoSettings(fps=15))
                for sender in phone.peer.getSenders():
                    sender._ssrc = SSRC
                url = server.whip_url(channel)
                await stack.enter_async_context(connected(phone, url, key))
            for channel in channels:
                load = LoadViewers(max_viewers=1, data_channel=False)
                stack.callback(load.stop)
                loads.append(load)
                door = await stack.enter_async_context(WhepDoor(server.whep_url(channel)))
                await Crowd(load, door, MonotonicClock()).join(1, 1)
            await asyncio.sleep(TWINS_S)
            for load in loads:
                report = await asyncio.to_thread(load.report)
                lost += report.video.lost
                receiving += report.receiving
        return Measured({"viewers served": receiving, "packets lost": lost})

    del seed
    return asyncio.run(run())


ROWS = (
    Row(
        "SDP bomb",
        FAMILY,
        (
            Target("longest answer", 20, "ms"),
            Target("answers of 500 and more", 0),
            Target("packets lost by honest viewers", 0.1, "%"),
        ),
        sdp_bomb,
        cores=WHOLE,
    ),
    Row(
        "publisher hijack",
        FAMILY,
        (
            Target("not refused by 401 or 403", 0),
            Target("packets lost meanwhile", 0),
            Target("the owner's own takeover seen", 3, "s"),
        ),
        hijack,
    ),
    Row(
        "token expiry",
        FAMILY,
        (Target("closed after expiry", 5, "s"), Target("closed after revocation", 5, "s")),
        token_expiry,
    ),
    Row(
        "SSRC collision",
        FAMILY,
        (Target("viewers served", 2, least=True), Target("packets lost", 0)),
        ssrc_collision,
    ),
)
