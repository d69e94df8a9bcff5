"""`sluice vod keep`: how long a channel's recordings stay, as the admin sets it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from recorder.retention import Choice, Keeping, Limits, limits, settled
from signaling import amounts
from signaling.terminal import ConfigOption, JsonOption, fail, run, say, say_json, settings_of
from signaling.vod_archive import Archive
from signaling.vod_house import keeping_of
from sluice.channels import ChannelBook
from sluice.clock import SystemClock
from sluice.ids import ChannelId, parse_channel_id
from sluice.storage import Store

DAYS_MOST = 36_500
GB_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What `--json` tells."""

    channel: str
    keep_days: int
    quota_gb: int
    keep_clips: bool
    chosen: Choice
    most: Limits
    used_bytes: int


def keep_command(
    channel: Annotated[str, typer.Argument(help="The channel's name.")],
    days: Annotated[int | None, typer.Option(min=0, max=DAYS_MOST, help="0: for ever.")] = None,
    quota_gb: Annotated[
        int | None, typer.Option(min=0, max=GB_MOST, help="0: as much as there is room.")
    ] = None,
    clips: Annotated[
        bool | None,
        typer.Option(
            "--clips/--no-clips", help="Clips stay when age or the quota deletes their recording."
        ),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="First, all as the server's settings say.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """How a channel's recordings are kept. With options: set it, also beyond what its owner may
    choose; a running server goes by it within a minute."""
    if parse_channel_id(channel) is None:
        raise fail(f"{channel!r} cannot name a channel: use 1 to 64 of a-z, 0-9, _ and -.")
    archive = Archive(settings_of(config))
    server = keeping_of(archive.config)

    async def work() -> Kept:
        if not await _is_known(archive, ChannelId(channel)):
            raise fail(f"There is no channel {channel!r}: see `sluice vod list`.")
        async with archive.catalog() as catalog:
            choice = await catalog.keepings.of(channel)
            if reset or (days, quota_gb, clips) != (None, None, None):
                choice = await catalog.keepings.choose(
                    channel,
                    _changed(Choice() if reset else choice, days, quota_gb, clips),
                    server,
                    by="command line",
                    now_ms=SystemClock().wall_ms(),
                    admin=True,
                )
            used_bytes = (await catalog.quota.weigh(channel)).size_bytes
            return _kept(channel, choice, server, used_bytes)

    kept = run(work())
    if as_json:
        say_json(kept)
    else:
        _tell(kept)


async def _is_known(archive: Archive, channel: ChannelId) -> bool:
    """Raises OSError and sqlite3.Error."""
    store = await asyncio.to_thread(Store, archive.storage)
    try:
        book = ChannelBook(store, SystemClock(), archive.settings.limits.channels)
        await book.refresh()
        return book.get(channel) is not None
    finally:
        store.close()


def _changed(choice: Choice, days: int | None, quota_gb: int | None, clips: bool | None) -> Choice:
    return replace(
        choice,
        keep_days=choice.keep_days if days is None else days,
        quota_gb=choice.quota_gb if quota_gb is None else quota_gb,
        keep_clips=choice.keep_clips if clips is None else clips,
    )


def _kept(channel: str, choice: Choice, server: Keeping, used_bytes: int) -> Kept:
    keeping = settled(choice, server)
    return Kept(
        channel,
        keeping.keep_days,
        keeping.quota_bytes >> 30,
        keeping.keep_clips,
        choice,
        limits(choice, server),
        used_bytes,
    )


def _tell(kept: Kept) -> None:
    chosen, most = kept.chosen, kept.most
    whose = _whose(chosen.keep_days)
    say(f"Recordings of {kept.channel} are kept {_for(kept.keep_days)} ({whose}).")
    quota = f"at most {kept.quota_gb} GB" if kept.quota_gb else "as much as there is room"
    say(
        f"Of all of them: {quota} ({_whose(chosen.quota_gb)}); now {amounts.size(kept.used_bytes)}."
    )
    say(f"Clips {'stay' if kept.keep_clips else 'go'} when their recording goes by itself.")
    if most.keep_days or most.quota_gb:
        upto = "any size" if most.quota_gb == 0 else f"{most.quota_gb} GB"
        say(f"The owner may choose up to {_for(most.keep_days).removeprefix('for ')}, {upto}.")


def _for(days: int) -> str:
    return "for ever" if days == 0 else f"for {days} day{'' if days == 1 else 's'}"


def _whose(chosen: int | None) -> str:
    return "as the server's settings say" if chosen is None else "chosen for this channel"
