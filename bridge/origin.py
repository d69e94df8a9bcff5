"""The origin of one presentation: what a request for an address is answered with.

It knows no HTTP machinery. `respond` answers at once or says what must be waited for; `answer`
waits. Waiters share futures, playlists are rendered and compressed once after each change, and
media goes out as it lies in memory: a viewer costs the write and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from bridge.address import Address, captions_folder, parse_address
from bridge.answer import (
    AUDIO_TYPE,
    CAPTIONS_TYPE,
    FOREVER,
    MANIFEST_TYPE,
    NEVER,
    PLAYLIST_TYPE,
    VIDEO_TYPE,
    Answer,
    Asked,
    Text,
    media_answer,
)
from bridge.dash import Manifest
from bridge.directives import NONE, WHOLE, Directives, awaited, read_directives
from bridge.multivariant import measured, multivariant_playlist
from bridge.playlist import MediaPlaylist
from bridge.presentation import Presentation
from bridge.reload import Holds, Key, Waiting
from bridge.rendition import Rendition, Segment
from bridge.subtitles import Subtitles
from sluice.clock import Clock
from sluice.errors import Problem

HOLD_TARGETS: Final = 3
"""Target durations after which a held request is given up."""
MOST_ANSWERS: Final = 256
"""Kept ready; a stranger's queries must not fill the memory."""
ALL: Final = ""
"""Stands for all renditions where the name of one is wanted."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The answer must wait until `key` of this rendition is complete, or something changes."""

    rendition: str
    key: Key


class Left(Exception):
    """The client went away while its request was held."""


class Origin:
    """Answers for one presentation, which calls it back after every change."""

    def __init__(
        self,
        presentation: Presentation,
        clock: Clock,
        holds: Holds,
        *,
        time_address: str = "/live/time",
        hold_s: float | None = None,
    ) -> None:
        self.presentation = presentation
        settings = presentation.settings
        self._target_s = settings.target_duration_s
        self._hold_s = hold_s or HOLD_TARGETS * self._target_s
        self._clock = clock
        self._holds = holds
        self._manifest = Manifest(presentation, time_address)
        self._playlists: dict[str, MediaPlaylist] = {}
        self._subtitles: dict[str, Subtitles] = {}
        self._texts: dict[tuple[str, str], Text] = {}
        """Rendered since the last change, by rendition and variant."""
        self._answers: dict[tuple[str, str, bool], Answer] = {}
        """Of playlists since the last change: those who were woken together ask alike."""
        self._shown: tuple[object, Text] | None = None
        """The manifest, and the state that it shows."""
        self._waiting: dict[str, Waiting] = {}
        self._open = False
        self._closed = False
        self.renderings = 0
        """Playlists and manifests rendered so far."""
        self._next_listener = presentation.changed
        presentation.changed = self._changed
        self._advance_subtitles()

    @property
    def ready(self) -> bool:
        """Whether players can begin. Once it is, it stays so."""
        self._open = self._open or measured(self.presentation)
        return self._open

    def close(self) -> None:
        """The broadcast is forgotten: who waits is told so."""
        self._closed = True
        self._answers.clear()
        for waiting in self._waiting.values():
            waiting.release(None)

    def respond(self, asked: Asked) -> Answer | Hold:
        """The answer, or what it must wait for. Raises Problem."""
        known = self._answers.get((asked.address, asked.query, asked.gzip))
        if known is not None:
            return known
        address = parse_address(asked.address)
        if address is None or self._closed:
            raise self._unknown("There is nothing of this name.")
        if address.kind == "master":
            return self._whole("master", asked.gzip)
        if address.kind == "manifest":
            return self._whole("manifest", asked.gzip)
        one = self._named(address.rendition)
        if one is None:
            raise self._unknown("There is no such rendition.", blocking="_HLS_msn=" in asked.query)
        if address.kind == "playlist":
            return self._playlist(one, asked)
        if address.epoch != self.presentation.epoch:
            raise self._unknown("It belongs to another broadcast.")
        if isinstance(one, Subtitles):
            return self._text(one, address, asked)
        if address.kind == "init":
            return self._init(one, address, asked)
        if address.kind == "part":
            return self._part(one, address, asked)
        return self._segment(one, address, asked)

    async def answer(self, asked: Asked, leaving: asyncio.Future[None] | None = None) -> Answer:
        """The answer, when it can be given.

        Raises Problem, `late` among them, and Left as soon as `leaving` is done.
        """
        answer = self.respond(asked)
        if isinstance(answer, Answer):
            return answer
        self._holds.check()
        give_up = asyncio.get_running_loop().time() + self._hold_s
        with self._holds:
            while isinstance(answer, Hold):
                await self._until(answer, give_up, leaving)
                answer = self.respond(asked)
        return answer

    async def _until(
        self, hold: Hold, give_up: float, leaving: asyncio.Future[None] | None
    ) -> None:
        """Wait for a release. Raises Problem `late`, or Left."""
        waiting = self._waiting.setdefault(hold.rendition, Waiting())
        released = await waiting.until(hold.key, give_up, leaving)
        if leaving is not None and leaving.done():
            raise Left
        if not released:
            # A lifetime makes it an answer; edges take a 5xx without one for a broken origin.
            headers = {"Cache-Control": "public, max-age=1"}
            raise Problem("late", "The stream stands still.", retry_after_s=1, headers=headers)

    def _changed(self, rendition: Rendition) -> None:
        self._next_listener(rendition)
        self._texts.clear()
        self._answers.clear()
        self._manifest.notice(rendition)
        self._release(rendition.name, None if rendition.ended else rendition.edge)
        self._release(ALL, None)
        self._advance_subtitles()

    def _release(self, name: str, edge: Key | None) -> None:
        waiting = self._waiting.get(name)
        if waiting is not None:
            waiting.release(edge)

    def _advance_subtitles(self) -> None:
        """List the captions that are known by now. That is looked at after every change of
        picture or sound, so several times a second."""
        for language in self.presentation.captions:
            name = captions_folder(language)
            if name not in self._subtitles:
                self._subtitles[name] = Subtitles(self.presentation, language)
        for name, subtitles in self._subtitles.items():
            if subtitles.advance():
                self._texts.clear()
                self._answers.clear()
                self._release(name, None if subtitles.ended else subtitles.edge)

    def _named(self, name: str) -> Rendition | Subtitles | None:
        rendition = self.presentation.renditions.get(name)
        if rendition is not None:
            return rendition
        if name not in self._subtitles and self.presentation.captions:
            self._advance_subtitles()  # they may be newer than the last change
        return self._subtitles.get(name)

    def _whole(self, kind: str, packed: bool) -> Answer | Hold:
        """The master playlist or the manifest; held until the rates are known."""
        if not self.ready:
            if self.presentation.ended:
                raise self._unknown("The broadcast ended before it began.")
            return Hold(ALL, (0, 0))
        if kind == "manifest":
            return self._manifest_text().answer(packed, self._short_s)
        text = self._texts.get((ALL, kind))
        if text is None:
            self.renderings += 1
            text = Text(multivariant_playlist(self.presentation), PLAYLIST_TYPE)
            self._texts[ALL, kind] = text
        return text.answer(packed, self._short_s)

    def _manifest_text(self) -> Text:
        """Rendered after those changes alone that it shows."""
        state = self._manifest.state()
        if self._shown is None or self._shown[0] != state:
            self.renderings += 1
            text = self._manifest.render(self._clock.wall_ms())
            self._shown = (state, Text(text, MANIFEST_TYPE))
        return self._shown[1]

    def _playlist(self, one: Rendition | Subtitles, asked: Asked) -> Answer | Hold:
        directives = NONE
        if not one.ended:
            directives = self._directives(asked.query)
            key = self._awaited(one, directives)
            if key is not None:
                return Hold(one.name, key)
        lifetime = 6 * self._target_s if directives.blocking else self._short_s
        answer = self._rendered(one, directives.skip).answer(asked.gzip, lifetime)
        if len(self._answers) < MOST_ANSWERS:
            self._answers[asked.address, asked.query, asked.gzip] = answer
        return answer

    def _directives(self, query: str) -> Directives:
        try:
            return read_directives(query)
        except Problem as problem:
            blocking = "_HLS_msn=" in query or "_HLS_part=" in query
            problem.headers["Cache-Control"] = self._error_lifetime(blocking)
            raise

    def _awaited(self, one: Rendition | Subtitles, directives: Directives) -> Key | None:
        """What a playlist must wait for: at the least, it must have a segment to list."""
        if isinstance(one, Subtitles):
            return one.awaited(directives)
        presentation = self.presentation
        first = presentation.first_msn
        key = awaited(directives, one, first, presentation.settings)
        if key is None and not any(segment.complete for segment in one.segments):
            return (one.segments[0].msn if one.segments else first, WHOLE)
        return key

    def _rendered(self, one: Rendition | Subtitles, skip: bool) -> Text:
        variant = "delta" if skip else "full"
        text = self._texts.get((one.name, variant))
        if text is None:
            self.renderings += 1
            told = self._renderer(one).render(skip)
            if not one.ended:  # every playlist reports all others (RFC 8216bis appendix B.1)
                others = self._subtitles.values()
                told += "".join([other.report for other in others if other is not one])
            text = Text(told, PLAYLIST_TYPE)
            self._texts[one.name, variant] = text
        return text

    def _renderer(self, one: Rendition | Subtitles) -> MediaPlaylist | Subtitles:
        if isinstance(one, Subtitles):
            return one
        playlist = self._playlists.get(one.name)
        if playlist is None:
            playlist = self._playlists[one.name] = MediaPlaylist(self.presentation, one)
        return playlist

    def _text(self, subtitles: Subtitles, address: Address, asked: Asked) -> Answer:
        data = subtitles.text(address.number)
        if data is None:
            ahead = address.number >= subtitles.edge[0]
            raise self._unknown("There are no captions of this time.", ahead=ahead)
        name = f"{address.epoch}-{address.number}.vtt"
        return media_answer(data, CAPTIONS_TYPE, name, asked)

    def _init(self, rendition: Rendition, address: Address, asked: Asked) -> Answer:
        data = rendition.inits.get(address.number)
        if data is None:
            raise self._unknown(
                "There is no such init segment.", ahead=address.number > rendition.map
            )
        name = f"{address.epoch}-{address.number}.init"
        return media_answer(data, _type(rendition), name, asked)

    def _part(self, rendition: Rendition, address: Address, asked: Asked) -> Answer | Hold:
        segment = rendition.segment(address.number)
        if segment is not None and address.part < len(segment.parts):
            part = segment.parts[address.part]
            if part.gap or not part.data:
                raise self._unknown("There is no media of this time.")
            name = f"{address.epoch}-{address.number}.{address.part}"
            return media_answer(part.data, _type(rendition), name, asked)
        key = (address.number, address.part)
        edge = rendition.edge or (self.presentation.first_msn, 0)
        if key == edge and not rendition.ended:
            return Hold(rendition.name, key)
        raise self._unknown("There is no such part.", ahead=key > edge)

    def _segment(self, rendition: Rendition, address: Address, asked: Asked) -> Answer | Hold:
        segment = rendition.segment(address.number)
        if segment is not None and segment.complete:
            data = segment.data or b"".join([part.data for part in segment.parts])
            if segment.gap or not data:
                raise self._unknown("There is no media of this time.")
            name = f"{address.epoch}-{address.number}"
            return media_answer(data, _type(rendition), name, asked)
        if segment is not None and segment.parts and not rendition.ended:
            self._holds.check()
            headers = [(b"content-type", _type(rendition)), (b"cache-control", FOREVER)]
            return Answer(200, headers, self._pieces(rendition, segment))
        edge = rendition.edge or (self.presentation.first_msn, 0)
        if edge[0] <= address.number <= edge[0] + 1 and not rendition.ended:
            return Hold(rendition.name, (address.number, 0))
        raise self._unknown("There is no such segment.", ahead=address.number > edge[0])

    async def _pieces(self, rendition: Rendition, segment: Segment) -> AsyncGenerator[bytes, None]:
        """The parts of an open segment as they are completed (LL-DASH). Raises TimeoutError."""
        sent = 0
        with self._holds:
            while True:
                while sent < len(segment.parts):
                    if data := segment.parts[sent].data:
                        yield data
                    sent += 1
                if segment.complete or self._closed:
                    return
                give_up = asyncio.get_running_loop().time() + self._hold_s
                try:
                    hold = Hold(rendition.name, (segment.msn, sent))
                    await self._until(hold, give_up, None)
                except Problem as late:
                    raise TimeoutError("the rest of the segment did not come") from late

    @property
    def _short_s(self) -> int:
        """How long a cache may keep what is not blocking: half a target duration."""
        return max(1, self._target_s // 2)

    def _error_lifetime(self, blocking: bool) -> str:
        return f"public, max-age={(4 if blocking else 1) * self._target_s}"

    def _unknown(self, detail: str, *, blocking: bool = False, ahead: bool = False) -> Problem:
        lifetime = NEVER if ahead else self._error_lifetime(blocking)
        return Problem("media-unknown", detail, headers={"Cache-Control": lifetime})


def _type(rendition: Rendition) -> bytes:
    return VIDEO_TYPE if rendition.is_video else AUDIO_TYPE
