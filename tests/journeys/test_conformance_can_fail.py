"""Every row of the conformance check is held against a server that breaks it, and must see it.

Between the walker and a real server stands a liar. A row that no lie is told about fails the last
test here: a check that was never seen to fail proves nothing.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.bridge.conformance.report import Report
from tests.bridge.conformance.walk import check
from tests.bridge.test_playlist import FAULTS
from tests.bridge.windows import Windows
from tests.signaling.live_world import LiveWorld, served

FIRST = Windows().first
SEGMENTS = 10


@dataclass
class Exchange:
    """A question and its answer, as the liar sees them."""

    method: str
    path: str
    query: str
    asked: dict[str, str]
    status: int = 0
    headers: dict[str, str] | None = None
    body: bytes = b""
    number: int = 0
    """How many questions came before."""

    @property
    def header(self) -> dict[str, str]:
        assert self.headers is not None
        return self.headers

    def is_playlist(self) -> bool:
        return self.path.endswith("index.m3u8") and self.status == 200

    def text(self, pattern: str, new: str, count: int = 0) -> None:
        """Another text where it matches; packed bodies stay."""
        if "content-encoding" not in self.header:
            self.body = re.sub(pattern, new, self.body.decode(), count=count).encode()


Lie = Callable[[Exchange], None]


def everywhere(header: str, value: str | None = None) -> Lie:
    def lie(one: Exchange) -> None:
        one.header.pop(header, None)
        if value is not None:
            one.header[header] = value

    return lie


def becomes(status: int, *, when: Callable[[Exchange], bool]) -> Lie:
    def lie(one: Exchange) -> None:
        if when(one):
            one.status = status

    return lie


def says(pattern: str, new: str, *, of: str = "index.m3u8", query: str = "", count: int = 0) -> Lie:
    """Another text in the documents whose path ends so, where the query holds that."""

    def lie(one: Exchange) -> None:
        if one.path.endswith(of) and query in one.query and one.status == 200:
            one.text(pattern, new, count)

    return lie


def typed(ending: str, kind: str, status: int = 200) -> Lie:
    def lie(one: Exchange) -> None:
        if one.path.endswith(ending) and one.status == status:
            one.header["content-type"] = kind

    return lie


def is_part(one: Exchange) -> bool:
    return re.search(r"-\d+\.\d+\.m4s$", one.path) is not None


def is_segment(one: Exchange) -> bool:
    return re.search(r"-\d+\.m4s$", one.path) is not None


def wants(text: str) -> Callable[[Exchange], bool]:
    return lambda one: text in one.asked.get("range", "")


def msn_of(one: Exchange) -> int | None:
    found = re.match(r"_HLS_msn=(\d{1,15})(?:&|$)", one.query)
    return int(found[1]) if found else None


def unpacked(one: Exchange) -> None:
    if one.header.pop("content-encoding", None):
        one.body = gzip.decompress(one.body)


def repacked(one: Exchange) -> None:
    if "content-encoding" in one.header:
        text = gzip.decompress(one.body).replace(b"#EXTINF:2.0", b"#EXTINF:2.1")
        one.body = gzip.compress(text, mtime=0)


def cut(one: Exchange) -> None:
    """Segments lose a byte, the first time that each is asked for."""
    if is_segment(one) and one.status == 200:
        one.body = one.body[:-1] + bytes([one.number % 256])


def last_part_withheld(one: Exchange) -> None:
    if one.is_playlist() and "_HLS_part" in one.query and "skip" not in one.query:
        one.text(r"#EXT-X-PART:[^\n]*\n(?=#EXT-X-(?:PRELOAD|REND)|$)", "")


def trembling(one: Exchange) -> None:
    if one.is_playlist():
        one.text(r"PART-HOLD-BACK=1\.5", f"PART-HOLD-BACK={1.5 + one.number % 7}")


def skipping_where_old(one: Exchange) -> None:
    if one.is_playlist() and "_HLS_part=0" in one.query and (msn_of(one) or FIRST) < FIRST:
        one.text("#EXT-X-MAP[^\n]*\n", "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n", 1)


def without_waiting(one: Exchange) -> None:
    """Asked before the server is: it is not told what to wait for."""
    if re.fullmatch(r"_HLS_msn=\d+", one.query) and (msn_of(one) or 0) >= FIRST + SEGMENTS - 1:
        one.query = ""
    if re.fullmatch(r"_HLS_msn=\d+&_HLS_part=4", one.query):
        one.query = ""


def only_360p(pattern: str, new: str) -> Lie:
    return says(pattern, new, of="360p/index.m3u8")


MASTER = "master.m3u8"
MPD = "manifest.mpd"

LIES: list[tuple[dict[str, Lie], Lie | None]] = [
    (  # headers
        {
            "CORS": everywhere("access-control-allow-origin"),
            "Age is exposed": everywhere("access-control-expose-headers"),
            "nosniff": everywhere("x-content-type-options"),
            "Cache-Control": everywhere("cache-control"),
            "cache: media": everywhere("x-none"),
            "cache: playlist TD/2": everywhere("x-none"),
            "cache: blocking 6 TD": everywhere("x-none"),
            "ETag": everywhere("etag"),
            "Vary: Accept-Encoding": everywhere("vary"),
            "playlist content type": typed("index.m3u8", "text/plain"),
            "manifest content type": typed(MPD, "text/plain"),
            "media type": typed(".m4s", "text/plain"),
            "errors are problems": typed("", "text/plain", 404),
        },
        None,
    ),
    (
        {
            "cache: errors 1 TD": everywhere("cache-control", "public, max-age=500"),
            "cache: errors at most 4 TD": everywhere("x-none"),
            "variant CODECS": says('CODECS="[^"]*",', "", of=MASTER),
            "a delta is the full playlist": says("#EXTINF:2.0", "#EXTINF:1.9", query="skip"),
            "a delta skips only beyond its boundary": says("UNTIL=12", "UNTIL=120", query="skip"),
            "cache: what is only early is not kept": everywhere("x-none"),
        },
        None,
    ),
    (  # statuses
        {
            "400: a directive twice": becomes(404, when=lambda one: one.status == 400),
            "400: a number that is none": everywhere("x-none"),
            "400: a skip that is none": everywhere("x-none"),
            "400: an absurd number": everywhere("x-none"),
            "400: msn beyond last + 2": everywhere("x-none"),
            "400: part beyond the advance part limit": everywhere("x-none"),
            "400: part without msn": everywhere("x-none"),
            "404: unhinted or unknown": becomes(
                403, when=lambda one: one.status == 404 and not is_part(one)
            ),
            "404: segment far ahead": everywhere("x-none"),
            "416: range outside": becomes(404, when=lambda one: one.status == 416),
            "206: one range": becomes(200, when=lambda one: one.status == 206),
            "304: known ETag": becomes(200, when=lambda one: one.status == 304),
            "odd ranges cost nothing": becomes(500, when=wants("bytes=a-b")),
            "HEAD": becomes(500, when=lambda one: one.method == "HEAD"),
            "200: msn older than the window": becomes(
                410, when=lambda one: (msn_of(one) or FIRST) < FIRST
            ),
            "manifest 200": becomes(500, when=lambda one: one.path.endswith(MPD)),
            "MAP is there": becomes(500, when=lambda one: one.path.endswith(".init.mp4")),
            "hints come true": becomes(500, when=lambda one: is_part(one) and one.status == 200),
            "segment 200": becomes(500, when=lambda one: is_segment(one) and one.status == 200),
            "part 200": everywhere("x-none"),
            "an open segment is streamed": everywhere("x-none"),
            "a reported rendition is there": says(r"URI=\"\.\./360p/", 'URI="../none/'),
        },
        None,
    ),
    (  # what a playlist tells
        {
            "VERSION": says("VERSION:[0-9]+", "VERSION:3"),
            "TARGETDURATION": says("TARGETDURATION:2", "TARGETDURATION:0"),
            "INDEPENDENT-SEGMENTS": says("#EXT-X-INDEPENDENT-SEGMENTS\n", ""),
            "SERVER-CONTROL never changes": trembling,
            "SERVER-CONTROL is the same in all renditions": everywhere("x-none"),
            "parts leave after 3 TARGETDURATION": everywhere("x-none"),
            "master INDEPENDENT-SEGMENTS": says("#EXT-X-INDEPENDENT-SEGMENTS\n", "", of=MASTER),
            "variant BANDWIDTH": says("(?<=[:,])BANDWIDTH=[0-9]+,", "", of=MASTER),
            "variant AVERAGE-BANDWIDTH": says("AVERAGE-BANDWIDTH=[0-9]+,", "", of=MASTER),
            "variant FRAME-RATE": says(",FRAME-RATE=[0-9.]+", "", of=MASTER),
            "BANDWIDTH is measured": everywhere("x-none"),
            "no segment over BANDWIDTH": everywhere("x-none"),
            "every variant has its sound": says(
                ',AUDIO="[^"]*"', ',AUDIO="no"', of=MASTER, count=1
            ),
        },
        None,
    ),
    (
        {
            "TARGETDURATION is the same in all renditions": only_360p(
                "TARGETDURATION:2", "TARGETDURATION:3"
            ),
            "audio-only at most 192 kbit/s": says(
                "BANDWIDTH=[0-9]+", "BANDWIDTH=900000", of=MASTER
            ),
            "a blocking reload waits for its part": last_part_withheld,
            "RENDITION-REPORT is true": says("LAST-PART=[0-9]+", "LAST-PART=9"),
            "gzip is the same playlist": repacked,
            "a segment is its parts": cut,
            "an open segment becomes the same as the complete one": cut,
        },
        None,
    ),
    (
        {
            "_HLS_msn waits for the whole segment": everywhere("x-none"),
            "a part past the end is part 0 of the next": everywhere("x-none"),
            "playlists are gzipped": unpacked,
            "msn older: the full playlist": skipping_where_old,
            "a delta is smaller": says("#EXTINF:2.00000", "#EXTINF:2." + "0" * 500, query="skip"),
            "parts are numbered": says(
                r"(#EXT-X-PART:[^\n]*?[.]0[.]m4s[^\n]*\n)(#EXT-X-PART:[^\n]*\n)(?=#EXT-X-PRE)",
                r"\2\1",
            ),
            "renditions in step": only_360p(
                r"(#EXT-X-PROGRAM-DATE-TIME:....-..-..T)..", r"\g<1>03"
            ),
        },
        without_waiting,
    ),
    (
        {
            "variant RESOLUTION": says(",RESOLUTION=[0-9x]+", "", of=MASTER),
            "an audio-only variant": says(
                r"#EXT-X-STREAM-INF:(?![^\n]*avc1)[^\n]*\n[^\n]*\n", "", of=MASTER
            ),
            "MPD dynamic": says('type="dynamic"', 'type="static"', of=MPD),
            "MPD attributes": says('publishTime="[^"]*"', "", of=MPD),
            "timeShiftBufferDepth": says('timeShiftBufferDepth="[^"]*"', "", of=MPD),
            "Latency": says("<Latency[^>]*/>", "", of=MPD),
            "PlaybackRate": says("<PlaybackRate[^>]*/>", "", of=MPD),
            "UTCTiming tells the time": says('(UTCTiming[^>]*value=")', r"\1/none", of=MPD),
            "MPD lists the same renditions": says('id="360p"', 'id="none"', of=MPD),
            "availabilityTimeComplete": says(
                'availabilityTimeComplete="false"', 'availabilityTimeComplete="true"', of=MPD
            ),
            "availabilityTimeOffset is segment - part": says(
                'availabilityTimeOffset="[^"]*"', 'availabilityTimeOffset="5"', of=MPD
            ),
            "MPD times are the dates": says('<S t="', '<S t="9', of=MPD),
            "MPD durations": says(' d="', ' d="1', of=MPD),
        },
        None,
    ),
    (
        {
            "ProducerReferenceTime": says("ProducerReferenceTime", "Other", of=MPD),
            "UTCTiming": says("UTCTiming", "Other", of=MPD),
            "MPD has a period": says("Period", "Other", of=MPD),
            "master has variants": says(r"#EXT-X-STREAM-INF:[^\n]*\n[^\n]*\n", "", of=MASTER),
            "playlist 200": becomes(203, when=lambda one: one.is_playlist() and not one.query),
        },
        None,
    ),
]

PROVEN_BELOW = {"blocking reload 200", "master 200"}
IN_TEST_PLAYLIST = set(FAULTS) | {
    "segments never change",
    "parts never change",
    "targets never change",
    "MEDIA-SEQUENCE never goes back",
}
"""Rows over texts alone: tests/bridge/test_playlist.py breaks each of them."""
NO_RULE = {"a segment's last part may be short"}
"""Counts an exception that was met."""


def liar(world: LiveWorld, lies: list[Lie], before: Lie | None) -> ASGIApp:
    questions = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal questions
        questions += 1
        asked = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        one = Exchange(scope["method"], scope["path"], query, asked, number=questions)
        if before is not None:
            before(one)
            scope = {**scope, "query_string": one.query.encode()}

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                one.status = message["status"]
                pairs = message["headers"]
                one.headers = {name.decode(): value.decode() for name, value in pairs}
            else:
                one.body += message.get("body", b"")

        await world.live(scope, receive, take)
        for lie in lies:
            lie(one)
        if one.method != "HEAD" and one.status != 304:
            one.header["content-length"] = str(len(one.body))
        headers = [(name.encode(), value.encode()) for name, value in one.header.items()]
        await send({"type": "http.response.start", "status": one.status, "headers": headers})
        await send({"type": "http.response.body", "body": one.body})

    return app


async def walked(lies: list[Lie], before: Lie | None = None) -> Report:
    windows = Windows()
    windows.segments(SEGMENTS)
    world = LiveWorld(windows)
    async with served(world, liar(world, lies, before)) as base:
        return await check(base, segments=1)


@pytest.mark.parametrize("at", range(len(LIES)))
async def test_a_lie_is_seen(at: int) -> None:
    lies, before = LIES[at]
    report = await walked(list(lies.values()), before)
    assert set(lies) - {one.row for one in report.findings} == set(), report


@pytest.mark.parametrize(
    ("row", "lie"),
    [
        ("master 200", becomes(500, when=lambda one: one.path.endswith(MASTER))),
        ("blocking reload 200", becomes(500, when=lambda one: "_HLS_part" in one.query)),
    ],
)
async def test_where_it_cannot_go_on_it_says_so(row: str, lie: Lie) -> None:
    with pytest.raises(AssertionError, match="was answered with 500"):
        await walked([lie])
    assert row in PROVEN_BELOW


async def test_there_is_a_lie_for_every_row() -> None:
    report = await walked([])
    assert report.findings == []
    told = {row for lies, _ in LIES for row in lies}
    assert set(report.checked) - told - IN_TEST_PLAYLIST - PROVEN_BELOW - NO_RULE == set()
