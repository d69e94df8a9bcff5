"""The index of a recording: a file of lines that only grows, and survives being torn.

A line is the CRC-32 of its record in eight hex digits, a space, the record as JSON, a newline. So
a line is either whole or known to be broken, and what a crash leaves half written is cut off.
"""

from __future__ import annotations

import fcntl
import os
from binascii import crc32
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from recorder.records import Record

FILE: Final = "index.log"
_CRC: Final = 8

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


@dataclass(slots=True)
class Reading:
    """What an index file says."""

    records: list[Record] = field(default_factory=list)
    size: int = 0
    """Bytes up to the end of the last whole line."""
    torn: int = 0
    """Bytes after it: a line that was not written to its end."""
    broken: list[int] = field(default_factory=list)
    """Lines (from 1) in the middle that are not what was written."""


def encode(record: Record) -> bytes:
    """A record as its line."""
    text = _encoder.encode(record)
    return b"%08x %s\n" % (crc32(text), text)


def parse(data: bytes) -> Reading:
    """Read lines. Broken ones at the end are a torn tail; those before are told and skipped."""
    found = Reading()
    waiting: list[int] = []
    at = number = 0
    while at < len(data):
        number += 1
        end = data.find(b"\n", at)
        if end < 0:
            break
        record = _parse_line(data[at:end])
        at = end + 1
        if record is None:
            waiting.append(number)
            continue
        found.broken += waiting
        waiting.clear()
        found.records.append(record)
        found.size = at
    found.torn = len(data) - found.size
    return found


def read(path: Path) -> Reading:
    """Read a file. Raises OSError."""
    return parse(path.read_bytes())


class IndexWriter:
    """The open end of an index. Used by one thread of one process."""

    def __init__(self, path: Path) -> None:
        """Open, or create, and cut off a torn tail. Raises OSError, and BlockingIOError where
        another process writes to it."""
        self._file = _open_locked(path)
        try:
            found = parse(_whole(self._file))
            if found.torn:
                os.ftruncate(self._file, found.size)
            self._size = found.size
        except BaseException:
            os.close(self._file)
            raise
        self.records: Sequence[Record] = found.records
        """What stood in it when it was opened."""
        self.torn = found.torn
        """Bytes that were cut off then."""
        self.broken: Sequence[int] = found.broken
        """Lines (from 1) in the middle that are not what was written."""

    def append(self, records: Sequence[Record]) -> None:
        """Append all of them, lasting when this returns. Raises OSError; then none of them is."""
        data = b"".join([encode(record) for record in records])
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self._size + written)
            os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open_locked(path: Path) -> int:
    # Two recorders on one folder would write over each other. The lock ends with its process.
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), path.stat()):
                    return file
        except BaseException:
            os.close(file)
            raise
        # A repair put another file in its place since it was opened.
        os.close(file)


def _whole(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as reader:
        reader.seek(0)
        return reader.read()


def _parse_line(line: bytes) -> Record | None:
    text = line[_CRC + 1 :]
    if line[_CRC : _CRC + 1] != b" " or b"%08x" % crc32(text) != line[:_CRC]:
        return None
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError:
        return None
