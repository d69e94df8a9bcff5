"""The real server on a loopback port."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog

from sfu.broadcast import News
from sfu.fake import FakeEngine
from signaling.app import build_house
from signaling.heartbeat import Heart
from signaling.house import House
from signaling.server import CannotStart, origin, raise_file_limit, serve
from sluice.config import ServerConfig, Settings
from sluice.ids import ChannelId
from sluice.stream import Reader


def house(folder: Path, **server: object) -> House:
    tree: dict[str, object] = {
        "server": {"port": 0, "shutdown_s": 5, **server},
        "storage": {"path": folder},
        "recorder": {"record": "never"},
    }
    return build_house(Settings(**tree), engine=FakeEngine())  # type: ignore[arg-type]


@asynccontextmanager
async def serving(
    own: House, heart: Heart | None = None
) -> AsyncIterator[tuple[str, asyncio.Task[None], asyncio.Event]]:
    """The address, the server's task, and an event that ends it like Ctrl-C does."""
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()

    async def ready(address: str) -> None:
        started.set_result(address)

    task = asyncio.create_task(serve(own, ready, stop, heart))
    async with asyncio.timeout(20):
        address = await started
        await own.book.create(ChannelId("live"), "Live", "public")
        try:
            yield address, task, stop
        finally:
            stop.set()
            await task


async def test_it_serves_and_ends_event_streams_and_the_engine_at_the_end(
    tmp_path: Path,
) -> None:
    own = house(tmp_path)
    async with (
        serving(own) as (address, task, stop),
        httpx.AsyncClient(base_url=address) as http,
    ):
        assert (await http.get("/readyz")).json() == {"status": "ok"}
        async with http.stream("GET", "/api/channels/live/events") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 1118"
            stop.set()
            rest = [line async for line in lines]
        assert "event: reconnect" in rest
        await task
    assert isinstance(own.engine, FakeEngine)
    assert own.engine.stopped


async def test_a_client_that_resets_frees_its_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = house(tmp_path)
    freed = asyncio.Event()
    release = own.streams.release

    def released(channel: ChannelId, client: str, reader: Reader[News]) -> None:
        release(channel, client, reader)
        freed.set()

    monkeypatch.setattr(own.streams, "release", released)
    async with serving(own) as (address, _, _):
        host, port = address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /api/channels/live/events HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"retry: 1118")
        assert len(own.streams) == 1
        # RST and not FIN: the way a phone that loses its network goes.
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        writer.transport.abort()
        async with asyncio.timeout(5):
            await freed.wait()
        assert len(own.streams) == 0


async def test_a_body_without_an_end_is_cut_at_the_limit(tmp_path: Path) -> None:
    own = house(tmp_path)
    async with serving(own) as (address, _, _):
        _, key = await own.book.create(ChannelId("lina"), "Lina", "public")
        host, port = address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST /whip/lina HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/sdp\r\nContent-Length: 10000000\r\n\r\n"
        )
        writer.write(head.encode())
        status = await reader.readline()
        assert b"413" in status
        answer = await reader.read()  # until the server closes
        assert b"connection: close" in answer.lower()
        writer.close()


class Listened:
    """A keeper that writes down what it hears."""

    gone = False

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.two_beats = asyncio.Event()

    def beat(self) -> None:
        if self.heard.count("beat") == 2:
            self.two_beats.set()
        self.heard.append("beat")

    def ready(self) -> None:
        self.heard.append("ready")

    def stopping(self, within_s: float) -> None:
        self.heard.append(f"stopping within {within_s:g} s")

    def unfit(self) -> None:
        self.heard.append("unfit")


async def test_the_keeper_hears_of_beats_and_steps(tmp_path: Path) -> None:
    heart = Listened()
    async with serving(house(tmp_path, drain_s=0), heart):
        async with asyncio.timeout(10):
            await heart.two_beats.wait()
    assert heart.heard[0] == "beat"
    assert [one for one in heart.heard if one != "beat"] == ["ready", "stopping within 35 s"]


async def test_for_the_time_of_draining_it_serves_who_is_there(tmp_path: Path) -> None:
    own = house(tmp_path, drain_s=1)
    async with (
        serving(own) as (address, task, stop),
        httpx.AsyncClient(base_url=address) as http,
        http.stream("GET", "/api/channels/live/events") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 1118"
        stop.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        stopping = await http.get("/readyz")
        assert (stopping.status_code, stopping.json()) == (503, {"status": "stopping"})
        assert (await http.get("/api/time")).status_code == 200
        assert not task.done()
        rest = [line async for line in lines]
        assert "event: reconnect" in rest
        await task


async def test_a_second_signal_does_not_wait_for_the_drain(tmp_path: Path) -> None:
    own = house(tmp_path, drain_s=3_600)
    async with serving(own) as (address, task, _), httpx.AsyncClient(base_url=address) as http:
        signal.raise_signal(signal.SIGTERM)
        assert (await http.get("/readyz")).json() == {"status": "stopping"}
        signal.raise_signal(signal.SIGHUP)
        await task
    assert isinstance(own.engine, FakeEngine)
    assert own.engine.stopped


async def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=f"port {port}.*SLUICE_SERVER__PORT"):
            await serve(house(tmp_path, port=port))


async def test_a_media_plane_that_cannot_bind_is_one_clear_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = house(tmp_path)

    async def taken() -> None:
        raise OSError("Address already in use")

    monkeypatch.setattr(own.engine, "start", taken)
    with pytest.raises(CannotStart, match=r"Media plane.*SLUICE_MEDIA__PORT"):
        await serve(own)


async def test_plain_http_for_strangers_is_said_even_where_it_is_wanted(tmp_path: Path) -> None:
    own = house(tmp_path, host="0.0.0.0", allow_plain_http=True)
    with structlog.testing.capture_logs() as logs:
        async with serving(own):
            pass
    assert any("without TLS" in entry["event"] for entry in logs)


async def test_the_admin_can_have_a_port_of_their_own(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = house(tmp_path, admin_port=port)
    assert own.new_admin_token is not None
    headers = {"Authorization": f"Bearer {own.new_admin_token}"}
    async with serving(own) as (address, _, _), httpx.AsyncClient(headers=headers) as http:
        inside = f"http://127.0.0.1:{port}"
        for path in ("/api/channels", "/metrics"):
            assert (await http.get(inside + path)).status_code == 200
            refused = await http.get(address + path, headers={"Host": f"127.0.0.1:{port}"})
            assert refused.status_code == 404
            assert refused.json()["code"] == "not-found"
        assert (await http.get(address + "/api/time")).status_code == 200


async def test_an_admin_port_that_is_taken_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=f"port {port}.*SLUICE_SERVER__ADMIN_PORT"):
            await serve(house(tmp_path, admin_port=port))


def test_the_address_for_a_browser_on_this_machine() -> None:
    assert origin(ServerConfig(host="0.0.0.0"), 80) == "http://127.0.0.1:80"
    assert origin(ServerConfig(host="::1"), 80) == "http://[::1]:80"


def test_as_many_files_as_the_system_gives_may_be_open() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
