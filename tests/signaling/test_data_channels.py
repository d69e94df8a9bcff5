"""Messages go to who takes their label, and nowhere else."""

from __future__ import annotations

import pytest

from sfu.engine import DataMessage
from sfu.fake import FakeEngine
from sfu.rooms import Rooms
from signaling.data_channels import DataChannels
from sluice.clock import VirtualClock
from sluice.ids import ChannelId, PeerId

LIVE = ChannelId("live")


def message(label: str) -> DataMessage:
    return DataMessage(PeerId(1), label, b"x", binary=False)


def open_channels() -> tuple[Rooms, DataChannels]:
    rooms = Rooms(FakeEngine(), VirtualClock())
    return rooms, DataChannels(rooms)


def test_each_label_has_its_taker() -> None:
    rooms, channels = open_channels()
    chat: list[tuple[ChannelId, DataMessage]] = []
    device: list[tuple[ChannelId, DataMessage]] = []
    channels.listen("chat", lambda *given: chat.append(given))
    channels.listen("device", lambda *given: device.append(given))
    assert rooms.on_data is not None
    for label in ("chat", "device", "chat"):
        rooms.on_data(LIVE, message(label))
    assert [one.label for _, one in chat] == ["chat", "chat"]
    assert device == [(LIVE, message("device"))]
    assert channels.unclaimed == 0


def test_other_labels_are_nobodys() -> None:
    _, channels = open_channels()
    got: list[DataMessage] = []
    channels.listen("chat", lambda _, one: got.append(one))
    channels.take(LIVE, message("other"))
    channels.forget("chat")
    channels.take(LIVE, message("chat"))
    assert got == []
    assert channels.unclaimed == 2


def test_a_label_is_taken_once() -> None:
    _, channels = open_channels()
    channels.listen("chat", lambda *_: None)
    with pytest.raises(AssertionError, match="chat"):
        channels.listen("chat", lambda *_: None)
