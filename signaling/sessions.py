"""The WHIP and WHEP sessions: what a session URL stands for."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sfu.engine import CloseReason, IceCredentials
from sfu.rooms import Role
from sluice.auth import Grant
from sluice.ids import ChannelId, PeerId, SessionId, new_session_id
from sluice.metrics import Metrics


@dataclass(slots=True)
class Session:
    """One peer as HTTP sees it."""

    id: SessionId
    role: Role
    channel: ChannelId
    peer: PeerId
    grant: Grant
    etag: str
    """Names the ICE session; changes with each restart."""
    remote: IceCredentials
    mids: tuple[str, ...]
    kind: str
    trickled: int = 0
    """Candidates taken so far."""
    subscriptions: OrderedDict[str, frozenset[str]] = field(default_factory=OrderedDict)
    """Event names by subscription id (WHEP server-sent events)."""
    patching: asyncio.Lock = field(default_factory=asyncio.Lock)
    """PATCHes of one session run one after the other, or a restart could be overtaken."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)


def etag_of(ice: IceCredentials) -> str:
    """A strong entity tag (RFC 9110 section 8.8.3) that differs for each ICE session."""
    digest = hashlib.sha256(f"{ice.ufrag} {ice.pwd}".encode()).hexdigest()
    return f'"{digest[:32]}"'


def etag_matches(header: str, etag: str) -> bool:
    """Strong comparison of an If-Match list; weak tags match nothing."""
    return etag in (part.strip() for part in header.split(","))


def is_wildcard(header: str) -> bool:
    """RFC 9725 writes `"*"` where RFC 9110 has a bare *; both are taken."""
    return header.strip() in ("*", '"*"')


_LEFT_KEPT = 1024


class Sessions:
    """All open sessions, found by id or by peer."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._by_id: dict[SessionId, Session] = {}
        self._by_peer: dict[PeerId, Session] = {}
        self._left: OrderedDict[SessionId, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_id.values()))

    def open(
        self,
        role: Role,
        channel: ChannelId,
        peer: PeerId,
        grant: Grant,
        server: IceCredentials,
        remote: IceCredentials,
        mids: tuple[str, ...],
        kind: str,
    ) -> Session:
        session = Session(
            id=new_session_id(),
            role=role,
            channel=channel,
            peer=peer,
            grant=grant,
            etag=etag_of(server),
            remote=remote,
            mids=mids,
            kind=kind,
        )
        self._by_id[session.id] = session
        self._by_peer[peer] = session
        self._metrics.sessions_opened.labels(role).inc()
        self._metrics.sessions.labels(role).inc()
        return session

    def find(self, session: str, role: Role, channel: ChannelId) -> Session | None:
        """The session, if it is of this role and channel: a URL must be right in all its parts."""
        found = self._by_id.get(SessionId(session))
        if found is None or found.role != role or found.channel != channel:
            return None
        return found

    def take_left(self, session: str, role: Role, channel: ChannelId) -> Session | None:
        """A session whose peer said goodbye on its connection, once.

        A client that closes its connection and then sends DELETE is faster on the first way:
        its DELETE must still be understood.
        """
        found = self._left.get(SessionId(session))
        if found is None or found.role != role or found.channel != channel:
            return None
        return self._left.pop(found.id)

    def of_peer(self, peer: PeerId) -> Session | None:
        return self._by_peer.get(peer)

    def peer_gone(self, peer: PeerId, role: Role, reason: CloseReason) -> None:
        """Forget the session of a peer that is closed."""
        session = self._by_peer.pop(peer, None)
        if session is None:
            return
        del self._by_id[session.id]
        session.closed.set()
        if reason == "left":
            self._left[session.id] = session
            while len(self._left) > _LEFT_KEPT:
                self._left.popitem(last=False)
        self._metrics.sessions.labels(role).dec()
        self._metrics.sessions_closed.labels(role, reason).inc()
