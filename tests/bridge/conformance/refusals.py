"""What a stranger may ask wrongly, and ranges: the table "Blocking and delta", row by row."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from tests.bridge.conformance.client import Reply
from tests.bridge.conformance.follow import Follower

RANGES_1000 = "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 2_000, 2))


async def check_refusals(one: Follower) -> None:
    """Directives and addresses that are wrong or late."""
    report, client, known = one.report, one.client, one.known
    target = known.target
    msn, part = known.edge
    rows = {
        "msn beyond last + 2": f"_HLS_msn={msn + 20}",
        "part beyond the advance part limit": f"_HLS_msn={msn}&_HLS_part={part + 200}",
        "part without msn": "_HLS_part=0",
        "a directive twice": f"_HLS_msn={msn}&_HLS_msn={msn}",
        "a number that is none": "_HLS_msn=-1",
        "an absurd number": "_HLS_msn=" + "9" * 24,
        "a skip that is none": "_HLS_skip=NO",
    }
    ahead = {"msn beyond last + 2", "part beyond the advance part limit"}
    for row, query in rows.items():
        reply = await client.get(f"{one.path}?{query}")
        report.expect(f"400: {row}", reply.status == 400, query, reply.status)
        kept = reply.max_age or 0
        if row in ahead:
            report.expect("cache: what is only early is not kept", kept == 0, query, kept)
        else:
            report.expect("cache: errors at most 4 TD", kept <= 4 * target, query, kept)
    await _check_old(one)
    folder = one.path.rpartition("/")[0]
    media = known.segments[-1].uri if known.segments else "x-1.m4s"
    stem = media.removesuffix(".m4s").rpartition("-")[0]
    unknown = {
        f"{folder}/none.m3u8",
        f"{folder}/{stem}-{msn}.{part + 1}.m4s",
        f"{folder}/{stem}-{msn + 50}.m4s",
        f"{folder}/{stem}-0{msn}.m4s",
        f"{folder}/elsewhere-{known.sequence}.m4s",
        f"{folder}/{stem}-99999.init.mp4",
        "none/index.m3u8",
        f"{folder}/%2e%2e/master.m3u8",
        f"{folder}/..%2fmaster.m3u8",
        f"{folder}/%00",
        f"{folder}/" + "a" * 500,
        f"{folder}//index.m3u8",
    }
    for path in sorted(unknown):
        reply = await client.get(path)
        right = reply.status == 404 or (client.behind and await _settled(one, path, reply))
        report.expect("404: unhinted or unknown", right, path[:80], reply.status)
        kept = reply.max_age or 0
        report.expect("cache: errors 1 TD", kept <= target, path[:80], kept)


async def _settled(one: Follower, path: str, reply: Reply) -> bool:
    """What stands in front may settle a path: refuse it, or read it as the one that it means."""
    if reply.status == 400:
        return True
    meant = posixpath.normpath(unquote(path))
    plain = await one.client.get(meant)
    same = plain.headers.get("Content-Type") == reply.headers.get("Content-Type")
    return meant != path and (reply.status, same) == (plain.status, True)


async def _check_old(one: Follower) -> None:
    """An msn older than the window is answered at once, with the full playlist."""
    oldest = one.known.sequence
    for msn in {max(0, oldest - 1_000), oldest}:
        reply = await one.client.get(one.blocking(msn, 0))
        row = "200: msn older than the window"
        if one.report.expect(row, reply.status == 200, str(msn), reply.status):
            skipped = reply.playlist().skipped
            one.report.expect("msn older: the full playlist", not skipped, str(msn), skipped)


async def check_whole_segment(one: Follower) -> None:
    """`_HLS_msn` alone, and a part past the segment's end: what they must wait for."""
    msn, _ = one.known.edge
    reply = await one.client.get(one.blocking(msn))
    complete = reply.status == 200 and reply.playlist().next_msn > msn
    one.report.expect("_HLS_msn waits for the whole segment", complete, str(msn), reply.status)
    one.known = reply.playlist()
    last = one.known.segments[-1]
    msn = one.known.next_msn - 1
    reply = await one.client.get(one.blocking(msn, len(last.parts)))
    row = "a part past the end is part 0 of the next"
    came = reply.status == 200 and reply.playlist().edge > (msn + 1, 0)
    one.report.expect(row, came, str(msn), reply.status)
    one.known = reply.playlist()


async def check_packed(one: Follower) -> None:
    """The gzipped playlist is the plain one."""
    msn = one.known.sequence
    for _ in range(5):
        plain = await one.client.get(one.blocking(msn))
        packed = await one.client.unpacked(one.blocking(msn))
        if plain.playlist().edge == packed.playlist().edge:
            same = plain.playlist() == packed.playlist()
            one.report.expect("gzip is the same playlist", same, one.path)
            varies = "accept-encoding" in plain.headers.get("Vary", "").lower()
            one.report.expect("Vary: Accept-Encoding", varies, one.path, dict(plain.headers))
            return


async def check_ranges(one: Follower) -> None:
    """One range, no range, and far too many; HEAD and ETag."""
    report, client = one.report, one.client
    media = next((seg for seg in reversed(one.known.segments) if not seg.gap), None)
    if media is None:
        return
    path = one.beside(media.uri)
    whole = await client.get(path)
    size = len(whole.body)
    for asked, start, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=5-{size + 900}", 5, size),
    ):
        reply = await client.get(path, Range=asked)
        said = reply.headers.get("Content-Range")
        right = (
            reply.status == 206
            and reply.body == whole.body[start:end]
            and said == f"bytes {start}-{end - 1}/{size}"
        )
        report.expect("206: one range", right, asked, (reply.status, said, len(reply.body)))
    for asked in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}"):
        reply = await client.get(path, Range=asked)
        said = reply.headers.get("Content-Range")
        right = reply.status == 416 and said == f"bytes */{size}"
        report.expect("416: range outside", right, asked, (reply.status, said))
    for asked in ("bytes=9-2", "bytes=a-b", "lines=1-2", RANGES_1000):
        reply = await client.get(path, Range=asked)
        allowed = reply.status in (200, 416) or (reply.status == 206 and len(reply.body) <= size)
        # A header of 8 kB may be too much for what stands in front.
        allowed = allowed or (client.behind and asked is RANGES_1000 and reply.status == 400)
        report.expect("odd ranges cost nothing", allowed, asked[:30], reply.status)
    head = await client.get(path, method="HEAD")
    right = head.status == 200 and not head.body
    right = right and head.headers.get("Content-Length") == str(size)
    report.expect("HEAD", right, path, dict(head.headers))
    tag = whole.headers.get("ETag")
    if report.expect("ETag", bool(tag), path, dict(whole.headers)) and tag:
        reply = await client.get(path, If_None_Match=tag)
        report.expect("304: known ETag", reply.status == 304, path, reply.status)
