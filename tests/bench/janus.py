"""Janus, as Debian ships it, to be measured by the same load client.

Its VideoRoom plugin is the SFU: the publisher and the viewers are WebRTC peers, as with us. It
speaks its own API over a WebSocket, in which viewers answer offers instead of making them.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from signaling.load_client import LoadClient
from signaling.load_door import PATIENCE_S, LoadFailed, Refused
from tests.journeys.server import free_ports

INSTALL = "apt-get install janus"
ROOM = 1
PLUGIN = "janus.plugin.videoroom"
START_S = 10.0
LIBRARIES = Path("/usr/lib")
MEDIA_PORTS = "32000-60000"


class JanusServer:
    """The process, with its configuration in `folder`.

    Its defaults, but for: ports, one interface (its ICE library skips loopback), no time limit
    on the one API session, and no plugin or transport that is not used. `event_loops` is Janus's
    own setting for many peers: so many threads for all of them instead of one for each (0).
    """

    def __init__(self, folder: Path, interface: str, event_loops: int = 0) -> None:
        self._folder = folder
        self._interface = interface
        self._event_loops = event_loops
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_ports(1)

    @staticmethod
    def version() -> str | None:
        """Of the installed one; None where there is none."""
        if shutil.which("janus") is None:
            return None
        shown = subprocess.run(["janus", "--version"], capture_output=True, text=True, check=False)
        first = (shown.stdout + shown.stderr).strip().splitlines()[:1]
        return first[0].removeprefix("Janus version: ") if first else "unknown version"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._configure()
        with (self._folder / "janus.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["janus", "-F", str(self._folder)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_S
        while "WebSockets thread started" not in self.log():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise LoadFailed(f"Janus did not start: {self.log()[-2000:]}")
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self) -> str:
        path = self._folder / "janus.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _configure(self) -> None:
        home = next(LIBRARIES.glob("*/janus"))
        files = {
            "janus.jcfg": f"""
                general: {{
                    configs_folder = "{self._folder}"
                    plugins_folder = "{home}/plugins"
                    transports_folder = "{home}/transports"
                    events_folder = "{home}/events"
                    loggers_folder = "{home}/loggers"
                    session_timeout = 0
                    {f"event_loops = {self._event_loops}" if self._event_loops else ""}
                }}
                media: {{ rtp_port_range = "{MEDIA_PORTS}" }}
                nat: {{ ice_enforce_list = "{self._interface}" }}
                plugins: {{ disable = "{_all_but(home / "plugins", "videoroom")}" }}
                transports: {{ disable = "{_all_but(home / "transports", "websockets")}" }}
                loggers: {{ disable = "{_all_but(home / "loggers", "")}" }}
                """,
            "janus.transport.websockets.jcfg": f"""
                general: {{ ws = true  ws_port = {self.port}  ws_ip = "127.0.0.1" }}
                """,
            "janus.plugin.videoroom.jcfg": f"""
                room-{ROOM}: {{ publishers = 1  audiocodec = "opus"  videocodec = "vp8" }}
                """,
        }
        for name, text in files.items():
            (self._folder / name).write_text(text, encoding="utf-8")


class JanusDoor:
    """One API session; a handle in it for every peer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = 0
        self._feed = 0
        self._handles: dict[int, int] = {}
        self._numbers = itertools.count()
        self._waiting: dict[str, asyncio.Future[dict[str, object]]] = {}
        self.unended: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(self._url, protocols=("janus-protocol",))
        self._reader = asyncio.create_task(self._read())
        self._session = _number(await self._request({"janus": "create"}), "data", "id")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._request({"janus": "destroy"})
        except (TimeoutError, OSError, Refused) as refusal:
            self.unended[f"destroy: {type(refusal).__name__}"] += 1
        finally:
            self._reader.cancel()
            await self._http.close()

    async def publish(self, load: LoadClient) -> list[int]:
        try:
            handle = await self._attach()
            join = {"request": "join", "room": ROOM, "ptype": "publisher"}
            joined = await self._message(handle, join)
            self._feed = _number(joined, "plugindata", "data", "id")
            publisher, offer = await asyncio.to_thread(load.publisher_offer)
            answered = await self._message(handle, {"request": "publish"}, ("offer", offer))
            answer = _text(answered, "jsep", "sdp")
            await asyncio.to_thread(load.publisher_answer, publisher, answer)
        except (Refused, TimeoutError, ValueError) as error:
            raise LoadFailed(f"Janus and the publisher: {error}") from error
        return [publisher]

    async def join(self, load: LoadClient) -> int:
        try:
            handle = await self._attach()
            watch = {
                "request": "join",
                "room": ROOM,
                "ptype": "subscriber",
                "streams": [{"feed": self._feed}],
            }
            offered = await self._message(handle, watch)
            viewer, answer = await asyncio.to_thread(load.accept, _text(offered, "jsep", "sdp"))
            self._handles[viewer] = handle
            await self._message(handle, {"request": "start"}, ("answer", answer))
        except (TimeoutError, ValueError) as error:
            raise Refused(f"{type(error).__name__}: {error}"[:200]) from error
        return viewer

    async def leave(self, viewer: int) -> None:
        handle = self._handles.pop(viewer)
        await self._request({"janus": "detach", "handle_id": handle})

    async def _attach(self) -> int:
        return _number(await self._request({"janus": "attach", "plugin": PLUGIN}), "data", "id")

    async def _message(
        self, handle: int, body: dict[str, object], jsep: tuple[str, str] | None = None
    ) -> dict[str, object]:
        request: dict[str, object] = {"janus": "message", "handle_id": handle, "body": body}
        if jsep is not None:
            # All candidates are in the description already.
            request["jsep"] = {"type": jsep[0], "sdp": jsep[1], "trickle": False}
        return await self._request(request)

    async def _request(self, request: dict[str, object]) -> dict[str, object]:
        """Send it and wait for more than its acknowledgement. Raises Refused or TimeoutError."""
        transaction = str(next(self._numbers))
        reply: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = reply
        session = {"session_id": self._session} if self._session else {}
        try:
            await self._socket.send_json(request | session | {"transaction": transaction})
            async with asyncio.timeout(PATIENCE_S):
                answer = await reply
        finally:
            del self._waiting[transaction]
        data = _inside(answer, "plugindata", "data")
        if answer.get("janus") == "error" or (isinstance(data, dict) and "error" in data):
            raise Refused(str(answer.get("error", data))[:200])
        return answer

    async def _read(self) -> None:
        async for message in self._socket:
            event = message.json()
            reply = self._waiting.get(str(event.get("transaction")))
            if event.get("janus") != "ack" and reply is not None and not reply.done():
                reply.set_result(event)


def _all_but(folder: Path, used: str) -> str:
    names = (path.name for path in folder.glob("libjanus_*.so"))
    return ",".join(sorted(name for name in names if name != f"libjanus_{used}.so"))


def _inside(tree: object, *path: str) -> object:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _number(tree: object, *path: str) -> int:
    found = _inside(tree, *path)
    if not isinstance(found, int):
        raise Refused(f"no {'.'.join(path)} in {tree}"[:200])
    return found


def _text(tree: object, *path: str) -> str:
    found = _inside(tree, *path)
    if not isinstance(found, str):
        raise Refused(f"no {'.'.join(path)} in {tree}"[:200])
    return found
