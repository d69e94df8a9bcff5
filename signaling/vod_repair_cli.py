"""`sluice vod verify` and `sluice vod repair`: whether recordings are whole, and what if not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.progress import Progress, TaskID

from recorder.media import Media
from recorder.recording import NotARecording, Recording
from recorder.repair import repair
from recorder.store.verify import verify_store
from recorder.verify import verify
from signaling import amounts
from signaling.terminal import (
    ConfigOption,
    JsonOption,
    bars,
    errors,
    fail,
    note,
    run,
    say,
    say_json,
    settings_of,
)
from signaling.vod_archive import Archive, is_growing
from signaling.vod_export_cli import FolderArgument
from signaling.vod_house import open_store
from sluice.config import ConfigError


class _Finding(msgspec.Struct):
    what: str
    text: str
    """One sentence."""
    file: str = ""


class _Verdict(msgspec.Struct):
    vod: str
    state: Literal["fine", "wrong", "recording"]
    """`recording`: it is being written, and was not looked at."""
    findings: list[_Finding] = []


def verify_command(
    vods: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VOD]...", help="Ids, or paths with a slash to their folders."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All in the storage folder.")] = False,
    store: Annotated[
        bool, typer.Option("--store", help="Also compare with what the object store has.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read recordings and say what is not as it should be. Exit code 1 where something is."""
    archive = Archive(settings_of(config))
    if bool(vods) == everything:
        raise fail("Name recordings, or take --all.")
    if store and not archive.config.store.url:
        raise fail("There is no object store: recorder.store.url is not set.")
    try:
        named = archive.recordings() if everything else vods or []
        folders = [archive.folder_of(one) for one in dict.fromkeys(named)]
        verdicts = _verify_all(archive, folders, store)
    except (NotARecording, OSError, ConfigError) as error:
        raise fail(str(error)) from None
    if as_json:
        say_json(verdicts)
    else:
        for one in verdicts:
            _say_verdict(one)
    if any(one.state == "wrong" for one in verdicts):
        raise typer.Exit(1)


def _verify_all(archive: Archive, folders: Sequence[Path], store: bool) -> list[_Verdict]:
    """Raises ConfigError."""
    with bars(of_bytes=True) as progress:
        task = progress.add_task("", total=sum(map(_size, folders)))
        verdicts = []
        for folder in folders:
            progress.update(task, description=folder.name)
            media = _Counted(archive.media(folder), progress, task)
            verdicts.append(_verify(archive, folder, media, store))
    return verdicts


def _verify(archive: Archive, folder: Path, media: Media, store: bool) -> _Verdict:
    name = folder.name
    try:
        if is_growing(folder, Recording.read(folder)):
            return _Verdict(name, "recording")
        findings = [_Finding(one.what, one.text, one.file) for one in verify(folder, media)]
    except NotARecording as error:
        findings = [_Finding("index", str(error))]
    except FileNotFoundError:
        findings = [_Finding("index", "The index is missing.")]
    except OSError as error:
        findings = [_Finding("index", f"It cannot be read: {error.strerror or error}.")]
    else:
        if store:
            findings += run(_in_store(archive, folder))
    return _Verdict(name, "wrong" if findings else "fine", findings)


async def _in_store(archive: Archive, folder: Path) -> list[_Finding]:
    """Raises StoreError and others of which `run` makes sentences."""
    opened = open_store(archive.config, retries=3)
    assert opened is not None
    return [
        _Finding(f"store: {one.problem}", one.text, one.file)
        for one in await verify_store(opened, folder)
    ]


def _say_verdict(verdict: _Verdict) -> None:
    match verdict.state:
        case "fine":
            say(f"{verdict.vod}: all is well.")
        case "recording":
            say(f"{verdict.vod}: it is being recorded, and was left alone.")
        case "wrong":
            for one in verdict.findings:
                say(f"{verdict.vod}: {one.text}")
            if any(not one.what.startswith("store: ") for one in verdict.findings):
                note(f"`sluice vod repair {verdict.vod}` makes of it what can be made.")


def _size(folder: Path) -> int:
    """Bytes that will be read; 0 where that cannot be known."""
    try:
        return Recording.read(folder).size
    except (NotARecording, OSError):
        return 0


class _Counted:
    """A Media that moves a bar."""

    def __init__(self, media: Media, progress: Progress, task: TaskID) -> None:
        self._media = media
        self._progress = progress
        self._task = task

    def read(self, name: str, offset: int, size: int) -> bytes:
        data = self._media.read(name, offset, size)
        self._progress.advance(self._task, size)
        return data

    def local(self, name: str) -> Path | None:
        return self._media.local(name)


def repair_command(vod: FolderArgument, config: ConfigOption = None) -> None:
    """Make of a damaged recording what can be made of it. No media is deleted, and the index as it
    was is kept. What is being recorded is left alone."""
    archive = Archive(settings_of(config))
    try:
        folder = archive.folder_of(vod)
        with errors.status(f"Reading {folder.name}"):
            done = repair(folder)
    except BlockingIOError:
        raise fail(f"{vod} is being recorded, or uploaded, and left alone.") from None
    except (NotARecording, OSError) as error:
        raise fail(str(error)) from None
    for sentence in done:
        say(sentence)
    if not done:
        say("All is well: nothing was changed.")
    if folder.parent.resolve() == archive.folder.resolve():
        run(_bring_up_to_date(archive, folder.name))


async def _bring_up_to_date(archive: Archive, vod: str) -> None:
    async with archive.catalog() as catalog:
        adopted = await (await archive.adoption(catalog)).adopt(vod)
    if adopted is None:
        note(f"The catalog says that {vod} was deleted: this is a rest of it.")
    else:
        length, size = amounts.length(adopted.duration_ms), amounts.size(adopted.size_bytes)
        say(f"The catalog has it with {length} and {size}: {adopted.trouble or adopted.state}.")
