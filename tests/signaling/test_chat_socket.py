"""The room over a real WebSocket, under the real uvicorn: bytes in, bytes out, and closes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from chat.entry import Draft
from chat.settings import HubSettings
from signaling.chat_socket import PING_MS, SILENT_MS
from sluice.clock import VirtualClock
from tests.chat.hub_world import ROOM
from tests.signaling.chat_world import ChatWorld, serving


@asynccontextmanager
async def a_server(folder: Path, **rest: Any) -> AsyncIterator[ChatWorld]:
    async with serving(ChatWorld(folder, **rest)) as world:
        yield world


async def until(socket: ClientConnection, op: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            frame: dict[str, Any] = json.loads(await socket.recv())
            if frame["op"] == op:
                return frame


async def closed(socket: ClientConnection) -> int:
    """Read to the end; the code of the close."""
    async with asyncio.timeout(10):
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code


async def the_end(reader: asyncio.StreamReader) -> None:
    """Of a connection, by an end or by a reset."""
    with suppress(ConnectionError):
        while await reader.read(65_536):
            pass


async def say(socket: ClientConnection, text: str, id: str = "k1") -> None:
    await socket.send(json.dumps({"op": "say", "id": id, "text": text}))


async def test_a_message_goes_from_one_socket_to_another(tmp_path: Path) -> None:
    async with (
        a_server(tmp_path) as world,
        connect(world.url()) as ann,
        connect(world.url()) as reader,
    ):
        await ann.send(json.dumps({"op": "hello", "v": 1, "ticket": world.ticket("Ann")}))
        await reader.send('{"op":"hello","v":1}')
        assert (await until(ann, "welcome"))["you"]["name"] == "Ann"
        await until(reader, "welcome")
        await say(ann, "hello")
        ack = await until(ann, "ack")
        batch = await until(reader, "batch")
        assert batch["first"] == batch["last"] == ack["seq"]
        assert batch["items"][0]["text"] == "hello"


async def test_every_open_socket_gets_the_same_bytes(tmp_path: Path) -> None:
    async with (
        a_server(tmp_path) as world,
        connect(world.url()) as one,
        connect(world.url()) as two,
    ):
        for socket in (one, two):
            await socket.send('{"op":"hello","v":1}')
            await until(socket, "welcome")
        room = await world.chat.hub.room(ROOM)
        room.react("heart", 3, None)
        async with asyncio.timeout(10):
            got = [await hearts_of(socket) for socket in (one, two)]
        assert got[0] == got[1]
        assert b'"heart",3' in got[0]


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_a_client_reads_alike_whether_it_takes_compressed_messages_or_not(
    tmp_path: Path, compression: str | None
) -> None:
    async with a_server(tmp_path) as world, connect(world.url(), compression=compression) as ann:
        await ann.send(json.dumps({"op": "hello", "v": 1, "ticket": world.ticket("Ann")}))
        await until(ann, "welcome")
        await say(ann, "so long " * 50)
        assert (await until(ann, "batch"))["items"][0]["text"] == ("so long " * 50).strip()


async def test_a_small_frame_that_unpacks_to_a_large_one_closes_with_1009(tmp_path: Path) -> None:
    async with a_server(tmp_path) as world, connect(world.url()) as socket:
        await socket.send(" " * 1_000_000)  # a kilobyte when it is compressed
        assert await closed(socket) == 1009


async def hearts_of(socket: ClientConnection) -> bytes:
    while True:
        data = await socket.recv(decode=False)
        if b'"op":"hearts"' in data:
            return bytes(data)


async def test_a_frame_over_four_kilobytes_closes_with_1009(tmp_path: Path) -> None:
    async with a_server(tmp_path) as world, connect(world.url()) as socket:
        await socket.send("x" * 4_097)
        assert await closed(socket) == 1009


async def test_a_binary_frame_closes_with_1003(tmp_path: Path) -> None:
    async with a_server(tmp_path) as world, connect(world.url()) as socket:
        await socket.send(b"{}")
        assert await closed(socket) == 1003


async def test_a_message_in_fragments_is_one_message(tmp_path: Path) -> None:
    async with a_server(tmp_path) as world, connect(world.url()) as socket:
        await socket.send(['{"op":"he', 'llo","v"', ":1}"])
        await until(socket, "welcome")


async def test_a_wrong_ticket_closes_with_its_code_and_says_why_first(tmp_path: Path) -> None:
    async with a_server(tmp_path) as world, connect(world.url()) as socket:
        await socket.send('{"op":"hello","v":1,"ticket":"wrong"}')
        assert (await until(socket, "bye"))["code"] == 4
        assert await closed(socket) == 4004


async def test_a_client_that_goes_is_forgotten(tmp_path: Path) -> None:
    async with a_server(tmp_path) as world:
        async with connect(world.url()) as socket:
            await socket.send('{"op":"hello","v":1}')
            await until(socket, "welcome")
            assert len(world.chat.sockets) == 1
        world.chat.begin_stop()
    assert world.chat.hub.counts.closed == {"left": 1}


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/chat/nowhere", None, 404),
        ("/chat/live/x", None, 404),
        ("/other", None, 404),
        ("/chat/live", "https://elsewhere.example", 403),
        ("/chat/live", "null", 403),
    ],
)
async def test_what_is_refused_at_the_handshake(
    tmp_path: Path, path: str, origin: str | None, status: int
) -> None:
    async with a_server(tmp_path) as world:
        url = f"ws://127.0.0.1:{world.port}{path}"
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, origin=origin)  # type: ignore[arg-type]
        assert refused.value.response.status_code == status


async def test_our_own_pages_may_open_a_socket(tmp_path: Path) -> None:
    async with a_server(tmp_path) as world:
        own = f"http://127.0.0.1:{world.port}"
        async with connect(world.url(), origin=own):  # type: ignore[arg-type]
            pass


async def test_with_a_list_of_origins_only_those_may(tmp_path: Path) -> None:
    async with a_server(tmp_path, origins=["https://app.example"]) as world:
        async with connect(world.url(), origin="https://app.example"):  # type: ignore[arg-type]
            pass
        with pytest.raises(InvalidStatus):
            await connect(world.url(), origin=f"http://127.0.0.1:{world.port}")  # type: ignore[arg-type]


async def test_too_many_connections_from_one_address_get_429_and_too_many_in_all_503(
    tmp_path: Path,
) -> None:
    limits = {"trusted_proxies": ["127.0.0.1/32"]}
    settings = HubSettings(connections=2, per_address=1)
    async with a_server(tmp_path, settings=settings, server=limits) as world:
        here = {"X-Forwarded-For": "192.0.2.1"}
        async with connect(world.url(), additional_headers=here):
            with pytest.raises(InvalidStatus) as refused:
                await connect(world.url(), additional_headers=here)
            assert refused.value.response.status_code == 429
            async with connect(world.url(), additional_headers={"X-Forwarded-For": "192.0.2.2"}):
                with pytest.raises(InvalidStatus) as refused:
                    await connect(world.url(), additional_headers={"X-Forwarded-For": "192.0.2.3"})
                assert refused.value.response.status_code == 503


async def test_http_goes_on_beside_it(tmp_path: Path) -> None:
    async with a_server(tmp_path) as world, httpx.AsyncClient() as http:
        assert (await http.get(f"http://127.0.0.1:{world.port}/x")).status_code == 404


async def test_a_silent_connection_is_asked_and_a_dead_one_closed(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with a_server(tmp_path, clock=clock) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(
            b"GET /chat/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert b"101" in await reader.readuntil(b"\r\n\r\n")
        hello = b'{"op":"hello","v":1}'
        writer.write(bytes((0x81, 0x80 | len(hello))) + bytes(4) + hello)
        assert b"welcome" in await reader.read(65_536)
        clock.advance(PING_MS)
        world.chat.sockets.second()
        assert b"\x89\x00" in await reader.read(65_536)
        clock.advance(SILENT_MS - PING_MS)
        world.chat.sockets.second()
        assert b'"code":11' in await reader.read(65_536)
        clock.advance(3_000)
        world.chat.sockets.second()  # it never answers the close
        async with asyncio.timeout(10):
            await the_end(reader)
        writer.close()


async def test_a_client_that_does_not_read_gets_a_gap_and_others_notice_nothing(
    tmp_path: Path,
) -> None:
    settings = HubSettings(behind_bytes=20_000, frame_rate=1e9, frame_burst=10**9)
    async with (
        a_server(tmp_path, settings=settings) as world,
        connect(world.url()) as reader,
    ):
        await reader.send('{"op":"hello","v":1}')
        await until(reader, "welcome")
        room = await world.chat.hub.room(ROOM)
        (client,) = room.clients
        client.line.pause_writing()  # type: ignore[attr-defined]
        async with connect(world.url()) as other:
            await other.send('{"op":"hello","v":1}')
            await until(other, "welcome")
            for number in range(60):
                await world.chat.hub.append(ROOM, draft(number))
            assert (await until_last(other, 60)) == list(range(1, 61))
        client.line.resume_writing()  # type: ignore[attr-defined]
        gap = await until(reader, "gap")
        assert (gap["from"], gap["to"]) == (1, 60)


def draft(number: int) -> Draft:
    return Draft("alert", json.dumps({"n": number, "fill": "x" * 1_000}).encode(), number)


async def until_last(socket: ClientConnection, last: int) -> list[int]:
    seen: list[int] = []
    while not seen or seen[-1] < last:
        batch = await until(socket, "batch")
        seen += [item["seq"] for item in batch["items"]]
    return seen


async def test_a_server_that_stops_says_come_back(tmp_path: Path) -> None:
    async with a_server(tmp_path) as world, connect(world.url()) as socket:
        await socket.send('{"op":"hello","v":1}')
        await until(socket, "welcome")
        world.chat.begin_stop()
        bye = await until(socket, "bye")
        assert (bye["code"], bye["retry_ms"] > 0) == (1, True)
        assert await closed(socket) == 4001
