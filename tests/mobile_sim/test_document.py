"""A file's mistakes are said with their lines, all at once, and nothing odd gets in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_sim.document import (
    DEEPEST,
    MOST_BYTES,
    Complaints,
    DocumentError,
    Section,
    nearest,
    number,
    parse,
    read,
)


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


def opened(text: str) -> tuple[Section, Complaints]:
    complaints = Complaints("a.yaml")
    return parse(text, complaints), complaints


def said(complaints: Complaints) -> list[str]:
    with pytest.raises(DocumentError) as error:
        complaints.check()
    return str(error.value).splitlines()


def test_values_are_read() -> None:
    section, complaints = opened(
        "a: 1.5\nb: 1:30\nc: 2.5M\nd: true\ne: a line\nf: blue\ng: [red]\nh: {x: 1}\ni: [{x: 2}]\n"
    )
    assert section.number("a", 0, 2) == 1.5
    assert section.seconds("b", 0, 100) == 90
    assert section.rate("c", 0, 1e9) == 2_500_000
    assert section.flag("d", False)
    assert section.text("e") == "a line"
    assert section.member("f", Color) is Color.BLUE
    assert section.words("g", list(Color), []) == ["red"]
    inner = section.section("h")
    assert inner is not None
    assert inner.number("x", 0, 1) == 1
    assert [entry.number("x", 0, 2) for entry in section.sections("i", 5)] == [2]
    section.done()
    complaints.check()


def test_what_is_not_there_has_its_default() -> None:
    section, complaints = opened("{}")
    assert section.number("a", 0, 1, 0.5) == 0.5
    assert section.seconds("b", 0, 100, 7) == 7
    assert section.rate("c", 0, 1e9, 800) == 800
    assert section.flag("d", True)
    assert section.text("e", "x") == "x"
    assert section.choice("f", ["m", "n"], "n") == "n"
    assert section.words("g", ["m"], ["m"]) == ["m"]
    assert section.section("h") is None
    assert list(section.sections("i", 3)) == []
    complaints.check()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: .nan", "a.yaml:1: a is '.nan', not a finite number"),
        ("a: .inf", "a.yaml:1: a is '.inf', not a finite number"),
        ("a: -.Inf", "a.yaml:1: a is '-.Inf', not a finite number"),
        ("a: nan", "a.yaml:1: a is 'nan', not a finite number"),
        ("a: 1e999", "a.yaml:1: a is '1e999', not a finite number"),
        ("a: 0x10", "a.yaml:1: a is '0x10', not a finite number"),
        ("a: ''", "a.yaml:1: a is '', not a finite number"),
        ("a: 9", "a.yaml:1: a is 9, not between 0 and 5"),
        ("a: [1]", "a.yaml:1: a must be a single value"),
        ("\n\na: x", "a.yaml:3: a is 'x', not a finite number"),
        ("b: 1", "a.yaml:1: a is missing"),
    ],
)
def test_a_bad_number_is_said_with_its_line(text: str, reason: str) -> None:
    section, complaints = opened(text)
    section.number("a", 0, 5)
    assert said(complaints) == [reason]


def test_other_values_that_are_wrong_are_said() -> None:
    section, complaints = opened(
        "b: soon\nc: fast\nd: yes\ne: ''\nf: bleu\ng: [red, green]\nh: 1\ni: 1\nj: [1]\n"
    )
    section.seconds("b", 0, 1)
    section.rate("c", 0, 1)
    section.flag("d", True)
    section.text("e")
    section.member("f", Color)
    section.words("g", list(Color), [])
    section.section("h")
    list(section.sections("i", 1))
    list(section.sections("j", 1))
    assert said(complaints) == [
        "a.yaml:1: b is 'soon'; write seconds or 1:30",
        "a.yaml:2: c is 'fast', not a rate; write 800k or 2.5M",
        "a.yaml:3: d is 'yes'; write true or false",
        "a.yaml:4: e must have 1 to 200 characters",
        "a.yaml:5: f is 'bleu'; did you mean blue?",
        "a.yaml:6: g may hold red, blue",
        "a.yaml:7: h must hold keys and values",
        "a.yaml:8: i must be a list",
        "a.yaml:9: an entry must hold keys and values",
    ]


def test_unknown_keys_are_said_with_the_nearest_that_is_known() -> None:
    section, complaints = opened("durration: 3\nzzz: 1\n")
    section.number("duration", 0, 5, 1)
    section.done()
    assert said(complaints) == [
        "a.yaml:1: 'durration' is not known here; did you mean duration?",
        "a.yaml:2: 'zzz' is not known here",
    ]


def test_a_list_has_a_limit_and_keys_are_there_once() -> None:
    section, complaints = opened("a: [{}, {}, {}]\na: 1\n? [x]\n: 1\n")
    assert len(list(section.sections("a", 2))) == 2
    assert said(complaints) == [
        "a.yaml:1: a has 3 entries, at most 2",
        "a.yaml:2: a is there twice",
        "a.yaml:3: a key must be a word",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [1", "a.yaml:"),
        ("a: b: c", "a.yaml:1: mapping values are not allowed here"),
        ("\ta: 1", "a.yaml:1: "),
        ("- 1", "a.yaml:1: the file must hold keys and values"),
        ("", "a.yaml:1: the file must hold keys and values"),
        ("just words", "a.yaml:1: the file must hold keys and values"),
        ("a: &x 1\nb: *x", "a.yaml:1: anchors and aliases are not used here"),
        ("a: 1\nb: *x", "a.yaml:2: anchors and aliases are not used here"),
        ("a: !!python/object/apply:os.system [x]", "a.yaml:1: tags are not used here"),
        ("a: 1\n---\nb: 2", "a.yaml:2: "),
        ("a: \x07", "a.yaml:1: a character that YAML does not allow"),
        ("a: " + "[" * 5000, f"a.yaml:1: nested more than {DEEPEST} levels deep"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DocumentError) as error:
        opened(text)
    assert str(error.value).startswith(reason)


def test_files_are_bounded_and_must_be_text(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(DocumentError, match=r"huge.yaml:1: the file has more than"):
        read(huge)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(DocumentError, match=r"binary.yaml:2: the file is not UTF-8"):
        read(binary)
    with pytest.raises(DocumentError, match=r"none.yaml:1: No such file"):
        read(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-1.5", -1.5), ("1_000", 1000), ("2e3", 2000), (".5", 0.5), (" 7 ", 7)],
)
def test_numbers(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", ".", "-", "e5", "1e", "٣", "1" * 41, "_", "1 2"])
def test_no_numbers(text: str) -> None:
    assert number(text) is None


def test_a_word_that_is_like_none_has_no_neighbour() -> None:
    assert nearest("xyz", ["duration"]) == ""


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    refused = ""
    try:
        section, complaints = opened(text)
        section.number("a", 0, 1, 0)
        section.done()
        complaints.check()
    except DocumentError as error:
        refused = str(error)
    assert refused == "" or refused.startswith("a.yaml:")
