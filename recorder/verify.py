"""Whether a recording is what its index says. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recorder import index
from recorder.check import check
from recorder.index import Reading
from recorder.media import Media
from recorder.recording import Captured, ChunkFile, Recording
from recorder.records import Part, Sealed
from recorder.salvage import ChunkKey, chunk_files

What = Literal["index", "open", "missing", "damaged", "size", "checksum", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    what: What
    text: str
    """One sentence."""
    file: str = ""
    """The chunk that it is about, if any."""


def verify(folder: Path, media: Media) -> list[Finding]:
    """Read all media of a recording. Blocking, and as long as reading takes.

    Raises OSError where there is no index, and NotARecording where it does not begin.
    """
    reading = index.read(folder / index.FILE)
    recording = Recording.of(reading.records)
    return [
        *_index(reading, recording),
        *(
            finding
            for captured in recording.renditions.values()
            for chunk, parts in _by_chunk(captured)
            for finding in _chunk(media, chunk, parts)
        ),
        *_unknown(folder, recording),
    ]


def _index(reading: Reading, recording: Recording) -> Iterator[Finding]:
    if reading.broken:
        lines = ", ".join(map(str, reading.broken[:10]))
        yield Finding("index", f"Lines of the index are broken: {lines}.")
    if reading.torn:
        yield Finding("index", f"The index ends with {reading.torn} bytes that are no line.")
    lost = 0
    for line in reading.records:
        if isinstance(line, Part):
            captured = recording.renditions.get(line.r)
            lost += captured is None or line.c not in captured.chunks
    if lost:
        yield Finding("index", f"{_parts(lost)} of chunks that the index does not know.")
    if recording.closed is None:
        yield Finding("open", "The recording is not closed: it is still made, or a crash ended it.")


def _by_chunk(captured: Captured) -> Iterator[tuple[ChunkFile, list[Part]]]:
    parts: dict[int, list[Part]] = {number: [] for number in captured.chunks}
    for _, span in captured.spans:
        if isinstance(span, Part):
            parts[span.c].append(span)
    return ((captured.chunks[number], found) for number, found in parts.items())


def _chunk(media: Media, chunk: ChunkFile, parts: Sequence[Part]) -> Iterator[Finding]:
    name = chunk.name
    size = chunk.size if chunk.sealed is None else max(chunk.size, chunk.sealed.size)
    found = check(media, chunk.chunk, parts, size)
    if parts and len(found.damaged) == len(parts) and found.missing:
        yield Finding("missing", f"{found.missing}.", name)
        return
    if not found.head:
        yield Finding("damaged", f"{name} does not begin with its init segment.", name)
    if found.damaged:
        where = ", ".join(f"{part.s}.{part.p}" for part in found.damaged[:10])
        text = f"{name}: {_parts(len(found.damaged))} damaged or missing (segment.part {where})."
        yield Finding("damaged", text, name)
    yield from _size(media, chunk)
    if chunk.sealed is not None and not _is_sealed(chunk.sealed, size, found.sha256):
        yield Finding("checksum", f"{name} is not what was sealed.", name)


def _size(media: Media, chunk: ChunkFile) -> Iterator[Finding]:
    path = media.local(chunk.name)
    if path is None:
        return
    says = chunk.size if chunk.sealed is None else chunk.sealed.size
    has = path.stat().st_size
    if has < says or (has > says and chunk.sealed is not None):
        yield Finding("size", f"{chunk.name} has {has} bytes and not {says}.", chunk.name)


def _is_sealed(sealed: Sealed, size: int, sha256: str) -> bool:
    return (sealed.size, sealed.sha256) == (size, sha256)


def _unknown(folder: Path, recording: Recording) -> Iterator[Finding]:
    known = {
        ChunkKey(name, number)
        for name, captured in recording.renditions.items()
        for number in captured.chunks
    }
    for key in chunk_files(folder):
        if key not in known:
            yield Finding("unknown", f"The index does not know {key.file}.", key.file)


def _parts(count: int) -> str:
    return "1 part is" if count == 1 else f"{count} parts are"
