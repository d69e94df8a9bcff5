"""One live run of a channel, as a state machine without I/O.

It is fed with what happened and the time; it says what became of it as `News`, and it says when
it is over. Phases: waiting (a publisher was answered, no media yet), live, stalled (live, but no
packets flow), lost (stalled, and no publisher is there: the grace time runs).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sfu.engine import Layer
from sluice.ids import ChannelId, PeerId


@dataclass(frozen=True, slots=True)
class Active:
    """The channel went live."""

    since_ms: int
    """Wall time, Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class Inactive:
    """The broadcast is over."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """No packets flow; the publisher may come back."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Packets flow again."""


@dataclass(frozen=True, slots=True)
class ViewerCount:
    """Connected viewers; sent at most once a second."""

    viewers: int


@dataclass(frozen=True, slots=True)
class LayersNews:
    """What the publisher sends now."""

    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class ViewerLayer:
    """Told to one viewer alone: the layer that it is sent now."""

    rid: str | None
    """Empty for an encoding without a name; None when only sound is sent."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """One picture that HLS and DASH viewers can choose."""

    name: str
    shed: bool
    """The machine is too slow to make it now."""


@dataclass(frozen=True, slots=True)
class RenditionsNews:
    """What the bridge makes of the broadcast; the bridge says so."""

    renditions: tuple[Rendition, ...]


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The server stops: connect again a little later."""


@dataclass(frozen=True, slots=True)
class MediaRestarted:
    """All WebRTC sessions are over, and new ones can be had in a moment; the rest goes on."""

    peers: int
    """How many sessions: so many come back."""


News = (
    Active
    | Inactive
    | Stalled
    | Resumed
    | ViewerCount
    | LayersNews
    | ViewerLayer
    | RenditionsNews
    | Reconnect
    | MediaRestarted
)


@dataclass(slots=True)
class Broadcast:
    """The state of one run. `rooms` owns it."""

    channel: ChannelId
    publisher: PeerId | None
    since_ms: int | None = None
    """Wall time of the first packet; None until then."""
    stalled: bool = False
    lost_ms: int | None = None
    """Monotonic time since when there is no publisher."""
    layers: tuple[Layer, ...] = ()
    renditions: tuple[Rendition, ...] = ()
    viewers: set[PeerId] = field(default_factory=set)
    connected: set[PeerId] = field(default_factory=set)
    told_viewers: int = 0

    @property
    def live(self) -> bool:
        return self.since_ms is not None

    def replace_publisher(self, peer: PeerId) -> list[News]:
        """The owner published again; the picture stands still until its first packet."""
        self.publisher = peer
        self.lost_ms = None
        return self.stall()

    def start_media(self, wall_ms: int) -> list[News]:
        """The publisher's first packet."""
        if self.since_ms is None:
            self.since_ms = wall_ms
            return [Active(wall_ms)]
        return self.resume()

    def stall(self) -> list[News]:
        if not self.live or self.stalled:
            return []
        self.stalled = True
        return [Stalled()]

    def resume(self) -> list[News]:
        if not self.stalled or self.publisher is None:
            return []
        self.stalled = False
        return [Resumed()]

    def lose_publisher(self, now_ms: int) -> list[News]:
        """The publisher is gone without a goodbye; the grace time starts."""
        self.publisher = None
        self.lost_ms = now_ms
        return self.stall()

    def change_layers(self, layers: tuple[Layer, ...]) -> list[News]:
        if layers == self.layers:
            return []
        self.layers = layers
        return [LayersNews(layers)]

    def change_renditions(self, renditions: tuple[Rendition, ...]) -> list[News]:
        if renditions == self.renditions:
            return []
        self.renditions = renditions
        return [RenditionsNews(renditions)]

    def count_viewers(self) -> list[News]:
        """News only when the number changed since it was told last."""
        if len(self.connected) == self.told_viewers:
            return []
        self.told_viewers = len(self.connected)
        return [ViewerCount(self.told_viewers)]

    def over(self, now_ms: int, grace_ms: int) -> bool:
        """Whether nobody can bring it back: never live and abandoned, or lost for too long."""
        if self.publisher is not None:
            return False
        return not self.live or self.lost_ms is None or now_ms - self.lost_ms >= grace_ms

    def present(self) -> list[News]:
        """What somebody who just came must hear."""
        if self.since_ms is None:
            return [Inactive(), ViewerCount(0), LayersNews(())]
        news: list[News] = [Active(self.since_ms)]
        if self.stalled:
            news.append(Stalled())
        news += [ViewerCount(len(self.connected)), LayersNews(self.layers)]
        if self.renditions:
            news.append(RenditionsNews(self.renditions))
        return news
