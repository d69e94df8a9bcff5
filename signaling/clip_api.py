"""The API and the files of clips: the last seconds of what is live, or a stretch of a recording."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Literal

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from recorder.catalog.clips import Clip, Stretch
from recorder.chapters import clean
from recorder.jobs.outputs import DERIVED
from recorder.replay import Replay
from recorder.work.task import Spec
from signaling.house import House
from signaling.negotiation import Negotiation
from signaling.owner import admit_owner
from signaling.reply import empty, json_reply
from signaling.routing import channel_in, resource
from signaling.shelf import Shown
from signaling.vod_api import PAGE, cursor_in, number_in, told
from signaling.vod_house import VodHouse
from signaling.vod_shown import access_of
from signaling.vod_views import ClipList, ClipView, ClipWish, LiveClipWish
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.ratelimit import TokenBuckets

SHORTEST_MS: Final = 1_000
LONGEST_MS: Final = 180_000
PRIORITY: Final = 10
"""Somebody waits for it."""
_FILES: Final = {"clip.mp4": "video/mp4", "poster.jpg": "image/jpeg"}


def routes(house: House, vods: VodHouse) -> list[Route]:
    """`/api/clips/...` and `/vod-clip/...`."""
    desk = ClipDesk(house, vods)
    return [
        resource("/api/channels/{channel}/clips", GET=told(desk.of_channel), POST=told(desk.live)),
        resource("/api/vods/{vod}/clips", POST=told(desk.cut)),
        resource("/api/clips/{clip}", GET=told(desk.show), DELETE=told(desk.delete)),
        resource("/vod-clip/{clip}/{name}", GET=told(desk.file), HEAD=told(desk.file)),
    ]


class ClipDesk:
    """One method for each operation."""

    def __init__(self, house: House, vods: VodHouse) -> None:
        self._house = house
        self._vods = vods
        self._clips = vods.catalog.clips
        self._watching = Negotiation(house, "viewer")
        a_minute = vods.config.clips_per_minute
        # Each one is some seconds of a processor's work.
        self._made = TokenBuckets(a_minute / 60, a_minute, house.settings.limits.rate_table)

    async def of_channel(self, request: Request) -> Response:
        """A channel's clips, newest first."""
        channel = self._house.channel(channel_in(request))
        self._watching.admit(request, channel)
        page = await self._clips.page(
            channel=channel.id, before=cursor_in(request), limit=number_in(request, "limit", PAGE)
        )
        items = [self._view(one) for one in page.items]
        return json_reply(ClipList(items, None if page.next is None else str(page.next)))

    async def live(self, request: Request) -> Response:
        """The last seconds, up to the moment that the viewer sees."""
        channel = self._house.channel(channel_in(request))
        self._watching.admit(request, channel)
        wish = await self._house.intake.json(request, LiveClipWish)
        recording = self._vods.recordings.running(channel.id)
        if recording is None:
            raise Problem(
                "clip-refused",
                "The channel is not live, or it is not recorded.",
                retry_after_s=self._house.settings.reconnect.retry_after_s,
            )
        self._count(request)
        shown = await self._vods.shelf.growing(recording)
        seconds = self._vods.config.clip_s if wish.seconds is UNSET else wish.seconds
        until_ms = None if wish.until_ms is UNSET else wish.until_ms
        to_ms = _until(shown.replay, until_ms)
        from_ms = max(0, to_ms - seconds * 1_000)
        return await self._make(request, shown, from_ms, to_ms, wish.title)

    async def cut(self, request: Request) -> Response:
        """A stretch of a recording."""
        vod = await self._vods.shelf.vod(request.path_params["vod"])
        channel = self._house.channel(ChannelId(vod.channel))
        self._watching.admit(request, channel)
        wish = await self._house.intake.json(request, ClipWish)
        self._count(request)
        shown = await self._vods.shelf.growing(vod.id)
        return await self._make(request, shown, wish.from_ms, wish.to_ms, wish.title)

    async def show(self, request: Request) -> Response:
        clip = await self._watched(request)
        return json_reply(self._view(clip, await self._progress(clip)))

    async def delete(self, request: Request) -> Response:
        """For the channel's owner."""
        clip = await self._clip(request)
        channel = self._house.channel(ChannelId(clip.channel))
        who = admit_owner(self._house, request, channel)
        await self._vods.deletion.delete_clip(
            clip.id, by=who, reason="owner", now_ms=self._house.clock.wall_ms()
        )
        return empty()

    async def file(self, request: Request) -> Response:
        """The clip itself, or its picture. Whoever has the link may see it, as with the page,
        where the channel is for everybody."""
        clip = await self._watched(request)
        kind = _FILES.get(request.path_params["name"])
        if kind is None or clip.output is None or clip.state != "ready":
            raise Problem("media-unknown", "It is not made yet, or there is no such file.")
        path = Path(self._vods.folder, clip.vod, DERIVED, clip.output, request.path_params["name"])
        if not await asyncio.to_thread(path.is_file):
            raise Problem("media-unknown", "The clip's file is gone.")
        public = access_of(self._house, clip) == "public"
        headers = {"Cache-Control": f"{'public' if public else 'private'}, max-age=3600"}
        return FileResponse(path, media_type=kind, headers=headers)

    # --- inside

    async def _make(
        self, request: Request, shown: Shown, from_ms: int, to_ms: int, title: str
    ) -> Response:
        length_ms = shown.replay.duration_us // 1_000
        to_ms = min(to_ms, length_ms)
        if not SHORTEST_MS <= to_ms - from_ms <= LONGEST_MS:
            most = LONGEST_MS // 1_000
            raise Problem("value-refused", f"A clip is 1 to {most} seconds of the recording.")
        vod = shown.vod
        text = clean(title) or vod.title
        spec = Spec("clip", vod.id, {"from_ms": from_ms, "to_ms": to_ms, "title": text})
        job = await self._vods.queue.submit(spec, priority=PRIORITY, again=True)
        stretch = Stretch(vod.id, from_ms, to_ms, text, "", job.key)
        clip = await self._clips.create(stretch, self._house.clock.wall_ms())
        # It may have ended between the two, and nobody tells that a second time.
        job = await self._vods.queue.find(job.key) or job
        if job.settled:
            state: Literal["ready", "failed"] = "ready" if job.state == "done" else "failed"
            clip = await self._clips.set_state(clip.id, state, job.key)
        return json_reply(self._view(clip), 201, f"/api/clips/{clip.id}")

    async def _clip(self, request: Request) -> Clip:
        self._house.intake.throttle(request)
        clip = await self._clips.get(request.path_params["clip"])
        if clip is None:
            raise Problem("clip-unknown", "There is no such clip, or none any more.")
        return clip

    async def _watched(self, request: Request) -> Clip:
        clip = await self._clip(request)
        channel = self._house.channel(ChannelId(clip.channel))
        self._watching.admit(request, channel)
        return clip

    async def _progress(self, clip: Clip) -> float:
        if clip.state != "making" or clip.output is None:
            return 1.0
        job = await self._vods.queue.find(clip.output)
        return 0.0 if job is None else job.progress

    def _count(self, request: Request) -> None:
        client = self._house.intake.client(request)
        wait_s = self._made.take(client, self._house.clock.now_ms())
        if wait_s is not None:
            detail = "There were too many clips from this address."
            raise Problem("rate-limited", detail, retry_after_s=wait_s)

    def _view(self, clip: Clip, progress: float = 0.0) -> ClipView:
        ready = clip.state == "ready"
        folder = f"/vod-clip/{clip.id}/"
        return ClipView(
            clip.id,
            clip.vod,
            clip.channel,
            clip.title,
            clip.by,
            clip.from_ms,
            clip.to_ms,
            clip.created_ms,
            clip.state,
            f"/clip/{clip.id}",
            f"{folder}clip.mp4" if ready else None,
            f"{folder}poster.jpg" if ready else None,
            1.0 if ready else progress,
        )


def _until(replay: Replay, stream_ms: int | None) -> int:
    """VOD time of what a viewer sees; the newest where that is not known or not there."""
    length_ms = replay.duration_us // 1_000
    if stream_ms is None:
        return length_ms
    at_us = replay.at_vod(stream_ms * 1_000)
    return length_ms if at_us is None else at_us // 1_000
