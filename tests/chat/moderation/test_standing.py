"""How each user stands in a room."""

from __future__ import annotations

import pytest

from chat.moderation.standing import Sentence, Standing, in_order
from chat.people import RANK, Person, Role, UserId, rank
from tests.chat.room_world import ANA, MODERATOR, OWNER, person

BY_MODERATOR, BY_OWNER = Sentence(RANK["moderator"]), Sentence(RANK["owner"])


def punished(standing: Standing, who: Person, now_ms: int = 0) -> str | None:
    return standing.punished(who.id, standing.rights(who, now_ms), now_ms)


def test_who_has_no_role_is_a_viewer() -> None:
    assert Standing().rights(ANA, 0) == {"viewer"}
    assert Standing().rights(person("z", "viewer", "bot"), 0) == {"bot"}


def test_the_room_adds_its_own_moderators_and_dismisses_those_of_tokens() -> None:
    standing = Standing()
    standing.moderators = {ANA.id: True, MODERATOR.id: False}
    assert standing.rights(ANA, 0) == {"moderator"}
    assert standing.rights(MODERATOR, 0) == {"viewer"}


def test_a_subscription_lapses_by_time() -> None:
    standing = Standing()
    standing.subscribed[ANA.id] = 1_000
    assert standing.rights(ANA, 999) == {"subscriber"}
    assert standing.rights(ANA, 1_000) == {"viewer"}


def test_the_hardest_punishment_is_the_one_that_is_told() -> None:
    standing = Standing()
    standing.punish("shadow", ANA.id, BY_MODERATOR)
    assert punished(standing, ANA) == "shadowed"
    standing.punish("timeout", ANA.id, Sentence(RANK["moderator"], 1_000))
    assert punished(standing, ANA, 999) == "muted"
    assert punished(standing, ANA, 1_000) == "shadowed"
    standing.punish("ban", ANA.id, BY_MODERATOR)
    assert punished(standing, ANA) == "banned"
    standing.pardon(ANA.id)
    assert punished(standing, ANA) is None


def test_a_punishment_by_an_equal_does_not_hold() -> None:
    """Two nodes may not know each other's people when a moderator acts."""
    standing = Standing()
    standing.punish("ban", MODERATOR.id, BY_MODERATOR)
    assert punished(standing, MODERATOR) is None
    standing.punish("ban", MODERATOR.id, BY_OWNER)
    assert punished(standing, MODERATOR) == "banned"
    standing.punish("ban", OWNER.id, BY_OWNER)
    assert punished(standing, OWNER) is None


def test_a_shadow_does_not_fall_on_staff() -> None:
    standing = Standing()
    standing.punish("shadow", MODERATOR.id, BY_OWNER)
    assert punished(standing, MODERATOR) is None


def test_the_rank_of_who_is_away_is_that_of_the_last_token() -> None:
    standing = Standing()
    assert standing.rank_of(UserId("mia"), 0) == 0
    standing.learn(UserId("mia"), ["moderator", "subscriber"])
    assert standing.rank_of(UserId("mia"), 0) == RANK["moderator"]
    standing.learn(UserId("mia"), ["viewer"])
    assert standing.rank_of(UserId("mia"), 0) == 0


def test_what_is_hidden_never_comes_back() -> None:
    standing = Standing()
    standing.hide(ANA.id, 9)
    standing.hide(ANA.id, 5)
    assert standing.cleared == {ANA.id: 9}


@pytest.mark.parametrize("roles", [("viewer", "owner"), ("bot", "moderator", "subscriber")])
def test_roles_are_told_with_the_highest_first(roles: tuple[Role, ...]) -> None:
    ordered = in_order(roles)
    assert rank({ordered[0]}) == rank(set(roles))
    assert [RANK[role] for role in ordered] == sorted((RANK[r] for r in roles), reverse=True)
