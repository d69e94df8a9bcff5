"""Files in pieces, as RFC 9110 wants ranges: and a file that breaks off is seen to be broken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from starlette.requests import Request
from starlette.types import Message

from signaling.ranged import PIECE, Ranged
from sluice.errors import Problem

BODY = bytes(n % 251 for n in range(1_000))
TAG = '"tag"'


@dataclass
class Answer:
    """A response as it went out."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: int = 0
    ended: bool = False
    """The last message said so."""


class Client:
    """Asks for BODY, or for what a reader gives."""

    def __init__(self, body: bytes = BODY, step: int = 300) -> None:
        self.body = body
        self.step = step
        self.read: list[tuple[int, int]] = []
        self.leaves_after: int | None = None
        """It goes away when it has so many pieces."""
        self.breaks_at: int | None = None
        """The file cannot be read from this byte on."""

    async def ask(
        self, method: str = "GET", answer: Answer | None = None, **headers: str
    ) -> Answer:
        sent = [(name.replace("_", "-").lower().encode(), value.encode())
                for name, value in headers.items()]  # fmt: skip
        scope = {"type": "http", "method": method, "path": "/", "headers": sent}
        answer = answer or Answer()
        gone = asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
                return
            answer.body += message.get("body", b"")
            answer.ended = not message.get("more_body", False)
            answer.pieces += not answer.ended
            if answer.pieces == self.leaves_after:
                gone.set()
                await asyncio.sleep(0)

        ranged = Ranged(
            Request(scope, receive),
            len(self.body),
            self._read,
            etag="tag",
            content_type="video/mp4",
            cache_control="private, max-age=60",
        )
        await ranged(scope, receive, send)
        return answer

    def _read(self, start: int, length: int) -> Iterator[bytes]:
        self.read.append((start, length))
        for at in range(start, start + length, self.step):
            if self.breaks_at is not None and at >= self.breaks_at:
                raise OSError("The disk is gone.")
            yield self.body[at : min(at + self.step, start + length)]


async def test_the_whole() -> None:
    answer = await Client().ask()
    assert (answer.status, answer.body, answer.ended) == (200, BODY, True)
    assert answer.headers == {
        "content-type": "video/mp4",
        "cache-control": "private, max-age=60",
        "etag": TAG,
        "accept-ranges": "bytes",
        "cross-origin-resource-policy": "cross-origin",
        "content-length": "1000",
    }


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=990-", 990, 999),
        ("bytes=990-5000", 990, 999),
        ("bytes=-1", 999, 999),
        ("bytes=-5000", 0, 999),
        ("bytes=0-999", 0, 999),
    ],
)
async def test_a_range(asked: str, first: int, last: int) -> None:
    answer = await Client().ask(range=asked)
    assert answer.status == 206
    assert answer.body == BODY[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/1000"
    assert answer.headers["content-length"] == str(last + 1 - first)


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
async def test_a_range_behind_the_end(asked: str) -> None:
    with pytest.raises(Problem) as refused:
        await Client().ask(range=asked)
    assert refused.value.kind.status == 416
    assert refused.value.headers == {"Content-Range": "bytes */1000"}


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=5-1",
        "bytes=",
        "bytes=a-b",
        "bytes=--1",
        "chunks=0-1",
        "bytes=0-1" * 50,
        "bytes=\u0661-\u0662",
        "bytes=9999999999999999-",
    ],
)
async def test_what_is_no_range_that_we_give_is_answered_with_the_whole(asked: str) -> None:
    answer = await Client().ask(range=asked)
    assert (answer.status, answer.body) == (200, BODY)


@pytest.mark.parametrize(
    ("condition", "status"),
    [(TAG, 206), ('"other"', 200), (f"W/{TAG}", 200), ("Wed, 21 Oct 2026 07:28:00 GMT", 200)],
)
async def test_a_range_of_what_is_perhaps_another_file(condition: str, status: int) -> None:
    answer = await Client().ask(range="bytes=10-19", if_range=condition)
    assert answer.status == status
    assert answer.body == (BODY[10:20] if status == 206 else BODY)


async def test_a_range_behind_the_end_of_another_file_is_answered_with_the_whole() -> None:
    answer = await Client().ask(range="bytes=5000-", if_range='"other"')
    assert (answer.status, answer.body) == (200, BODY)


@pytest.mark.parametrize("known", [TAG, f"W/{TAG}", f'"a", {TAG}', "*"])
async def test_what_the_client_has_is_not_sent_again(known: str) -> None:
    client = Client()
    answer = await client.ask(if_none_match=known, range="bytes=0-1")
    assert (answer.status, answer.body, answer.ended) == (304, b"", True)
    assert answer.headers["etag"] == TAG
    assert client.read == []


async def test_another_one_is_sent() -> None:
    assert (await Client().ask(if_none_match='"tag2", "ta"')).status == 200


async def test_head_tells_all_and_reads_nothing() -> None:
    client = Client()
    answer = await client.ask("HEAD", range="bytes=10-19")
    assert (answer.status, answer.body, answer.ended) == (206, b"", True)
    assert answer.headers["content-length"] == "10"
    assert client.read == []


async def test_an_empty_file() -> None:
    answer = await Client(b"").ask()
    assert (answer.status, answer.body, answer.ended) == (200, b"", True)


async def test_small_reads_go_out_together() -> None:
    body = bytes(3 * PIECE)
    answer = await Client(body, step=PIECE // 8).ask()
    assert answer.body == body
    assert answer.pieces == 3


async def test_what_cannot_be_read_at_all_is_told_before_the_headers() -> None:
    client = Client()
    client.breaks_at = 0
    answer = Answer()
    with pytest.raises(OSError, match="disk"):
        await client.ask(answer=answer)
    assert answer == Answer()


async def test_what_breaks_off_is_never_said_to_be_complete() -> None:
    client = Client(bytes(4 * PIECE), step=PIECE)
    client.breaks_at = 2 * PIECE
    answer = Answer()
    with pytest.raises(OSError, match="disk"):
        await client.ask(answer=answer)
    assert (answer.status, len(answer.body), answer.ended) == (200, 2 * PIECE, False)


async def test_nothing_is_read_for_a_client_that_went_away() -> None:
    client = Client(bytes(50 * PIECE), step=PIECE)
    client.leaves_after = 2
    answer = await client.ask()
    assert answer.pieces < 5
    assert not answer.ended
