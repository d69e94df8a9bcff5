"""How each user stands in a room: the room's own roles, subscriptions, and punishments."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Literal

from chat.people import RANK, Person, Role, UserId, is_staff, rank

_TRUSTED: Set[Role] = frozenset({"owner", "moderator", "bot"})


@dataclass(slots=True)
class Standing:
    """The room has the last word: who was appointed here, or no longer is, is what it says."""

    moderators: dict[UserId, bool] = field(default_factory=dict)
    subscribed: dict[UserId, int] = field(default_factory=dict)
    """Until when."""
    timeouts: dict[UserId, Sentence] = field(default_factory=dict)
    bans: dict[UserId, Sentence] = field(default_factory=dict)
    shadows: dict[UserId, Sentence] = field(default_factory=dict)
    cleared: dict[UserId, int] = field(default_factory=dict)
    """Messages before this number are hidden."""
    told: dict[UserId, frozenset[Role]] = field(default_factory=dict)
    """Roles by token of those above subscribers: what is known of who is not here now."""

    def rights(self, who: Person, now_ms: int) -> frozenset[Role]:
        return self._rights(who.id, who.roles, now_ms)

    def rank_of(self, user: UserId, now_ms: int) -> int:
        """As far as is known: the tokens of those who were never here are not."""
        return rank(self._rights(user, self.told.get(user, frozenset()), now_ms))

    def learn(self, user: UserId, roles: Iterable[str]) -> None:
        """What a token says of its user now."""
        trusted = frozenset(role for role in _TRUSTED if role in roles)
        if trusted:
            self.told[user] = trusted
        else:
            self.told.pop(user, None)

    def punished(
        self, user: UserId, rights: Set[Role], now_ms: int
    ) -> Literal["banned", "muted", "shadowed"] | None:
        """The hardest punishment that holds. One by an equal does not, nor a shadow on staff."""
        own = rank(rights)
        if _holds(self.bans.get(user), own, now_ms):
            return "banned"
        if _holds(self.timeouts.get(user), own, now_ms):
            return "muted"
        if not is_staff(rights) and _holds(self.shadows.get(user), own, now_ms):
            return "shadowed"
        return None

    def punish(
        self, kind: Literal["ban", "timeout", "shadow"], user: UserId, sentence: Sentence
    ) -> None:
        {"ban": self.bans, "timeout": self.timeouts, "shadow": self.shadows}[kind][user] = sentence

    def pardon(self, user: UserId) -> None:
        for sentences in (self.bans, self.timeouts, self.shadows):
            sentences.pop(user, None)

    def hide(self, user: UserId, seq: int) -> None:
        self.cleared[user] = max(seq, self.cleared.get(user, 0))

    def _rights(self, user: UserId, token: Set[Role], now_ms: int) -> frozenset[Role]:
        roles = set(token) - {"viewer"}
        appointed = self.moderators.get(user)
        if appointed is not None:
            (roles.add if appointed else roles.discard)("moderator")
        if self.subscribed.get(user, 0) > now_ms:
            roles.add("subscriber")
        return frozenset(roles) or frozenset({"viewer"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """A punishment."""

    rank: int
    """Of whoever spoke it."""
    until_ms: int | None = None
    """None: until it is taken back."""


def in_order(rights: Iterable[Role]) -> list[Role]:
    """The highest first."""
    return sorted(rights, key=lambda role: -RANK[role])


def _holds(sentence: Sentence | None, own: int, now_ms: int) -> bool:
    if sentence is None or sentence.rank <= own:
        return False
    return sentence.until_ms is None or sentence.until_ms > now_ms
