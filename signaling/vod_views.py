"""The JSON bodies of the recordings' HTTP routes as types. Moments are VOD time in ms."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

Title = Annotated[str, Meta(min_length=1, max_length=140)]
Moment = Annotated[int, Meta(ge=0, le=10**10)]


class ChapterView(Struct):
    """A chapter lasts until the next one begins."""

    at_ms: int
    title: str
    source: Literal["start", "marker", "title", "scene", "chat", "edited"]


class CaptionsView(Struct):
    """Captions in one language. `live`: written while it was live; `final`: once more afterwards;
    `upload`: by the streamer."""

    language: str
    label: str
    kind: Literal["live", "final", "upload"]
    vtt: str
    """Its address, as WebVTT."""
    srt: str


class JobView(Struct):
    """Something that is being made of a recording."""

    kind: str
    state: Literal["waiting", "running", "done", "failed"]
    progress: float
    """0 to 1."""
    error: str | None


class VodView(Struct):
    """A broadcast that was recorded, in a list. `state`: `recording` while it is live, `ready` to
    be played, `trouble` where something is missing (`trouble` says what)."""

    id: str
    channel: str
    title: str
    state: Literal["recording", "ready", "trouble"]
    trouble: str | None
    began_ms: int
    """Server time (Unix ms)."""
    duration_ms: int
    width: int
    height: int
    poster: str | None
    """Address of a picture, 480 pixels wide; null until it is made."""


class PeriodView(Struct):
    """`at_ms` of the VOD was `stream_ms` (Unix ms) while it was live; so for `duration_ms`."""

    at_ms: int
    stream_ms: int
    duration_ms: int


class VodDetails(Struct):
    """All that a page needs of one recording. Addresses are below `folder`, which is signed and
    ends at `expires_ms` where the channel is for token bearers."""

    vod: VodView
    size_bytes: int
    keep_until_ms: int | None
    folder: str
    expires_ms: int | None
    playlist: str
    mp4: str
    """The whole as one file, with ranges. `?from=&to=` for a stretch; so with `playlist`."""
    large_poster: str | None
    storyboard: str | None
    """WebVTT of pictures, one each some seconds; null until it is made."""
    chapters_vtt: str
    chapters: list[ChapterView]
    captions: list[CaptionsView]
    periods: list[PeriodView]
    jobs: list[JobView]


class VodList(Struct):
    """Newest first. `next` goes into `?before=`; null on the last page."""

    items: list[VodView]
    next: str | None


class VodEdit(Struct, forbid_unknown_fields=True):
    """What the owner changes. `keep`: never deleted by age."""

    title: Title | UnsetType = UNSET
    keep: bool | UnsetType = UNSET


class ChapterEdit(Struct, forbid_unknown_fields=True):
    """A chapter of an edited list."""

    at_ms: Moment
    title: Annotated[str, Meta(min_length=1, max_length=100)]


class ChapterListEdit(Struct, forbid_unknown_fields=True):
    """All chapters, in order. An empty list: those that were found by themselves again."""

    chapters: Annotated[list[ChapterEdit], Meta(max_length=200)]


class ChapterList(Struct):
    chapters: list[ChapterView]


class MarkerWish(Struct, forbid_unknown_fields=True):
    """The streamer marks this moment of the running broadcast: a chapter begins."""

    text: Annotated[str, Meta(min_length=1, max_length=100)]


class MarkerView(Struct):
    """`stream_ms`: the moment, on the server's clock."""

    stream_ms: int


class RecordingView(Struct):
    """How the recording of a running broadcast goes."""

    vod: str | None
    """Null: nothing is being recorded."""
    trouble: str | None
    """What stands in its way, for its owner."""
    lost_parts: int
    """That the disk could not take."""
    waiting_ms: int
    """Age of the oldest media that waits for the disk."""


class ClipWish(Struct, forbid_unknown_fields=True):
    """A stretch of a recording."""

    from_ms: Moment
    to_ms: Moment
    title: Annotated[str, Meta(max_length=140)] = ""


class LiveClipWish(Struct, forbid_unknown_fields=True):
    """The last seconds of what is live, up to `until_ms` (stream time, Unix ms; what the viewer
    sees) or up to now."""

    seconds: Annotated[int, Meta(ge=5, le=180)] | UnsetType = UNSET
    until_ms: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    title: Annotated[str, Meta(max_length=140)] = ""


class ClipView(Struct):
    """`state`: `making`, then `ready` or `failed`."""

    id: str
    vod: str
    channel: str
    title: str
    by: str
    from_ms: int
    to_ms: int
    created_ms: int
    state: Literal["making", "ready", "failed"]
    page: str
    """Where people watch it: the link to share."""
    mp4: str | None
    poster: str | None
    progress: float


class ClipList(Struct):
    items: list[ClipView]
    next: str | None


class FoundView(Struct):
    """A place where something was said. `text` is the cue, `begin` and `end` the find in it."""

    at_ms: int
    language: str
    text: str
    begin: int
    end: int


class FoundList(Struct):
    items: list[FoundView]


class ReplayedEntry(Struct):
    """An entry of the room, and when it belongs on the screen. `entry` is as in the room."""

    at_ms: int
    entry: Raw


class ReplayedChat(Struct):
    """Entries with from <= at_ms < to, in the room's order. `next` goes into `?after=`."""

    items: list[ReplayedEntry]
    next: int | None


class HeatView(Struct):
    """How much was going on: `values` from 0 to 1, each for `step_ms` of the VOD."""

    step_ms: float
    values: list[float]


class DeletionView(Struct):
    """What remains of something that was deleted."""

    what: Literal["vod", "clip"]
    id: str
    by: str
    reason: Literal["owner", "retention", "quota", "channel"]
    at_ms: int
    size_bytes: int
    chat: int | None
    """Entries of the room that went with it. Null: they are about to go, or went otherwise."""


class DeletionList(Struct):
    items: list[DeletionView]


Days = Annotated[int, Meta(ge=0, le=36_500)]
Gigabytes = Annotated[int, Meta(ge=0, le=1_000_000)]


class KeepingWish(Struct, forbid_unknown_fields=True):
    """How a channel's recordings are kept. What is null or left out is as the server's settings
    say. An owner may go as far as `most` of the answer says; the admin any far."""

    keep_days: Days | None = None
    """0: for ever."""
    quota_gb: Gigabytes | None = None
    """Of all recordings and clips; 0: as much as there is room."""
    keep_clips: bool | None = None
    """Clips stay when age or the quota deletes their recording."""


class KeepingMost(Struct):
    """How far an owner may go; 0: any far."""

    keep_days: int
    quota_gb: int


class KeepingView(Struct):
    """How a channel's recordings are kept: what holds, what was chosen of it (null: nothing, so
    the server's settings count), and how full it is. `level`: `near` from 9 tenths of the quota
    on; `over` where nothing is left that may be deleted."""

    keep_days: int
    quota_gb: int
    keep_clips: bool
    chosen: KeepingWish
    most: KeepingMost
    used_bytes: int
    level: Literal["fine", "near", "over"]
