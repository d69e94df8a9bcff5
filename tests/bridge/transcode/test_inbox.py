"""What waits inside the process, and how it catches up."""

from __future__ import annotations

from threading import Thread

import pytest

from bridge.transcode.inbox import MOST_MESSAGES, Inbox
from bridge.transcode.wire import Reset, ToChild, Unit
from sluice.media import Codec


def unit(codec: Codec = Codec.VP8, keyframe: bool = False, size: int = 1) -> Unit:
    return Unit(codec, 0, keyframe, bytes(size))


def taken(inbox: Inbox) -> list[ToChild]:
    inbox.close()
    messages: list[ToChild] = []
    while True:
        try:
            one = inbox.take(0)
        except EOFError:
            return messages
        assert one is not None
        messages.append(one.message)


def test_first_in_first_out_with_the_time_it_came() -> None:
    now = iter([5, 7])
    inbox = Inbox(lambda: next(now))
    inbox.put(Reset())
    inbox.put(unit())
    first, second = inbox.take(0), inbox.take(0)
    assert first is not None
    assert second is not None
    assert (first.since_ms, first.message) == (5, Reset())
    assert (second.since_ms, second.message) == (7, unit())


def test_nothing_came_and_the_end() -> None:
    inbox = Inbox(lambda: 0)
    assert inbox.take(0) is None
    inbox.close()
    with pytest.raises(EOFError):
        inbox.take(0)


def test_catching_up_leaves_out_pictures_up_to_the_last_keyframe_and_no_sound() -> None:
    inbox = Inbox(lambda: 0)
    opus, key, later = unit(Codec.OPUS, True), unit(keyframe=True), unit(size=3)
    for message in (unit(), opus, unit(keyframe=True, size=9), Reset(), unit(), key, later):
        inbox.put(message)
    assert inbox.catch_up() == 3
    assert taken(inbox) == [opus, Reset(), key, later]


def test_without_a_keyframe_all_pictures_are_left_out() -> None:
    inbox = Inbox(lambda: 0)
    for message in (unit(), unit(Codec.OPUS), unit()):
        inbox.put(message)
    assert inbox.catch_up() == 2
    assert taken(inbox) == [unit(Codec.OPUS)]


def test_a_full_inbox_makes_the_reader_wait() -> None:
    inbox = Inbox(lambda: 0)
    for _ in range(MOST_MESSAGES):
        inbox.put(Reset())
    reader = Thread(target=inbox.put, args=(unit(),))
    reader.start()
    for _ in range(MOST_MESSAGES):
        assert inbox.take(0) is not None
    reader.join()
    assert taken(inbox) == [unit()]


def test_closing_frees_a_reader_that_waits() -> None:
    inbox = Inbox(lambda: 0)
    for _ in range(MOST_MESSAGES):
        inbox.put(Reset())
    reader = Thread(target=inbox.put, args=(unit(),))
    reader.start()
    inbox.close()
    reader.join()
