"""What the process does with its messages; the process itself is in test_process."""

from __future__ import annotations

from queue import SimpleQueue

from recorder.captions.child import Inbox, work
from recorder.captions.listener import Listener
from recorder.captions.wire import Begin, Flush, FromChild, Heard, Part, ToChild
from tests.recorder.captions.test_listener import ORIGIN, SILENCE, Counting

PARTS = [
    Part(number, ORIGIN + one.ms, one.length_ms, one.data)
    for number, one in enumerate(SILENCE.fragments, start=1)
]


def answers(*messages: ToChild) -> list[Heard]:
    inbox: Inbox = SimpleQueue()
    for message in (*messages, None):
        inbox.put(message)
    said: list[FromChild] = []
    work(inbox, Listener(Counting()), said.append)
    return [one for one in said if isinstance(one, Heard)]


def test_every_part_and_flush_is_answered() -> None:
    heard = answers(Begin(SILENCE.init), *PARTS, Flush(99))
    assert [one.number for one in heard] == [*range(1, len(PARTS) + 1), 99]
    assert [word.text for one in heard for word in one.words] == ["tick", "tick", "rest"]
    assert heard[-1].until_ms == heard[-1].words[-1].to_ms


def test_a_broken_part_is_answered_with_its_problem() -> None:
    (heard,) = answers(Begin(SILENCE.init), Part(7, ORIGIN, 500, b"junk"))
    assert (heard.number, bool(heard.problem)) == (7, True)


def test_another_init_segment_ends_what_was_begun() -> None:
    heard = answers(Begin(SILENCE.init), PARTS[0], Begin(SILENCE.init))
    assert [word.text for word in heard[-1].words] == ["rest"]


def test_when_no_sound_comes_the_last_words_are_said() -> None:
    inbox: Inbox = SimpleQueue()
    for message in (Begin(SILENCE.init), PARTS[0]):
        inbox.put(message)
    said: list[FromChild] = []

    def send(message: FromChild) -> None:
        said.append(message)
        if isinstance(message, Heard) and message.words:
            inbox.put(None)

    work(inbox, Listener(Counting()), send, idle_s=0.01)
    assert isinstance(said[-1], Heard)
    assert [word.text for word in said[-1].words] == ["rest"]
