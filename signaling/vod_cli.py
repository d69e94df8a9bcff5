"""`sluice vod`: recordings on the command line. All of it also works beside a running server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from recorder.catalog.catalog import Catalog
from recorder.catalog.deletions import StillRecording
from recorder.catalog.vods import Vod
from recorder.deletion import Deletion
from recorder.files import Files, LocalFiles
from recorder.recording import NotARecording, Recording
from recorder.recovery import recover
from signaling import amounts
from signaling.store_files import StoreFiles
from signaling.terminal import (
    ConfigOption,
    JsonOption,
    bars,
    console,
    fail,
    note,
    run,
    say,
    say_json,
    settings_of,
)
from signaling.vod_archive import Archive, is_growing
from signaling.vod_export_cli import export_command
from signaling.vod_house import open_store
from signaling.vod_jobs_cli import jobs_command, make_command, worker_command
from signaling.vod_keep_cli import keep_command
from signaling.vod_repair_cli import repair_command, verify_command
from signaling.vod_sheet import Sheet, sheet_of
from sluice.clock import SystemClock
from sluice.ids import parse_channel_id

VodArgument = Annotated[
    str, typer.Argument(help="The recording's id, as `sluice vod list` has it.")
]

vod_app = typer.Typer(help="Recordings.", no_args_is_help=True)


@vod_app.command("list", epilog="Example: `sluice vod list --channel lina`")
def list_command(
    channel: Annotated[str | None, typer.Option(help="Only those of one channel.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """All recordings, the newest first."""
    if channel is not None and parse_channel_id(channel) is None:
        raise fail(f"{channel!r} cannot name a channel: use 1 to 64 of a-z, 0-9, _ and -.")
    archive = Archive(settings_of(config))

    async def work() -> list[Vod]:
        async with archive.catalog() as catalog:
            states = await catalog.vods.states()
            strange = [one for one in archive.recordings() if one not in states]
            if strange:
                many = _many(len(strange), "recording")
                note(f"{many} in {archive.folder} not in the catalog: `sluice vod adopt`.")
            return await _all(catalog, channel)

    vods = run(work())
    if as_json:
        say_json(vods)
        return
    others = ("Channel", "Title", "Began", "Duration", "Size", "State")
    table = Table(
        Column("Recording", no_wrap=True), *(Column(one, overflow="fold") for one in others)
    )
    for one in vods:
        table.add_row(
            one.id,
            one.channel,
            escape(one.title),
            amounts.date(one.began_ms),
            amounts.length(one.duration_ms),
            amounts.size(one.size_bytes),
            one.state,
        )
    console.print(table)


@vod_app.command("show", epilog="Example: `sluice vod show ID --json`")
def show_command(
    vod: VodArgument, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """All that is known of a recording."""
    archive = Archive(settings_of(config))

    async def work() -> Sheet:
        async with archive.catalog() as catalog, archive.queue() as queue:
            try:
                folder = archive.folder_of(vod)
            except NotARecording:
                if await catalog.vods.get(vod) is None:
                    raise
                raise NotARecording(f"The catalog has {vod}, and its files are gone.") from None
            return await sheet_of(folder, catalog, queue)

    sheet = run(work())
    if as_json:
        say_json(sheet)
    else:
        _show(sheet)


@vod_app.command("delete", epilog="Example: `sluice vod delete ID --with-clips`")
def delete_command(
    vod: VodArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    with_clips: Annotated[
        bool, typer.Option("--with-clips", help="Its clips go, too. Otherwise they stay.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Delete a recording and all that was made of it, here and in the store."""
    archive = Archive(settings_of(config))

    async def work() -> None:
        async with archive.catalog() as catalog:
            known = await catalog.vods.get(vod)
            if known is None:
                raise fail(f"There is no recording {vod!r} in the catalog: see `sluice vod list`.")
            clips = len((await catalog.clips.page(vod=vod, limit=200)).items)
            _tell(known, clips, with_clips)
            if not yes and not typer.confirm("Delete it?", err=True):
                raise typer.Exit(1)
            await _delete(archive, catalog, known, with_clips)
        say(f"{vod} is deleted.")
        note("What was said in the room meanwhile goes with the next sweep of a running server.")

    run(work())


@vod_app.command("adopt", epilog="Example: `sluice vod adopt`")
def adopt_command(config: ConfigOption = None) -> None:
    """Put what is in the folder into the catalog: after the catalog was lost, or the folder came
    from a backup. What people said of a recording in the catalog stays."""
    archive = Archive(settings_of(config))

    async def work() -> int:
        async with archive.catalog() as catalog:
            return await _adopt_all(archive, catalog)

    if run(work()):
        raise typer.Exit(1)


vod_app.command("export", epilog="Example: `sluice vod export ID best.mp4 --from 1:23`")(
    export_command
)
vod_app.command("verify", epilog="Example: `sluice vod verify --all --store`")(verify_command)
vod_app.command("repair", epilog="Example: `sluice vod repair ID`")(repair_command)
vod_app.command("jobs", epilog="Example: `sluice vod jobs --watch`")(jobs_command)
vod_app.command("make", epilog="Example: `sluice vod make ID captions`")(make_command)
vod_app.command("keep", epilog="Example: `sluice vod keep lina --days 90 --quota-gb 200`")(
    keep_command
)
vod_app.command("worker", epilog="Example: `sluice vod worker`")(worker_command)


async def _all(catalog: Catalog, channel: str | None) -> list[Vod]:
    page = await catalog.vods.page(channel=channel, limit=200)
    found = list(page.items)
    while page.next is not None:
        page = await catalog.vods.page(channel=channel, before=page.next, limit=200)
        found += page.items
    return found


def _tell(vod: Vod, clips: int, with_clips: bool) -> None:
    what = f"{amounts.length(vod.duration_ms)}, {amounts.size(vod.size_bytes)}"
    say(f"{vod.id}: {vod.title!r} of {amounts.date(vod.began_ms)}, {what}.")
    if clips:
        say(f"It has {_many(clips, 'clip')}: {'they go, too' if with_clips else 'they stay'}.")


async def _delete(archive: Archive, catalog: Catalog, vod: Vod, with_clips: bool) -> None:
    store = open_store(archive.config)
    places: list[Files] = [LocalFiles(archive.folder)]
    if store is not None:
        places.append(StoreFiles(store))
    if vod.state != "recording":
        async with archive.queue() as queue:
            await queue.forget(vod.id)
    try:
        await Deletion(catalog, places).delete_vod(
            vod.id,
            by="command line",
            reason="owner",
            now_ms=SystemClock().wall_ms(),
            keep_clips=not with_clips,
        )
    except StillRecording:
        raise fail(
            f"{vod.id} is still being recorded, and left alone. If no server runs that records it, "
            "`sluice vod adopt` closes it."
        ) from None


async def _adopt_all(archive: Archive, catalog: Catalog) -> int:
    """How many could not be read."""
    adoption = await archive.adoption(catalog)
    states = await catalog.vods.states()
    there = archive.recordings()
    adopted = unreadable = 0
    with bars() as progress:
        for recording in progress.track(there, description="Recordings"):
            folder = archive.folder / recording
            if states.get(recording) == "deleted":
                note(f"{recording} was deleted, and {folder} is a rest of it.")
                continue
            try:
                if _recovered(folder):
                    adopted += await adoption.adopt(recording) is not None
            except (OSError, NotARecording) as error:
                unreadable += 1
                note(f"{recording} cannot be read: {error} Try `sluice vod repair {recording}`.")
    for recording, state in sorted(states.items()):
        if state != "deleted" and recording not in there:
            note(f"{recording} is in the catalog, and its files are missing.")
    say(f"{_many(adopted, 'recording')} in the catalog now or brought up to date.")
    return unreadable


def _recovered(folder: Path) -> bool:
    """Close what a crash left open, as a server does when it starts. False of what grows."""
    recording = Recording.read(folder)
    if recording.closed is None:
        try:
            if is_growing(folder, recording):
                raise BlockingIOError
            found = recover(folder)
        except BlockingIOError:
            note(f"{folder.name} is being recorded, and left alone.")
            return False
        note(f"{folder.name} was not closed, and is now; {_many(found.parts, 'part')} found.")
    return True


def _show(sheet: Sheet) -> None:
    say(f"{sheet.id}: {sheet.title!r}")
    end = "now" if sheet.ended_ms is None else amounts.date(sheet.ended_ms)
    say(
        f"{sheet.state}; {amounts.date(sheet.began_ms)} to {end}; "
        f"{amounts.length(sheet.duration_ms)}, {amounts.size(sheet.size_bytes)}"
    )
    if sheet.trouble:
        say(sheet.trouble)
    if sheet.access:
        until = "for ever" if sheet.keep_until_ms is None else amounts.date(sheet.keep_until_ms)
        say(f"Access: {sheet.access}. Kept: {until}. Clips: {sheet.clips}.")
    say(f"The store has {sheet.store}.")
    table = Table("Rendition", "Codec", "Picture", "Size", "Chunks", "Sealed", "Stored", "Here")
    for line in sheet.renditions:
        picture = f"{line.width}x{line.height} {line.frame_rate:g}/s" if line.width else ""
        counts = (line.chunks, line.sealed, line.stored, line.local)
        table.add_row(
            line.name, line.codec, picture, amounts.size(line.size_bytes), *map(str, counts)
        )
    console.print(table)
    _show_times(sheet)
    for output in sheet.outputs:
        say(f"Output {output.kind}: {output.key}, {amounts.size(output.size_bytes)}")
    for track in sheet.captions:
        say(f"Captions {track.language} ({track.kind}): {track.label}, {track.words} words")
    for chapter in sheet.chapters:
        say(f"Chapter {amounts.length(chapter.at_ms)} {chapter.title} ({chapter.source})")
    for job in sheet.jobs:
        done = f" {job.progress:.0%}" if job.state == "running" else ""
        say(f"Job {job.kind}: {job.state}{done}{': ' if job.error else ''}{job.error}")


def _show_times(sheet: Sheet) -> None:
    for number, one in enumerate(sheet.periods, 1):
        at, length = amounts.length(one.at_ms), amounts.length(one.duration_ms)
        live = amounts.date(one.stream_ms, seconds=True)
        say(f"Period {number}: {length} at {at}, live at {live}")
    for gap in sheet.gaps:
        what = "lost" if gap.lost else "nothing came"
        live = amounts.date(gap.stream_ms, seconds=True)
        say(f"Gap: {gap.duration_ms / 1_000:.1f} s, live at {live}: {what}")


def _many(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
