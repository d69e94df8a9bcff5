"""The operations of recordings and clips, for the OpenAPI document."""

from __future__ import annotations

from typing import Final, Literal

from signaling import vod_views as views
from signaling.operation import Operation

_CHANNEL: Final = "/api/channels/{channel}"
_VOD: Final = "/api/vods/{vod}"
_WATCH: Final = (401, 403, 404, 429, 503)
_OWNER: Final = (400, 401, 403, 404, 413, 415, 422, 429, 503)
_PAGED: Final[dict[str, Literal["string", "integer"]]] = {"before": "string", "limit": "integer"}
VTT: Final = "text/vtt"

VOD_OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("get", _CHANNEL + "/vods", "A channel's recordings, newest first", "watch",
              {200: views.VodList}, None, (*_WATCH, 422), asks=_PAGED),
    Operation("post", _CHANNEL + "/markers", "Mark this moment: a chapter begins", "key",
              {201: views.MarkerView}, views.MarkerWish, (*_OWNER, 409)),
    Operation("get", _CHANNEL + "/recording", "How the recording of what is live goes", "key",
              {200: views.RecordingView}, None, _WATCH),
    Operation("get", _CHANNEL + "/deletions", "What was deleted, and why", "key",
              {200: views.DeletionList}, None, _WATCH),
    Operation("get", _CHANNEL + "/keeping", "How its recordings are kept", "key",
              {200: views.KeepingView}, None, _WATCH),
    Operation("put", _CHANNEL + "/keeping", "Choose how its recordings are kept", "key",
              {200: views.KeepingView}, views.KeepingWish, _OWNER),
    Operation("get", _CHANNEL + "/clips", "A channel's clips, newest first", "watch",
              {200: views.ClipList}, None, (*_WATCH, 422), asks=_PAGED),
    Operation("post", _CHANNEL + "/clips", "Clip the last seconds of what is live", "watch",
              {201: views.ClipView}, views.LiveClipWish, (*_OWNER, 409)),
    Operation("get", _VOD, "A recording, with addresses of all that belongs to it", "watch",
              {200: views.VodDetails}, None, _WATCH),
    Operation("patch", _VOD, "Change its title, or keep it for ever", "key",
              {200: views.VodDetails}, views.VodEdit, _OWNER),
    Operation("delete", _VOD, "Delete it, with all that was made of it", "key", {204: None}, None,
              (*_WATCH, 409), asks={"clips": "string"}),
    Operation("put", _VOD + "/chapters", "Set its chapters; an empty list: found ones again",
              "key", {200: views.ChapterList}, views.ChapterListEdit, _OWNER),
    Operation("put", _VOD + "/captions/{language}", "Upload captions (WebVTT or SubRip)", "key",
              {201: views.CaptionsView}, VTT, _OWNER, asks={"label": "string"}),
    Operation("delete", _VOD + "/captions/{language}", "Delete uploaded captions", "key",
              {204: None}, None, (*_WATCH, 422)),
    Operation("get", _VOD + "/search", "Where something was said", "watch",
              {200: views.FoundList}, None, _WATCH, asks={"q": "string"}),
    Operation("get", _VOD + "/chat", "The room's entries on its time", "watch",
              {200: views.ReplayedChat}, None, (*_WATCH, 409, 422),
              asks={"from": "integer", "to": "integer", "after": "integer", "limit": "integer"}),
    Operation("get", _VOD + "/heat", "How much was going on", "watch", {200: views.HeatView},
              None, (*_WATCH, 409)),
    Operation("post", _VOD + "/clips", "Clip a stretch of it", "watch", {201: views.ClipView},
              views.ClipWish, _OWNER),
    Operation("get", "/api/clips/{clip}", "A clip", "watch", {200: views.ClipView}, None, _WATCH),
    Operation("delete", "/api/clips/{clip}", "Delete a clip", "key", {204: None}, None, _WATCH),
)  # fmt: skip
