"""The API of recordings: lists, details, chapters, search, chat, and what owners change."""

from __future__ import annotations

import asyncio
from typing import Final

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chat.full import Full
from chat.log import LogError
from recorder.captions import srt, vtt
from recorder.captions.upload import MOST_BYTES, UnreadableCaptions
from recorder.catalog.deletions import StillRecording
from recorder.catalog.holding import VodUnknown
from recorder.catalog.paging import Cursor
from recorder.catalog.tracks import NewTrack
from recorder.catalog.vods import Vod
from recorder.chapters import Chapter, clean
from recorder.jobs.queue import QueueDown
from recorder.records import Mark
from signaling.house import House
from signaling.intake import media_type
from signaling.negotiation import Negotiation
from signaling.owner import admit_owner
from signaling.reply import empty, json_reply
from signaling.routing import Handler, channel_in, resource
from signaling.vod_house import VodHouse
from signaling.vod_shown import chapter_views, details, vod_view
from signaling.vod_views import (
    CaptionsView,
    ChapterList,
    ChapterListEdit,
    DeletionList,
    DeletionView,
    FoundList,
    FoundView,
    HeatView,
    MarkerView,
    MarkerWish,
    RecordingView,
    ReplayedChat,
    VodEdit,
    VodList,
)
from sluice.database import DatabaseDown
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.storage import Channel

PAGE: Final = 24
PAGE_MOST: Final = 100
CHAT_PAGE: Final = 200
CHAT_MOST: Final = 1_000
LABEL_LONGEST: Final = 40
_READERS: Final = {"text/vtt": vtt.read, "application/x-subrip": srt.read}


def routes(house: House, vods: VodHouse) -> list[Route]:
    """`/api/vods/...` and what channels have of them."""
    desk = VodDesk(house, vods)
    channel, vod = "/api/channels/{channel}", "/api/vods/{vod}"
    return [
        resource(f"{channel}/vods", GET=told(desk.of_channel)),
        resource(f"{channel}/markers", POST=told(desk.mark)),
        resource(f"{channel}/recording", GET=told(desk.recording)),
        resource(f"{channel}/deletions", GET=told(desk.deletions)),
        resource(vod, GET=told(desk.details), PATCH=told(desk.edit), DELETE=told(desk.delete)),
        resource(f"{vod}/chapters", PUT=told(desk.edit_chapters)),
        resource(
            f"{vod}/captions/{{language}}",
            PUT=told(desk.upload_captions),
            DELETE=told(desk.delete_captions),
        ),
        resource(f"{vod}/search", GET=told(desk.search)),
        resource(f"{vod}/chat", GET=told(desk.chat)),
        resource(f"{vod}/heat", GET=told(desk.heat)),
    ]


def told(handler: Handler) -> Handler:
    """A catalog or a queue that does not answer is a Problem like others."""

    async def guarded(request: Request) -> Response:
        try:
            response = await handler(request)
        except (DatabaseDown, QueueDown) as error:
            raise Problem("catalog-down", "It is not open now.", retry_after_s=2) from error
        except VodUnknown as error:
            raise Problem("vod-unknown", "It was just deleted.") from error
        assert isinstance(response, Response)
        return response

    return guarded


class VodDesk:
    """One method for each operation."""

    def __init__(self, house: House, vods: VodHouse) -> None:
        self._house = house
        self._vods = vods
        self._catalog = vods.catalog
        self._watching = Negotiation(house, "viewer")

    # --- for who may watch

    async def of_channel(self, request: Request) -> Response:
        """A channel's recordings, newest first."""
        channel = self._house.channel(channel_in(request))
        self._watching.admit(request, channel)
        page = await self._catalog.vods.page(
            channel=channel.id, before=cursor_in(request), limit=number_in(request, "limit", PAGE)
        )
        items = [vod_view(one, channel.access) for one in page.items]
        return json_reply(VodList(items, None if page.next is None else str(page.next)))

    async def details(self, request: Request) -> Response:
        """All that a page needs of one recording."""
        vod = await self._watched(request)
        return json_reply(await details(self._house, self._vods, vod))

    async def search(self, request: Request) -> Response:
        """Where the captions have these words."""
        vod = await self._watched(request)
        words = request.query_params.get("q", "")
        found = await self._catalog.cues.find(vod.id, words)
        items = [FoundView(one.from_ms, one.language, one.text, one.begin, one.end)
                 for one in found]  # fmt: skip
        return json_reply(FoundList(items))

    async def chat(self, request: Request) -> Response:
        """What was said in the room, on the recording's time."""
        vod = await self._watched(request)
        from_ms, to_ms = number_in(request, "from", 0), number_in(request, "to", 2**40)
        after = number_in(request, "after", 0)
        limit = min(max(1, number_in(request, "limit", CHAT_PAGE)), CHAT_MOST)
        shown = await self._vods.shelf.open(vod.id)
        if self._vods.rooms is None:
            return json_reply(ReplayedChat([], None))
        try:
            page = await self._vods.rooms.page(
                vod.channel, shown.replay, from_ms, to_ms, after, limit
            )
        except (LogError, Full) as error:
            raise Problem("late", "The room's log does not answer.", retry_after_s=2) from error
        return json_reply(page)

    async def heat(self, request: Request) -> Response:
        """How much was going on, for the line over the seek bar."""
        vod = await self._watched(request)
        self._house.intake.throttle(request)
        shown = await self._vods.shelf.open(vod.id)
        if self._vods.rooms is None:
            return json_reply(HeatView(1_000.0, []))
        try:
            view = await self._vods.rooms.heat(vod.channel, shown.replay)
        except (LogError, Full) as error:
            raise Problem("late", "The room's log does not answer.", retry_after_s=2) from error
        return json_reply(view)

    # --- for the owner

    async def mark(self, request: Request) -> Response:
        """A chapter begins now."""
        channel = self._house.channel(channel_in(request))
        who = admit_owner(self._house, request, channel)
        wish = await self._house.intake.json(request, MarkerWish)
        text = clean(wish.text)
        if not text:
            raise Problem("value-refused", "The text has nothing that can be shown.")
        now_ms = self._house.bridges.clock.wall_ms()
        if not self._vods.recordings.mark(channel.id, Mark(now_ms, "marker", text, who)):
            raise Problem(
                "not-live",
                "Nothing is being recorded on this channel.",
                retry_after_s=self._house.settings.reconnect.retry_after_s,
            )
        return json_reply(MarkerView(now_ms), 201)

    async def recording(self, request: Request) -> Response:
        """How the recording of what is live goes, and what stands in its way."""
        channel = self._house.channel(channel_in(request))
        admit_owner(self._house, request, channel)
        recordings = self._vods.recordings
        health, trouble = recordings.health(channel.id), recordings.trouble(channel.id)
        lost, waiting_ms = (0, 0) if health is None else (health.lost_parts, health.waiting_ms)
        view = RecordingView(recordings.running(channel.id), trouble, lost, waiting_ms)
        return json_reply(view)

    async def deletions(self, request: Request) -> Response:
        """What was deleted, and why."""
        channel = self._house.channel(channel_in(request))
        admit_owner(self._house, request, channel)
        page = await self._catalog.deletions.page(channel=channel.id, limit=PAGE_MOST)
        items = [
            DeletionView(
                one.kind, one.id, one.by, one.reason, one.at_ms, one.what.size_bytes, one.what.chat
            )
            for one in page.items
        ]
        return json_reply(DeletionList(items))

    async def edit(self, request: Request) -> Response:
        """Another title; or whether age deletes it."""
        vod, _ = await self._owned(request)
        wish = await self._house.intake.json(request, VodEdit)
        if wish.title is not UNSET:
            title = clean(wish.title)
            if not title:
                raise Problem("value-refused", "The title has nothing that can be shown.")
            vod = await self._catalog.vods.retitle(vod.id, title)
        if wish.keep is not UNSET:
            if wish.keep:
                vod = await self._catalog.vods.keep(vod.id, None)
            else:
                until_ms = (await self._vods.keeping_in(vod.channel)).until_ms(vod.ended_ms)
                vod = await self._catalog.vods.keep_by_rule(vod.id, until_ms)
        self._vods.shelf.forget(vod.id)
        return json_reply(await details(self._house, self._vods, vod))

    async def delete(self, request: Request) -> Response:
        """With all that was made of it; its clips go along with `?clips=true`."""
        vod, who = await self._owned(request)
        keep = request.query_params.get("clips") != "true"
        try:
            await self._vods.delete(vod.id, who, keep_clips=keep)
        except StillRecording as error:
            raise Problem("vod-live", "It is still being recorded.", retry_after_s=5) from error
        return empty()

    async def edit_chapters(self, request: Request) -> Response:
        """The owner's own list, in place of what was found."""
        vod, _ = await self._owned(request)
        wish = await self._house.intake.json(request, ChapterListEdit)
        chapters: list[Chapter] = []
        for number, one in enumerate(wish.chapters, 1):
            title = clean(one.title)
            if not title:
                raise Problem("value-refused", f"Chapter {number} has no title.")
            if one.at_ms >= vod.duration_ms:
                raise Problem("value-refused", f"Chapter {number} is not within the recording.")
            if chapters and one.at_ms <= chapters[-1].at_ms:
                raise Problem("value-refused", f"Chapter {number} is not after the one before.")
            chapters.append(Chapter(one.at_ms, title))
        if chapters:
            await self._catalog.chapters.edit(vod.id, chapters)
        else:
            await self._catalog.chapters.unedit(vod.id)
        await self._vods.aftermath.make_file(vod.id)
        return json_reply(ChapterList(chapter_views(await self._catalog.chapters.of(vod.id))))

    async def upload_captions(self, request: Request) -> Response:
        """A WebVTT or SubRip file in one language."""
        vod, _ = await self._owned(request)
        language = _language(request)
        read = _READERS.get(media_type(request))
        if read is None:
            known = " or ".join(_READERS)
            raise Problem("wrong-media-type", f"Captions are {known}.")
        body = await self._house.intake.body(request, MOST_BYTES)
        try:
            cues = await asyncio.to_thread(read, body)
        except UnreadableCaptions as error:
            raise Problem("captions-refused", str(error)) from None
        label = clean(request.query_params.get("label", ""))[:LABEL_LONGEST] or language
        new = NewTrack(vod.id, language, "upload", label, text=vtt.write(cues))
        try:
            await self._catalog.tracks.put(new, cues, self._house.clock.wall_ms())
        except ValueError as error:
            raise Problem("captions-refused", str(error)) from None
        await self._vods.aftermath.make_file(vod.id)
        return json_reply(CaptionsView(language, label, "upload", "", ""), 201)

    async def delete_captions(self, request: Request) -> Response:
        """Those that the owner put there; others are shown again."""
        vod, _ = await self._owned(request)
        if not await self._catalog.tracks.remove(vod.id, _language(request), "upload"):
            raise Problem("not-found", "There are no uploaded captions in this language.")
        await self._vods.aftermath.make_file(vod.id)
        return empty()

    # --- inside

    async def _vod(self, request: Request) -> tuple[Vod, Channel | None]:
        """Raises Problem `vod-unknown`."""
        vod = await self._vods.shelf.vod(request.path_params["vod"])
        return vod, self._house.book.get(ChannelId(vod.channel))

    async def _watched(self, request: Request) -> Vod:
        """For who may watch its channel."""
        self._house.intake.throttle(request)
        vod, channel = await self._vod(request)
        if channel is None:
            raise Problem("vod-unknown", "Its channel is gone.")
        self._watching.admit(request, channel)
        return vod

    async def _owned(self, request: Request) -> tuple[Vod, str]:
        self._house.intake.throttle(request)
        vod, channel = await self._vod(request)
        if channel is None:
            self._house.check_admin(request)
            return vod, "admin"
        return vod, admit_owner(self._house, request, channel)


def cursor_in(request: Request) -> Cursor | None:
    """`?before=`. Raises Problem `value-refused`."""
    text = request.query_params.get("before")
    if text is None:
        return None
    cursor = Cursor.parse(text)
    if cursor is None:
        raise Problem("value-refused", "before: take it from `next` of the page before.")
    return cursor


def number_in(request: Request, name: str, default: int) -> int:
    """Raises Problem `value-refused`."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise Problem("value-refused", f"{name}: {text[:40]!a} is not a whole number.")
    return int(text)


def _language(request: Request) -> str:
    """Raises Problem `value-refused`."""
    text = str(request.path_params["language"])
    parts = text.split("-")
    fits = all(part.isascii() and part.isalnum() and len(part) <= 8 for part in parts)
    if not (fits and 2 <= len(parts[0]) <= 3 and parts[0].isalpha() and len(text) <= 35):
        raise Problem("value-refused", "The language must be like en or pt-BR (BCP 47).")
    return text
