"""When a process is ended, started again and given up."""

from __future__ import annotations

from recorder.captions.supervision import BACKOFF_S, STEADY_S, Patience, Supervision


def alive(at_s: float = 100.0) -> Supervision:
    supervision = Supervision(Patience(open_s=10, silence_s=3, answer_s=5))
    supervision.born(at_s)
    return supervision


def test_while_its_model_is_loaded_it_may_be_silent_for_long() -> None:
    supervision = alive()
    assert supervision.hung(110.0) == ""
    assert supervision.hung(110.1) == "its model is not loaded after so long"


def test_afterwards_it_must_give_signs_of_life() -> None:
    supervision = alive()
    supervision.ready()
    supervision.said(102.0)
    assert supervision.hung(105.0) == ""
    assert supervision.hung(105.1) == "it is silent"


def test_and_answers_while_it_has_sound() -> None:
    supervision = alive()
    supervision.ready()
    supervision.owes(101.0, flying=True)
    supervision.owes(103.0, flying=True)
    supervision.said(106.1)
    assert supervision.hung(106.1) == "it does not answer"
    supervision.owes(106.1, flying=True, answered=True)
    supervision.said(111.0)
    assert supervision.hung(111.0) == ""
    supervision.owes(111.0, flying=False, answered=True)
    supervision.said(200.0)
    assert supervision.hung(200.0) == ""


def test_deaths_in_a_row_make_longer_waits_and_then_it_is_given_up() -> None:
    supervision = alive()
    assert [supervision.died(101.0) for _ in BACKOFF_S] == list(BACKOFF_S)
    assert supervision.died(101.0) is None
    assert supervision.deaths == len(BACKOFF_S) + 1


def test_a_long_life_makes_up_for_earlier_deaths() -> None:
    supervision = alive()
    for _ in BACKOFF_S:
        supervision.died(101.0)
    supervision.born(200.0)
    assert supervision.died(200.0 + STEADY_S) == BACKOFF_S[0]
