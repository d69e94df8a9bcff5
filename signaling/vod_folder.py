"""`/vod/...`: playlists, chunks and files of recordings, for everybody who may watch them.

    /vod/{vod}/master.m3u8, /vod/{vod}/source/index.m3u8, /vod/{vod}/video.mp4?from=&to=
    /vod/~{grant}/{vod}/...         the same, signed, where the channel is for token bearers

All of it lies in chunks as they were recorded: playlists name ranges of them, and the MP4 is a head
in front of them. Only silence, where sound is missing, is made when it is asked for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from recorder import chapter_formats
from recorder.catalog.outputs import Output
from recorder.jobs.outputs import DERIVED
from recorder.jobs.queue import QueueDown
from recorder.media import MediaMissing
from recorder.mp4.boxes import MalformedMedia
from recorder.mp4.silence import silence
from recorder.mp4.stitch import NothingToStitch
from recorder.mp4.text import ChapterMark
from recorder.recording import ID, ChunkFile
from recorder.records import chunk_name
from recorder.store.media import StoreDown
from recorder.vod_playlist import Subtitle, master, media
from recorder.work.task import Kind
from signaling.captions_folder import CaptionsFolder
from signaling.house import House
from signaling.ranged import PIECE, Ranged, Read
from signaling.routing import resource
from signaling.shelf import Shown, Stretch
from signaling.thumbnails import Thumbnails, place_ms
from signaling.vod_house import VodHouse
from signaling.vod_shown import access_of, name_of_grant
from sluice.database import DatabaseDown
from sluice.errors import Problem

PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"
VIDEO_TYPE: Final = "video/mp4"
VTT_TYPE: Final = "text/vtt; charset=utf-8"
LATEST_MS: Final = 10**10
_CHUNK: Final = re.compile(r"([a-z0-9][a-z0-9_-]{0,31})/([0-9]{6,9})\.mp4", re.ASCII)
_SILENCE: Final = re.compile(
    r"([a-z0-9][a-z0-9_-]{0,31})/silence-([0-9]{6,9})-([0-9]{1,15})-([0-9]{1,4})\.mp4", re.ASCII
)
_PLAYLIST: Final = re.compile(r"([a-z0-9][a-z0-9_-]{0,31})/index\.m3u8", re.ASCII)
_SHEET: Final = re.compile(r"sheet-[0-9]{3}\.jpg", re.ASCII)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class VodFolder:
    """Answers for one house."""

    def __init__(self, house: House, vods: VodHouse) -> None:
        self._house = house
        self._shelf = vods.shelf
        self._catalog = vods.catalog
        self._captions = CaptionsFolder(vods.catalog, vods.shelf)
        self._thumbnails = Thumbnails(vods.queue, vods.folder)

    async def serve(self, request: Request) -> ASGIApp:
        """GET and HEAD of whatever stands below a VOD's folder."""
        with _told():
            vod, address = await self._admitted(request)
            return await self._answer(request, vod, address)

    # --- inside

    async def _admitted(self, request: Request) -> tuple[str, str]:
        """The VOD and the address below it. Raises Problem."""
        path = request.path_params["path"]
        grant = None
        if path.startswith("~"):
            grant, _, path = path.partition("/")
        vod, _, address = path.partition("/")
        if not ID.fullmatch(vod):
            raise Problem("vod-unknown", "This is no recording's name.")
        if grant is None:
            if access_of(self._house, await self._shelf.vod(vod)) == "public":
                return vod, address
            raise Problem("unauthorized", "A signed address is needed: see GET /api/vods/{vod}.")
        now_s = self._house.clock.wall_ms() / 1_000
        if not self._house.signer.verify(grant, name_of_grant(vod), now_s):
            raise Problem("forbidden", "The signed address has ended or is for something else.")
        return vod, address

    async def _answer(self, request: Request, vod: str, address: str) -> ASGIApp:
        simple: dict[str, Callable[[Request, Shown], Awaitable[ASGIApp]]] = {
            "master.m3u8": self._master,
            "video.mp4": self._mp4,
            "chapters.vtt": self._chapters_vtt,
            "chapters.json": self._chapters_json,
            "storyboard.vtt": partial(self._made, kind="storyboard", name="storyboard.vtt"),
            "poster.jpg": partial(self._made, kind="poster", name="poster.jpg"),
            "small.jpg": partial(self._made, kind="poster", name="small.jpg"),
            "thumbnail.jpg": self._thumbnail,
        }
        shown = await self._shelf.open(vod)
        if (answer := simple.get(address)) is not None:
            return await answer(request, shown)
        if (chunk := _CHUNK.fullmatch(address)) is not None:
            return self._chunk(request, shown, chunk[1], int(chunk[2]))
        if (silent := _SILENCE.fullmatch(address)) is not None:
            return self._silence(shown, silent[1], *map(int, silent.groups()[1:]))
        if address.startswith("captions/"):
            text, kind = await self._captions.answer(shown, address.removeprefix("captions/"))
            return self._text(shown, text, kind)
        if (playlist := _PLAYLIST.fullmatch(address)) is not None:
            return self._playlist(request, shown, playlist[1])
        if _SHEET.fullmatch(address):
            return await self._made(request, shown, kind="storyboard", name=address)
        raise Problem("media-unknown", "There is nothing of this name.")

    async def _master(self, request: Request, shown: Shown) -> Response:
        start, end = _stretch(request)
        query = ""
        subtitles: list[Subtitle] = []
        if (start, end) == (0, None):
            subtitles = await self._captions.subtitles(shown)
        else:
            query = f"from={start // 1_000}" + ("" if end is None else f"&to={end // 1_000}")
        text = master(shown.replay, query=query, subtitles=subtitles)
        return self._text(shown, text, PLAYLIST_TYPE)

    def _playlist(self, request: Request, shown: Shown, rendition: str) -> Response:
        start, end = _stretch(request)
        slots = shown.replay.slots_between(start, shown.replay.duration_us if end is None else end)
        if rendition not in shown.replay.lines:
            raise Problem("media-unknown", "There is no such rendition.")
        if not slots:
            raise Problem("value-refused", "Nothing was recorded in this stretch.")
        return self._text(
            shown, media(shown.replay, rendition, slots, from_us=start), PLAYLIST_TYPE
        )

    def _silence(
        self, shown: Shown, rendition: str, number: int, time: int, frames: int
    ) -> Response:
        """What the playlist of sound has where there is none."""
        init = _captured(shown, rendition, number).chunk.init
        try:
            data = silence(init, time, frames)
        except ValueError as error:
            raise Problem("media-unknown", "There is no such silence.") from error
        headers = {"Cache-Control": self._lifetime(shown, 86_400)}
        return Response(data, headers=headers, media_type="audio/mp4")

    def _chunk(self, request: Request, shown: Shown, rendition: str, number: int) -> ASGIApp:
        chunk = _captured(shown, rendition, number)
        name = chunk_name(rendition, number)

        def read(start: int, length: int) -> Iterator[bytes]:
            for at in range(start, start + length, PIECE):
                yield shown.media.read(name, at, min(PIECE, start + length - at))

        return Ranged(
            request,
            chunk.size,
            _telling(read),
            etag=f"{shown.vod.id}-{rendition}-{number}-{chunk.size}",
            content_type=VIDEO_TYPE if chunk.chunk.width else "audio/mp4",
            cache_control=self._lifetime(shown, 86_400),
        )

    async def _mp4(self, request: Request, shown: Shown) -> ASGIApp:
        """The job's file where it is there and the whole is wanted, else the virtual one."""
        stretch = _stretch(request)
        name = _file_name(shown.vod.title or shown.vod.id)
        download = f"{name}.mp4" if request.query_params.get("download") else None
        if stretch == (0, None):
            made = await self._output(shown, "mp4", "video.mp4")
            if made is not None:
                return Ranged(
                    request,
                    (await asyncio.to_thread(made.stat)).st_size,
                    _telling(partial(_in_file, made)),
                    etag=made.parent.name,
                    content_type=VIDEO_TYPE,
                    cache_control=self._lifetime(shown, 60),
                    file_name=download,
                )
        else:
            self._house.intake.throttle(request)  # each stretch is made anew
        marks = [
            ChapterMark(one.at_ms * 1_000, one.title)
            for one in await self._catalog.chapters.of(shown.vod.id)
        ]
        try:
            file = await self._shelf.file(shown, stretch, marks)
        except NothingToStitch as error:
            raise Problem("value-refused", str(error)) from error
        except MalformedMedia as error:
            raise Problem("vod-damaged", "Its media cannot be understood.") from error
        return Ranged(
            request,
            file.size,
            _telling(file.read),
            etag=file.etag,
            content_type=VIDEO_TYPE,
            cache_control=self._lifetime(shown, 60),
            file_name=download,
        )

    async def _chapters_vtt(self, request: Request, shown: Shown) -> Response:
        found = await self._catalog.chapters.of(shown.vod.id)
        text = chapter_formats.vtt(found, shown.replay.duration_us // 1_000)
        return self._text(shown, text, VTT_TYPE)

    async def _chapters_json(self, request: Request, shown: Shown) -> Response:
        found = await self._catalog.chapters.of(shown.vod.id)
        return self._text(shown, chapter_formats.encode(found).decode(), "application/json")

    async def _made(self, request: Request, shown: Shown, *, kind: Kind, name: str) -> Response:
        path = await self._output(shown, kind, name)
        if path is None:
            raise Problem("media-unknown", "It is not made yet.")
        kind_of = VTT_TYPE if name.endswith(".vtt") else "image/jpeg"
        headers = {"Cache-Control": self._lifetime(shown, 3_600)}
        return FileResponse(path, media_type=kind_of, headers=headers)

    async def _thumbnail(self, request: Request, shown: Shown) -> Response:
        """`?t=` in milliseconds: the picture of that second."""
        text = request.query_params.get("t", "0")
        if not (text.isascii() and text.isdecimal() and len(text) <= 10):
            raise Problem("value-refused", "t must be milliseconds of the recording.")
        if int(text) * 1_000 >= shown.replay.duration_us:
            raise Problem("value-refused", "t lies behind the end.")
        self._house.intake.throttle(request)
        path = await self._thumbnails.at(
            shown.vod.id, place_ms(int(text), shown.replay.duration_us // 1_000)
        )
        headers = {"Cache-Control": self._lifetime(shown, 86_400)}
        return FileResponse(path, media_type="image/jpeg", headers=headers)

    def _text(self, shown: Shown, text: str, content_type: str) -> Response:
        headers = {"Content-Type": content_type, "Cache-Control": self._lifetime(shown, 5)}
        return Response(text.encode(), headers=headers)

    def _lifetime(self, shown: Shown, seconds: int) -> str:
        """Edges keep what is for everybody; what is signed is for one browser."""
        public = access_of(self._house, shown.vod) == "public"
        return f"{'public' if public else 'private'}, max-age={seconds}"

    async def _output(self, shown: Shown, kind: Kind, name: str) -> Path | None:
        """A file of the newest output of a kind; of posters, of the one that was chosen."""
        outputs = await self._catalog.outputs.of(shown.vod.id, kind)
        if kind == "poster":
            outputs = [one for one in outputs if one.key == shown.vod.poster]
        elif kind == "mp4":
            # A recording that went on is longer than the file that was made of it before.
            outputs = [one for one in outputs if _is_as_long(one, shown)]
        for key in [one.key for one in outputs]:
            path = self._shelf.folder / shown.vod.id / DERIVED / key / name
            if await asyncio.to_thread(path.is_file):
                return path
        return None


def _captured(shown: Shown, rendition: str, number: int) -> ChunkFile:
    """Raises Problem `media-unknown`."""
    captured = shown.recording.renditions.get(rendition)
    chunk = None if captured is None else captured.chunks.get(number)
    if chunk is None:
        raise Problem("media-unknown", "There is no such chunk.")
    return chunk


def _is_as_long(output: Output, shown: Shown) -> bool:
    length_ms = output.facts.get("duration_ms")
    return length_ms == shown.replay.duration_us // 1_000


def routes(folder: VodFolder) -> list[Route]:
    """Everything below `/vod/{vod}/`; the page `/vod/{vod}` itself stands before it."""
    return [
        resource("/vod/{path:path}", GET=folder.serve, HEAD=folder.serve, OPTIONS=_options),
    ]


async def _options(request: Request) -> Response:
    headers = {
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "Range, If-None-Match",
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers=headers)


def _stretch(request: Request) -> Stretch:
    """`?from=&to=` in milliseconds. Raises Problem `value-refused`."""
    found: dict[str, int] = {}
    for name in ("from", "to"):
        text = request.query_params.get(name)
        if text is None:
            continue
        if not (text.isascii() and text.isdecimal() and len(text) <= 10):
            raise Problem("value-refused", f"{name} must be milliseconds of the recording.")
        found[name] = int(text) * 1_000
    start, end = found.get("from", 0), found.get("to")
    if end is not None and end <= start:
        raise Problem("value-refused", "to must be later than from.")
    return start, end


@contextmanager
def _told() -> Iterator[None]:
    """What does not answer, or is not there, as a Problem."""
    try:
        yield
    except (DatabaseDown, QueueDown) as error:
        raise Problem("catalog-down", "It is not open now.", retry_after_s=2) from error
    except StoreDown as error:
        raise Problem("late", "The store does not answer.", retry_after_s=5) from error
    except (MediaMissing, FileNotFoundError) as error:
        raise Problem("media-unknown", "A piece of the recording is missing.") from error


def _telling(read: Read) -> Read:
    """The same for what is read only when it is sent."""

    def told(start: int, length: int) -> Iterator[bytes]:
        with _told():
            yield from read(start, length)

    return told


def _in_file(path: Path, start: int, length: int) -> Iterator[bytes]:
    """It stays open: a newer file may take its place meanwhile."""
    with path.open("rb") as file:
        file.seek(start)
        while length and (data := file.read(min(PIECE, length))):
            length -= len(data)
            yield data


def _file_name(title: str) -> str:
    return _UNSAFE.sub("-", title).strip("-.")[:80] or "recording"
