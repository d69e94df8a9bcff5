"""Recordings as the API shows them: with addresses, and signed ones where that is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from recorder.catalog.clips import Clip
from recorder.catalog.tracks import best
from recorder.catalog.vods import Vod
from recorder.chapters import Chapter
from recorder.jobs.job import Job
from recorder.replay import Replay
from signaling.house import House
from signaling.vod_house import VodHouse
from signaling.vod_views import (
    CaptionsView,
    ChapterView,
    JobView,
    PeriodView,
    VodDetails,
    VodView,
)
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.storage import Access

ROOT: Final = "/vod/"


def name_of_grant(vod: str) -> str:
    """What a grant for a VOD is signed for. No channel's name has a slash."""
    return f"vod/{vod}"


def access_of(house: House, vod: Vod | Clip) -> Access:
    """The channel's, as it is now. Of a channel that is gone: nobody watches."""
    channel = house.book.get(ChannelId(vod.channel))
    return "token" if channel is None else channel.access


def vod_view(vod: Vod, access: Access) -> VodView:
    """For a list. Pictures of a channel for token bearers are only in the details."""
    poster = None
    if vod.poster is not None and access == "public":
        poster = f"{ROOT}{vod.id}/small.jpg"
    return VodView(
        vod.id,
        vod.channel,
        vod.title,
        vod.state,
        vod.trouble or None,
        vod.began_ms,
        vod.duration_ms,
        vod.width,
        vod.height,
        poster,
    )


async def details(house: House, vods: VodHouse, vod: Vod) -> VodDetails:
    """Raises Problem, DatabaseDown and QueueDown."""
    folder, expires_ms = _folder(house, vod)
    catalog = vods.catalog
    kinds = {
        one.kind
        for one in await catalog.outputs.of(vod.id)
        if not (one.kind == "poster" and one.key != vod.poster)
    }
    view = vod_view(vod, access_of(house, vod))
    if vod.poster is not None:
        view.poster = f"{folder}small.jpg"
    return VodDetails(
        vod=view,
        size_bytes=vod.size_bytes,
        keep_until_ms=vod.keep_until_ms,
        folder=folder,
        expires_ms=expires_ms,
        playlist=f"{folder}master.m3u8",
        mp4=f"{folder}video.mp4",
        large_poster=f"{folder}poster.jpg" if vod.poster is not None else None,
        storyboard=f"{folder}storyboard.vtt" if "storyboard" in kinds else None,
        chapters_vtt=f"{folder}chapters.vtt",
        chapters=chapter_views(await catalog.chapters.of(vod.id)),
        captions=[
            CaptionsView(
                one.language,
                one.label,
                one.kind,
                f"{folder}captions/{one.language}.vtt",
                f"{folder}captions/{one.language}.srt",
            )
            for one in best(await catalog.tracks.of(vod.id))
        ],
        periods=await _periods(vods, vod),
        jobs=job_views(await vods.queue.of(vod.id)),
    )


def chapter_views(chapters: Sequence[Chapter]) -> list[ChapterView]:
    return [ChapterView(one.at_ms, one.title, one.source) for one in chapters]


def job_views(jobs: Sequence[Job]) -> list[JobView]:
    """The newest of each kind. What went wrong inside is for the log."""
    # Clips, and pictures of single moments, are somebody else's wishes.
    own = [one for one in jobs if one.spec.kind != "clip" and "at_ms" not in one.spec.parameters]
    newest = {one.spec.kind: one for one in own}
    return [
        JobView(
            one.spec.kind,
            one.state,
            1.0 if one.state == "done" else one.progress,
            "It could not be made." if one.state == "failed" else None,
        )
        for one in newest.values()
    ]


async def _periods(vods: VodHouse, vod: Vod) -> list[PeriodView]:
    if vod.state == "recording":
        return []
    try:
        replay = (await vods.shelf.open(vod.id)).replay
    except Problem as problem:
        if problem.kind.code != "vod-damaged":
            raise
        replay = Replay(vod.id)
    return [
        PeriodView(one.at_us // 1_000, one.stream_us // 1_000, one.duration_us // 1_000)
        for one in replay.periods
    ]


def _folder(house: House, vod: Vod) -> tuple[str, int | None]:
    if access_of(house, vod) == "public":
        return f"{ROOT}{vod.id}/", None
    expires_s = house.clock.wall_ms() // 1_000 + house.settings.bridge.signed_ttl_s
    prefix = house.signer.prefix(name_of_grant(vod.id), expires_s)
    return f"{ROOT}{prefix}/{vod.id}/", expires_s * 1_000
