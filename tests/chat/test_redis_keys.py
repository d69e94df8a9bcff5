"""All keys of a room are in one slot of a Cluster, and no two rooms share one."""

from __future__ import annotations

from dataclasses import astuple

from redis.crc import key_slot

from chat.entry import RoomId
from chat.redis_keys import RoomKeys

GARDEN = RoomKeys.of(RoomId("garden"), "sluice")


def test_a_room_has_one_slot() -> None:
    names = {*astuple(GARDEN), GARDEN.key("kim:1"), GARDEN.key("{other}"), GARDEN.hearts + "7"}
    assert len({key_slot(name.encode()) for name in names}) == 1


def test_rooms_and_prefixes_share_no_key() -> None:
    rooms = [GARDEN, RoomKeys.of(RoomId("gardens"), "sluice"), RoomKeys.of(RoomId("garden"), "x")]
    names = [name for room in rooms for name in astuple(room)]
    assert len(set(names)) == len(names)
