"""The least of an HTTP client: one connection from an address of choice, one request at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

ANSWER_S = 15.0
_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
_RETRY = re.compile(rb"^retry-after: *(\d+)", re.IGNORECASE | re.MULTILINE)
_LOCATION = re.compile(rb"^location: *(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    retry_after_s: int | None = None
    location: str | None = None


class Caller:
    """Connects when it is asked the first time, and again when the server has closed."""

    def __init__(self, address: str, host: str, port: int) -> None:
        """`address`: of this machine, where its connections come from."""
        self._address, self._host, self._port = address, host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Raises OSError (TimeoutError too), and EOFError when the server closes instead."""
        reused = self._streams is not None
        try:
            return await self._ask(method, path, body, headers or {})
        except (ConnectionError, EOFError):
            if not reused:
                raise
        # The server has closed an idle connection meanwhile, as it may.
        return await self._ask(method, path, body, headers or {})

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head += f"Content-Length: {len(body)}\r\n\r\n"
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._streams is None:
                    self._streams = await asyncio.open_connection(
                        self._host, self._port, local_addr=(self._address, 0)
                    )
                reader, writer = self._streams
                writer.write(head.encode() + body)
                return await self._read(reader)
        except BaseException:
            # What was asked may still be answered: nobody else may read that.
            self.close()
            raise

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        head = await reader.readuntil(b"\r\n\r\n")
        length, retry, location = (pattern.search(head) for pattern in (_LENGTH, _RETRY, _LOCATION))
        body = await reader.readexactly(int(length[1])) if length else b""
        if re.search(rb"^connection: *close", head, re.IGNORECASE | re.MULTILINE):
            self.close()
        return Answer(
            status=int(head[9:12]),
            body=body,
            retry_after_s=int(retry[1]) if retry else None,
            location=location[1].decode("latin-1") if location else None,
        )
