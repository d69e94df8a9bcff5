"""JSON responses from typed views."""

from __future__ import annotations

import msgspec
from starlette.responses import Response


def json_reply(view: msgspec.Struct, status: int = 200, location: str | None = None) -> Response:
    headers = {"Cache-Control": "no-store"}
    if location is not None:
        headers["Location"] = location
    return Response(
        msgspec.json.encode(view), status, media_type="application/json", headers=headers
    )


def empty() -> Response:
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
