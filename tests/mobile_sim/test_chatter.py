"""A simulated person holds the server to its word."""

from __future__ import annotations

import json
import random
from typing import Any

from mobile_sim.chatter import Chatter, Tally


def a_chatter() -> tuple[Chatter, Tally]:
    tally = Tally()
    return Chatter("g1", tally, random.Random(1)), tally


def take(chatter: Chatter, op: str, **members: Any) -> None:
    chatter.take(json.dumps({"op": op, **members}), 5_000)


def welcomed(recovered: bool = False) -> dict[str, Any]:
    return {"epoch": "e1", "seq": 0, "recovered": recovered}


def batch(first: int, last: int, *texts: str) -> dict[str, Any]:
    items = [{"seq": first, "t": 0, "kind": "message", "text": text} for text in texts]
    return {"epoch": "e1", "first": first, "last": last, "items": items}


def test_it_begins_without_a_position_and_comes_back_with_one() -> None:
    chatter, _ = a_chatter()
    assert json.loads(chatter.hello("t")) == {"op": "hello", "v": 1, "ticket": "t"}
    take(chatter, "welcome", **welcomed())
    take(chatter, "batch", **batch(3, 7))
    assert json.loads(chatter.hello(None))["resume"] == {"epoch": "e1", "seq": 7}


def test_it_finds_holes_and_repeats_that_nobody_declared() -> None:
    chatter, tally = a_chatter()
    take(chatter, "welcome", **welcomed())
    take(chatter, "batch", **batch(3, 4))
    take(chatter, "batch", **batch(5, 5))
    assert (tally.holes, tally.repeats) == (0, 0)
    take(chatter, "batch", **batch(8, 8))
    take(chatter, "batch", **batch(8, 9))
    assert (tally.holes, tally.repeats) == (2, 1)


def test_a_declared_gap_and_a_retract_are_no_faults() -> None:
    chatter, tally = a_chatter()
    take(chatter, "welcome", **welcomed())
    take(chatter, "batch", **batch(1, 4))
    take(chatter, "gap", **{"from": 5, "to": 9})
    take(chatter, "batch", **batch(10, 12))
    take(chatter, "retract", **{"epoch": "e1", "from": 11, "now_epoch": "e2"})
    take(chatter, "batch", **batch(11, 11))
    assert (tally.gaps, tally.retracts, tally.holes, tally.repeats) == (1, 1, 0, 0)


def test_what_has_no_ack_is_said_again() -> None:
    chatter, tally = a_chatter()
    first, second = json.loads(chatter.say(1)), json.loads(chatter.say(2))
    take(chatter, "ack", id=first["id"], seq=1, t=0)
    take(chatter, "ack", id=first["id"], seq=1, t=0)
    assert [json.loads(frame)["id"] for frame in chatter.again()] == [second["id"]]
    assert (tally.said, tally.acked) == (2, 1)
    take(chatter, "error", code="banned", detail="", id=second["id"])
    assert chatter.again() == []
    assert tally.errors == {"banned": 1}


def test_it_measures_how_long_a_message_took() -> None:
    chatter, tally = a_chatter()
    take(chatter, "welcome", **welcomed())
    texts = ("from before @4900", "hello @5000", "somebody else's")
    chatter.take(json.dumps({"op": "batch", **batch(1, 1, *texts)}), 5_100)
    assert (tally.heard, tally.delays_ms) == (3, [100])


def test_reactions_and_farewells_are_counted() -> None:
    chatter, tally = a_chatter()
    take(chatter, "hearts", sums=[[0, "heart", 5], [0, "fire", 2]])
    take(chatter, "bye", code=1, detail="", retry_ms=1)
    assert (tally.reactions, tally.byes) == (7, {1: 1})
    assert json.loads(chatter.react(7))["at"] == 7
