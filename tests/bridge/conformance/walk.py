"""Walks a live presentation and holds it against every row of the facts.

    report = await check("https://127.0.0.1:8443/live/demo/", segments=3)
    assert not report.findings, report

From a shell: `python -m tests.bridge.conformance http://127.0.0.1:8080/live/demo/`.
"""

from __future__ import annotations

import ssl

import aiohttp

from tests.bridge.conformance.captions import check_captions
from tests.bridge.conformance.client import Client
from tests.bridge.conformance.follow import Follower
from tests.bridge.conformance.m3u8 import attributes
from tests.bridge.conformance.mpd import check_manifest, check_open_segment
from tests.bridge.conformance.refusals import (
    check_packed,
    check_ranges,
    check_refusals,
    check_whole_segment,
)
from tests.bridge.conformance.report import Report

MASTER = "master.m3u8"
MAX_SOUND = 192_000
"""Bits a second of the audio-only variant."""


async def check(
    base_url: str,
    *,
    segments: int = 2,
    context: ssl.SSLContext | None = None,
    behind: bool = False,
) -> Report:
    """Follow every rendition of `/live/{channel}/` for so many segments each.

    `behind`: something of others stands in front of the server, and may refuse in its own words.
    Raises m3u8.Malformed for what is no playlist, AssertionError where it cannot go on.
    """
    report = Report()
    connector = aiohttp.TCPConnector(limit=64, ssl=context or True)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        client = Client(session, base_url, report, behind)
        followers = {
            path.split("/")[0]: Follower(client, path) for path in await _renditions(client)
        }
        for follower in followers.values():
            await follower.begin()
            await follower.follow(segments)
            await check_whole_segment(follower)
            await check_packed(follower)
            await check_refusals(follower)
            await check_ranges(follower)
            await follower.begin()
            await check_open_segment(follower)
        for follower in followers.values():
            await follower.begin()
        _check_same_targets(report, followers)
        await check_manifest(client, followers)
        await _check_rates(client, followers)
        await check_captions(client, next(iter(followers.values())), segments)
    return report


async def _renditions(client: Client) -> list[str]:
    """The media playlists that the master names, and what it says of them."""
    report = client.report
    reply = await client.get(MASTER)
    if not report.expect("master 200", reply.status == 200, MASTER, reply.status):
        raise AssertionError(f"the master playlist was answered with {reply.status}")
    lines = reply.text.splitlines()
    independent = "#EXT-X-INDEPENDENT-SEGMENTS" in lines
    report.expect("master INDEPENDENT-SEGMENTS", independent, MASTER)
    variants = _variants(reply.text)
    report.expect("master has variants", bool(variants), MASTER)
    pictures = [found for found in variants.values() if _has_picture(found)]
    for path, found in variants.items():
        for name in ("BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS"):
            report.expect(f"variant {name}", name in found, path, found)
        average, peak = (int(found.get(name, 0)) for name in ("AVERAGE-BANDWIDTH", "BANDWIDTH"))
        report.expect("BANDWIDTH is measured", 0 < average <= peak, path, found)
    for found in pictures:
        for name in ("RESOLUTION", "FRAME-RATE", "CODECS"):
            report.expect(f"variant {name}", name in found, MASTER, found)
    media = [
        attributes(line.partition(":")[2]) for line in lines if line.startswith("#EXT-X-MEDIA:")
    ]
    sounds = [one for one in media if one["TYPE"] == "AUDIO"]
    if sounds:
        groups = {one["GROUP-ID"] for one in sounds}
        told = all(found.get("AUDIO") in groups for found in variants.values())
        report.expect("every variant has its sound", told, MASTER, groups)
        alone = [found for found in variants.values() if not _has_picture(found)]
        row = "an audio-only variant"
        report.expect(row, bool(alone), MASTER, list(variants))
        small = all(int(found.get("BANDWIDTH", 0)) <= MAX_SOUND for found in alone)
        report.expect("audio-only at most 192 kbit/s", small, MASTER, alone)
    return list(dict.fromkeys([*variants, *(one["URI"] for one in sounds)]))


def _has_picture(variant: dict[str, str]) -> bool:
    return "avc1" in variant.get("CODECS", "")


def _variants(master: str) -> dict[str, dict[str, str]]:
    """Attributes of the variants, by address."""
    lines = master.splitlines()
    return {
        lines[at + 1]: attributes(line.partition(":")[2])
        for at, line in enumerate(lines)
        if line.startswith("#EXT-X-STREAM-INF:")
    }


async def _check_rates(client: Client, followers: dict[str, Follower]) -> None:
    """No segment that was fetched is over the peak that the master tells now."""
    variants = _variants((await client.get(MASTER)).text)
    for path, found in variants.items():
        rates = followers[path.split("/")[0]].rates
        if rates:
            under = max(rates) <= int(found.get("BANDWIDTH", 0)) + 1
            client.report.expect("no segment over BANDWIDTH", under, path, max(rates))


def _check_same_targets(report: Report, followers: dict[str, Follower]) -> None:
    every = [one.known for one in followers.values()]
    same = len({one.target for one in every}) == 1
    report.expect("TARGETDURATION is the same in all renditions", same, MASTER)
    same = all(one.control == every[0].control for one in every)
    report.expect("SERVER-CONTROL is the same in all renditions", same, MASTER)
