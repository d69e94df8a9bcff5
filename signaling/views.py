"""The JSON bodies of the API as types. The schemas in the OpenAPI document come from these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from sfu.broadcast import Broadcast, Rendition
from sfu.engine import Layer, PeerStats
from sluice.ids import CHANNEL_PATTERN
from sluice.storage import Access, Channel

ChannelName = Annotated[str, Meta(pattern=f"^{CHANNEL_PATTERN.pattern}$", max_length=64)]
Title = Annotated[str, Meta(min_length=1, max_length=200)]


class LayerView(Struct):
    """One encoding that the publisher sends."""

    rid: str
    codec: str
    bitrate: int
    width: int
    height: int
    active: bool


class RenditionView(Struct):
    """One picture of HLS and DASH; `shed`: the machine is too slow to make it now."""

    name: str
    shed: bool


class ChannelState(Struct):
    """What everybody may know of a channel. Times are Unix milliseconds."""

    channel: str
    title: str
    live: bool
    stalled: bool
    viewers: int
    since_ms: int | None
    layers: list[LayerView]
    renditions: list[RenditionView]
    captions: list[str]
    """Languages (BCP 47) of the captions that HLS has."""
    records: bool
    """It is being recorded, so that clips can be made of it."""


class LiveChannel(Struct):
    """A public channel that is live."""

    channel: str
    title: str
    viewers: int
    since_ms: int


class LiveList(Struct):
    """Public channels that are live, at most 200."""

    channels: list[LiveChannel]


class TimeView(Struct):
    """The server's clock: Unix milliseconds."""

    now_ms: int


class ChannelView(Struct):
    """A channel as its admin sees it."""

    channel: str
    title: str
    access: Access
    has_key: bool
    live: bool
    created_ms: int


class ChannelList(Struct):
    """A page of channels; `next` goes into `?after=`, null on the last page."""

    channels: list[ChannelView]
    next: str | None


class NewChannel(Struct, forbid_unknown_fields=True):
    """A channel to be made."""

    channel: ChannelName
    title: Title | UnsetType = UNSET
    access: Access = "public"


class ChannelChange(Struct, forbid_unknown_fields=True):
    """What to change of a channel; what is left out stays."""

    title: Title | UnsetType = UNSET
    access: Access | UnsetType = UNSET


class KeyView(Struct):
    """A stream key. It is shown this once and kept hashed."""

    channel: str
    key: str


class ViewerTokenWish(Struct, forbid_unknown_fields=True):
    """How long the token shall live, in seconds."""

    ttl_s: Annotated[int, Meta(ge=1)] = 3600


class ViewerTokenView(Struct):
    """A token that opens one channel to a viewer until it expires or is revoked."""

    channel: str
    token: str
    jti: str
    expires_ms: int


class TokenRevocation(Struct, forbid_unknown_fields=True):
    """The token itself or its `jti`; exactly one of them."""

    token: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    jti: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET


class BroadcastView(Struct):
    """One live run of a channel."""

    channel: str
    publisher: int | None
    live: bool
    stalled: bool
    viewers: int
    since_ms: int | None
    layers: list[LayerView]
    renditions: list[RenditionView]


class BroadcastList(Struct):
    """All broadcasts, those waiting for their first packet too."""

    broadcasts: list[BroadcastView]


class PeerView(Struct):
    """One WebRTC peer. Counters run since it joined; bytes are RTP payload bytes.

    For viewers: `layer` is the rid that is sent now, `estimate_bps` what the link carries,
    `switches` counts changes of the layer, `drops` packets that its full queue did not take.
    """

    id: int
    channel: str
    role: Literal["publisher", "viewer"]
    state: Literal["new", "connected", "closed"]
    address: str
    packets: int
    bytes: int
    packets_lost: int
    packets_resent: int
    nacks: int
    plis: int
    rtt_ms: float | None
    join_ms: float | None
    layers: list[LayerView]
    layer: str
    audio_only: bool
    estimate_bps: int | None
    switches: int
    drops: int


class PeerList(Struct):
    """A page of a broadcast's peers; `next` goes into `?after=`, null on the last page."""

    peers: list[PeerView]
    next: int | None


class LayerChoice(Struct, forbid_unknown_fields=True, rename="camel"):
    """WHEP layer selection. Without any wish the server chooses by bandwidth."""

    media_id: Annotated[str, Meta(max_length=64)] | None = None
    rid: Annotated[str, Meta(max_length=64)] | None = None
    spatial_layer_id: Annotated[int, Meta(ge=0, le=7)] | None = None
    temporal_layer_id: Annotated[int, Meta(ge=0, le=7)] | None = None
    max_spatial_layer_id: Annotated[int, Meta(ge=0, le=7)] | None = None
    max_temporal_layer_id: Annotated[int, Meta(ge=0, le=7)] | None = None


class PlaybackView(Struct):
    """Where a player begins: HLS and DASH. `expires_ms`: Unix time at which signed addresses end;
    null for those that do not."""

    master: str
    manifest: str
    expires_ms: int | None


class HealthView(Struct, omit_defaults=True):
    """`ok`, or what is wrong: `problems` names the parts that do not work, `warnings` those that
    soon may not."""

    status: Literal["ok", "starting", "stopping", "busy", "broken"]
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class ProblemView(Struct):
    """An error (RFC 9457). `code` is stable; `line` is the offending line of an SDP body."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    line: int | UnsetType = UNSET


def layer_views(layers: Iterable[Layer]) -> list[LayerView]:
    return [
        LayerView(one.rid, one.codec.value, one.bitrate, one.width, one.height, one.active)
        for one in layers
    ]


def rendition_views(renditions: Iterable[Rendition]) -> list[RenditionView]:
    return [RenditionView(one.name, one.shed) for one in renditions]


def channel_state(
    channel: Channel, broadcast: Broadcast | None, captions: list[str], *, records: bool
) -> ChannelState:
    if broadcast is None or not broadcast.live:
        return ChannelState(channel.id, channel.title, False, False, 0, None, [], [], [], False)
    return ChannelState(
        channel=channel.id,
        title=channel.title,
        live=True,
        stalled=broadcast.stalled,
        viewers=len(broadcast.connected),
        since_ms=broadcast.since_ms,
        layers=layer_views(broadcast.layers),
        renditions=rendition_views(broadcast.renditions),
        captions=captions,
        records=records,
    )


def channel_view(channel: Channel, broadcast: Broadcast | None) -> ChannelView:
    return ChannelView(
        channel=channel.id,
        title=channel.title,
        access=channel.access,
        has_key=channel.key_hash is not None,
        live=broadcast is not None and broadcast.live,
        created_ms=channel.created_ms,
    )


def broadcast_view(broadcast: Broadcast) -> BroadcastView:
    return BroadcastView(
        channel=broadcast.channel,
        publisher=broadcast.publisher,
        live=broadcast.live,
        stalled=broadcast.stalled,
        viewers=len(broadcast.connected),
        since_ms=broadcast.since_ms,
        layers=layer_views(broadcast.layers),
        renditions=rendition_views(broadcast.renditions),
    )


def peer_view(stats: PeerStats) -> PeerView:
    return PeerView(
        id=stats.peer,
        channel=stats.channel,
        role=stats.role,
        state=stats.state,
        address=stats.address,
        packets=stats.packets,
        bytes=stats.bytes,
        packets_lost=stats.packets_lost,
        packets_resent=stats.packets_resent,
        nacks=stats.nacks,
        plis=stats.plis,
        rtt_ms=stats.rtt_ms,
        join_ms=stats.join_ms,
        layers=layer_views(stats.layers),
        layer=stats.layer,
        audio_only=stats.audio_only,
        estimate_bps=stats.estimate_bps,
        switches=stats.switches,
        drops=stats.drops,
    )
