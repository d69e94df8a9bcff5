"""Bounds for the heads of requests, in bytes and in time: uvicorn itself has none.

What is over them is answered as a problem (431, 408) and the connection closed, before the rest
is read. A head that passes here is still held to the exact limits by `problems`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from signaling.problems import MAX_TARGET
from sluice.errors import Problem
from sluice.metrics import Metrics

FRAMING: Final = 4_096
"""Bytes of a head that are neither its target nor its headers' names and values."""


class HeadGuard(HttpToolsProtocol):
    """A connection whose heads are bounded; see `guard`."""

    most_bytes: int
    timeout_s: float
    metrics: Metrics
    _open = True
    """A head is being read, or waited for on a new connection."""
    _taken = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._open and not self.transport.is_closing():
            self._taken += len(data)
            if self._taken > self.most_bytes:
                self._refuse(Problem("headers-too-large", "The head of the request never ends."))

    def on_message_begin(self) -> None:
        self._open, self._taken = True, 0
        if self._deadline is None:
            self._start_clock()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._open = False
        self._stop_clock()
        super().on_headers_complete()

    # --- inside

    def _start_clock(self) -> None:
        self._deadline = self.loop.call_later(self.timeout_s, self._late)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self._refuse(
                Problem("head-timeout", f"It was not there after {self.timeout_s:g} seconds.")
            )

    def _refuse(self, problem: Problem) -> None:
        self._open = False
        self._stop_clock()
        self.metrics.problems.labels(problem.kind.code).inc()
        # An answer to an earlier request of this connection may be under way: then only its end.
        if self.cycle is None or self.cycle.response_complete:
            body = json.dumps(problem.body()).encode()
            self.transport.write(
                STATUS_LINE[problem.kind.status]
                + b"content-type: application/problem+json\r\ncache-control: no-store\r\n"
                + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
                + body
            )
        self.transport.close()


def guard(header_bytes: int, timeout_s: float, metrics: Metrics) -> type[HeadGuard]:
    """The protocol for `uvicorn.Config(http=...)`."""
    return type(
        "BoundHeads",
        (HeadGuard,),
        {
            "most_bytes": header_bytes + MAX_TARGET + FRAMING,
            "timeout_s": timeout_s,
            "metrics": metrics,
        },
    )
