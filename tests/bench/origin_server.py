"""The origin's app on a presentation made by hand, for `make bench-origin`.

    python -m tests.bench.origin_server PORT

`/live/bench/...` is the real app. `POST /bench/part` adds the next part, which releases whoever
waits for it, and answers when that began; `GET /bench/asked` says who asked for what how often.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge.cmcd import Quality
from bridge.origin import Origin
from bridge.presentation import AUDIO
from bridge.reload import Holds
from signaling.live import Front, Live
from sluice import memory
from sluice.clock import SystemClock
from tests.bridge.windows import Windows
from tests.journeys.server import free_ports

PART_BYTES = 40_000
"""0.5 s at 640 kbit/s, or 0.33 s at 1 Mbit/s."""
SEGMENTS = 300
"""Ten minutes to seek back in, as by default."""
START_S = 60.0


class Bench:
    """One channel, `bench`, and what a bench may do to it."""

    def __init__(self) -> None:
        self.windows = Windows(("source", "360p", AUDIO))
        self.holds = Holds(100_000)
        self.origin = Origin(self.windows.presentation, SystemClock(), self.holds)
        self.asked: Counter[str] = Counter()
        self.windows.segments(SEGMENTS)
        self.windows.part()
        for rendition in self.windows.presentation.renditions.values():
            for segment in rendition.segments:
                for part in segment.parts:
                    part.data = bytes(PART_BYTES)
            rendition.segments.popleft()

    def find(self, channel: str) -> Origin | None:
        return self.origin

    async def wanted(self, channel: str) -> Origin | None:
        return self.origin

    def answered(self, kind: str, status: int, size: int) -> None:
        pass

    def reported(self, quality: Quality) -> None:
        pass

    def refused(self, code: str) -> None:
        pass

    async def part(self, request: Request) -> Response:
        """The next part, and the monotonic time (ns) right before it."""
        began = time.monotonic_ns()
        self.windows.part()
        return JSONResponse({"began_ns": began})

    async def state(self, request: Request) -> Response:
        edge = self.windows["source"].edge
        return JSONResponse({"held": self.holds.held, "edge": edge, "asked": dict(self.asked)})

    async def grant(self, request: Request) -> Response:
        return Response(status_code=204, headers={"Cache-Control": "max-age=5"})

    async def health(self, request: Request) -> Response:
        return Response("ok")

    def app(self) -> Front:
        control = Starlette(
            routes=[
                Route("/bench/part", self.part, methods=["POST"]),
                Route("/bench/state", self.state),
                Route("/live-grant/{channel}", self.grant),
                Route("/healthz", self.health),
            ]
        )
        live = Live(self, SystemClock(), self)

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            query = scope["query_string"]
            if query:
                self.asked[f"{scope['path']}?{query.decode()}"] += 1
            await live(scope, receive, send)

        return Front(control, counted)


class BenchServer:
    """It in its own process, on a free port."""

    def __init__(self) -> None:
        self.port = free_ports(1)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def release(self) -> int:
        """Make the next part; the monotonic time (ns) at which that began."""
        return int(self._ask("POST", "/bench/part")["began_ns"])

    @property
    def held(self) -> int:
        return int(self._ask("GET", "/bench/state")["held"])

    @property
    def edge(self) -> tuple[int, int]:
        msn, part = self._ask("GET", "/bench/state")["edge"]
        return msn, part

    @property
    def asked(self) -> dict[str, int]:
        return dict(self._ask("GET", "/bench/state")["asked"])

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.bench.origin_server", str(self.port)]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + START_S
        while True:
            try:
                self._ask("GET", "/bench/state")
                return self
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.__exit__(None, None, None)
                    raise
                time.sleep(0.1)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=START_S)
        try:
            connection.request(method, path)
            return dict(json.loads(connection.getresponse().read()))
        finally:
            connection.close()


def config(app: Front, port: int) -> uvicorn.Config:
    """As `sluice serve` runs its app."""
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=4_096,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    app = Bench().app()
    memory.settle()
    uvicorn.Server(config(app, int(sys.argv[1]))).run()
