"""What `make bench-chat` compares with: a room as one writes it in Starlette in ten minutes.

    python -m tests.bench.chat_plain PORT BATCH_MS

BATCH_MS 0: each message goes to everybody as it comes. Else all of so many milliseconds go
together, which is what one would do next.
"""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


class PlainRoom:
    def __init__(self, batch_ms: int) -> None:
        self._sockets: set[WebSocket] = set()
        self._batch_ms = batch_ms
        self._waiting: list[str] = []
        self._sending: asyncio.Task[None] | None = None

    async def connect(self, socket: WebSocket) -> None:
        await socket.accept()
        self._sockets.add(socket)
        try:
            while True:
                text = await socket.receive_text()
                if self._batch_ms == 0:
                    await self._send(text)
                    continue
                self._waiting.append(text)
                if self._sending is None:
                    self._sending = asyncio.create_task(self._send_later())
        except WebSocketDisconnect:
            pass
        finally:
            self._sockets.discard(socket)

    async def _send_later(self) -> None:
        await asyncio.sleep(self._batch_ms / 1000)
        waiting, self._waiting, self._sending = self._waiting, [], None
        await self._send(f"[{','.join(waiting)}]")

    async def _send(self, text: str) -> None:
        for socket in list(self._sockets):
            await socket.send_text(text)


def main() -> None:
    room = PlainRoom(int(sys.argv[2]))
    app = Starlette(routes=[WebSocketRoute("/chat/live", room.connect)])
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools",
        log_level="warning", access_log=False, ws_per_message_deflate=False, backlog=4_096,
    )  # fmt: skip


if __name__ == "__main__":
    main()
