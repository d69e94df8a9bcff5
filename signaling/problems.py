"""Turns every error into an `application/problem+json` response (RFC 9457), and counts it."""

from __future__ import annotations

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sluice.config import LimitsConfig
from sluice.errors import Problem
from sluice.metrics import Metrics

log = structlog.get_logger(__name__)

MAX_TARGET = 8_192
"""Bytes of path and query."""


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"


def problem_response(problem: Problem) -> Response:
    headers = {"Cache-Control": "no-store", **problem.headers}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    return ProblemResponse(problem.body(), status_code=problem.kind.status, headers=headers)


async def from_starlette(request: Request, error: Exception) -> Response:
    """Starlette's own refusals (no route, wrong method) become problems too."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        raise Problem("not-found", "No page and no interface has this address.", headers=headers)
    if error.status_code == 405:
        detail = f"{request.method} is not for this address."
        raise Problem("method-not-allowed", detail, headers=headers)
    raise Problem("bad-request", f"The request was refused: {error.detail}.", headers=headers)


class ProblemMiddleware:
    """Outside of all routes: nothing passes it but responses."""

    def __init__(self, app: ASGIApp, metrics: Metrics, limits: LimitsConfig) -> None:
        self._app = app
        self._metrics = metrics
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            self._check_size(scope)
            await self._app(scope, receive, watch)
        except Exception as error:
            problem = error if isinstance(error, Problem) else _unexpected(error, scope)
            self._metrics.problems.labels(problem.kind.code).inc()
            if started:
                log.error("failed after its response began", path=scope["path"], exc_info=error)
                raise
            await problem_response(problem)(scope, receive, send)

    def _check_size(self, scope: Scope) -> None:
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET:
            raise Problem("uri-too-long", f"Path and query are at most {MAX_TARGET} bytes.")
        size = sum(len(name) + len(value) for name, value in Headers(scope=scope).raw)
        if size > self._limits.header_bytes:
            raise Problem(
                "headers-too-large", f"Headers are at most {self._limits.header_bytes} bytes."
            )


def _unexpected(error: Exception, scope: Scope) -> Problem:
    log.error("unexpected error", method=scope["method"], path=scope["path"], exc_info=error)
    return Problem("internal", "Something went wrong that we did not foresee.")
