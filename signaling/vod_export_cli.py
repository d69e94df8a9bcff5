"""`sluice vod export`: a recording as a file to take away. It needs nothing but its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from recorder import chapters as chapter_rules
from recorder.catalog.catalog import Catalog
from recorder.media import MediaMissing
from recorder.mp4.layout import VirtualFile
from recorder.mp4.stitch import stitch
from recorder.mp4.text import ChapterMark, TextTrack
from recorder.recording import NotARecording, Recording
from recorder.replay import Replay
from signaling import amounts
from signaling.terminal import ConfigOption, bars, errors, fail, note, run, say, settings_of
from signaling.vod_archive import Archive, is_growing
from signaling.vod_texts import marks_of, texts_of
from sluice.config import ConfigError
from sluice.database import DatabaseDown

FolderArgument = Annotated[
    str, typer.Argument(help="The recording's id, or a path with a slash to its folder.")
]


def export_command(
    vod: FolderArgument,
    out: Annotated[Path, typer.Argument(help="The file to write.")],
    start: Annotated[
        str | None, typer.Option("--from", help="Where it begins, such as 1:23.5.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Where it ends.")] = None,
    chapters: Annotated[bool, typer.Option(help="With chapter marks.")] = True,
    captions: Annotated[bool, typer.Option(help="With captions, as text tracks.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of this name.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write a recording, or a stretch of it, as one MP4. Nothing is encoded anew."""
    archive = Archive(settings_of(config))
    if not out.parent.is_dir():
        raise fail(f"There is no folder {out.parent}.")
    if out.is_dir() or (out.exists() and not force):
        raise fail(f"{out} is there already. Take another name, or --force.")
    try:
        from_us = 0 if start is None else amounts.moment_us(start)
        to_us = None if end is None else amounts.moment_us(end)
        folder = archive.folder_of(vod)
        recording = Recording.read(folder)
        replay = Replay.of(recording)
        _check_stretch(replay, from_us, to_us)
        if is_growing(folder, recording):
            note(f"{folder.name} is being recorded: this is what there is of it now.")
        told = run(_told(archive, recording, replay))
        with errors.status("Reading"):
            file = stitch(
                replay,
                archive.media(folder),
                from_us=from_us,
                to_us=to_us,
                chapters=told.chapters if chapters else (),
                texts=told.texts if captions else (),
                title=told.title,
            )
        _write(file, out)
    except OSError as error:
        raise fail(f"{error.filename or out}: {error.strerror or error}.") from None
    except (ValueError, NotARecording, ConfigError) as error:
        raise fail(str(error)) from None
    except MediaMissing as error:
        raise fail(f"{error}. See `sluice vod verify {vod}`.") from None
    say(f"{out}: {amounts.length(file.duration_us // 1_000)}, {amounts.size(file.size)}.")


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of a recording besides its media."""

    title: str
    chapters: Sequence[ChapterMark]
    texts: Sequence[TextTrack]


async def _told(archive: Archive, recording: Recording, replay: Replay) -> _Told:
    """By the catalog; without one, what the index tells."""
    merged = chapter_rules.merge(replay, recording.title, recording.marks)
    told = _Told(recording.title, marks_of(merged), ())
    if not archive.has_catalog:
        note("There is no catalog: chapters are those of the recording, and captions missing.")
        return told
    try:
        async with archive.catalog() as catalog:
            return await _from_catalog(archive, catalog, recording.id, told)
    except (DatabaseDown, OSError) as error:
        note(f"Chapters and captions cannot be had from the catalog: {error}")
        return told


async def _from_catalog(archive: Archive, catalog: Catalog, vod: str, told: _Told) -> _Told:
    known = await catalog.vods.get(vod)
    if known is None:
        note(f"The catalog does not have {vod}: see `sluice vod adopt`.")
        return told
    found = await catalog.chapters.of(vod)
    return replace(
        told,
        title=known.title,
        chapters=marks_of(found) if found else told.chapters,
        texts=await texts_of(catalog.tracks, archive.folder, vod),
    )


def _check_stretch(replay: Replay, from_us: int, to_us: int | None) -> None:
    """Raises ValueError."""
    length = amounts.length(replay.duration_us // 1_000)
    if from_us >= replay.duration_us:
        raise ValueError(f"There is nothing to export: the recording is {length} long.")
    if to_us is not None and to_us <= from_us:
        raise ValueError("--to must be later than --from.")


def _write(file: VirtualFile, out: Path) -> None:
    """Raises OSError and MediaMissing; then nothing is left of it."""
    with bars(of_bytes=True) as progress:
        task = progress.add_task(out.name, total=file.size)
        file.write(out, lambda done: progress.update(task, completed=done * file.size))
