"""YAML with line numbers: what is wrong in a file is said with its place."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import yaml

MOST_BYTES = 256_000
DEEPEST = 12
"""Levels of nesting; nothing of ours needs more than half of it."""
LONGEST_TEXT = 200

E = TypeVar("E", bound=StrEnum)

NUMBER = re.compile(r"[+-]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
MINUTES = re.compile(r"(\d{1,4}):([0-5]\d(?:\.\d{1,3})?)", re.ASCII)
RATE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([kKmM]?)", re.ASCII)


class DocumentError(ValueError):
    """Everything that is wrong with a file, one line `file:line: reason` each."""


class Complaints:
    """Collects what is wrong, so that somebody is told everything at once."""

    def __init__(self, name: str) -> None:
        """`name` is how the file is called in the messages."""
        self.name = name
        self._lines: list[tuple[int, str]] = []

    def add(self, line: int, reason: str) -> None:
        """Note what is wrong in a line; the first is 1."""
        self._lines.append((line, reason))

    def check(self) -> None:
        """Raise DocumentError when there is anything."""
        if self._lines:
            lines = sorted(dict.fromkeys(self._lines))
            raise DocumentError("\n".join(f"{self.name}:{line}: {text}" for line, text in lines))


class Section:
    """A mapping of the file. Each read takes a key; `done` complains about those left over.

    A value that is wrong is noted in the complaints, and the default is returned in its place.
    """

    def __init__(self, node: yaml.MappingNode, complaints: Complaints) -> None:
        self.line = node.start_mark.line + 1
        self._complaints = complaints
        self._known: set[str] = set()
        self._values: dict[str, tuple[int, yaml.Node]] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                complaints.add(line, "a key must be a word")
            elif key.value in self._values:
                complaints.add(line, f"{key.value} is there twice")
            else:
                self._values[key.value] = (line, value)

    def __contains__(self, key: str) -> bool:
        self._known.add(key)
        return key in self._values

    def keys(self) -> list[str]:
        """The keys that are there, in their order. Keys named by the writer count as known."""
        self._known |= self._values.keys()
        return list(self._values)

    def line_of(self, key: str) -> int:
        """The line of a key, the section's own when it is not there."""
        return self._values[key][0] if key in self._values else self.line

    def complain(self, key: str, reason: str) -> None:
        """Note that the value of `key` will not do."""
        self._complaints.add(self.line_of(key), reason)

    def number(
        self, key: str, lowest: float, highest: float, default: float | None = None
    ) -> float:
        """Return a number within the bounds. Without a default the key must be there."""
        text = self._scalar(key, default is None)
        fallback = lowest if default is None else default
        if text is None:
            return fallback
        value = number(text)
        if value is None:
            self.complain(key, f"{key} is {shown(text)}, not a finite number")
            return fallback
        return self._within(key, value, lowest, highest, fallback)

    def seconds(
        self, key: str, lowest: float, highest: float, default: float | None = None
    ) -> float:
        """Return seconds from `90`, `1.5` or `1:30` (minutes and seconds)."""
        text = self._scalar(key, default is None)
        fallback = lowest if default is None else default
        if text is None:
            return fallback
        found = MINUTES.fullmatch(text)
        value = int(found[1]) * 60 + float(found[2]) if found else number(text)
        if value is None:
            self.complain(key, f"{key} is {shown(text)}; write seconds or 1:30")
            return fallback
        return self._within(key, value, lowest, highest, fallback)

    def rate(self, key: str, lowest: float, highest: float, default: float | None = None) -> float:
        """Return bits per second from `800000`, `800k` or `2.5M`."""
        text = self._scalar(key, default is None)
        fallback = lowest if default is None else default
        if text is None:
            return fallback
        found = RATE.fullmatch(text)
        if not found:
            self.complain(key, f"{key} is {shown(text)}, not a rate; write 800k or 2.5M")
            return fallback
        value = float(found[1]) * {"": 1, "k": 1e3, "m": 1e6}[found[2].lower()]
        return self._within(key, value, lowest, highest, fallback)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        text = self._scalar(key, False)
        if text is None:
            return default
        if text not in ("true", "false"):
            self.complain(key, f"{key} is {shown(text)}; write true or false")
        return text == "true"

    def text(self, key: str, default: str | None = None) -> str:
        """Return a line of text."""
        value = self._scalar(key, default is None)
        if value is None:
            return default or ""
        value = " ".join(value.split())
        if not value or len(value) > LONGEST_TEXT:
            self.complain(key, f"{key} must have 1 to {LONGEST_TEXT} characters")
        elif not value.isprintable():
            self.complain(key, f"{key} has characters that cannot be shown")
        return value

    def choice(self, key: str, among: Iterable[str], default: str | None = None) -> str:
        """Return one of the words `among`."""
        words = list(among)
        text = self._scalar(key, default is None)
        fallback = words[0] if default is None else default
        if text is None:
            return fallback
        if text not in words:
            hint = nearest(text, words) or f"; it may be {', '.join(words)}"
            self.complain(key, f"{key} is {shown(text)}{hint}")
            return fallback
        return text

    def member(self, key: str, kind: type[E], default: E | None = None) -> E:
        """Return a member of an enumeration of words."""
        return kind(self.choice(key, [item.value for item in kind], default))

    def words(self, key: str, among: Iterable[str], default: Iterable[str]) -> list[str]:
        """Return a list of the words `among`."""
        found = self._take(key, False)
        if found is None:
            return list(default)
        allowed, result = list(among), []
        for item in self._items(key, found):
            if isinstance(item, yaml.ScalarNode) and item.value in allowed:
                result.append(str(item.value))
            else:
                self._complaints.add(
                    item.start_mark.line + 1, f"{key} may hold {', '.join(allowed)}"
                )
        return result

    def section(self, key: str, required: bool = False) -> Section | None:
        """Return the mapping under `key`; None when it is not there, or is none."""
        node = self._take(key, required)
        if node is None:
            return None
        if not isinstance(node, yaml.MappingNode):
            self.complain(key, f"{key} must hold keys and values")
            return None
        return Section(node, self._complaints)

    def sections(self, key: str, most: int) -> Iterator[Section]:
        """Go through a list of mappings, at most so many."""
        node = self._take(key, False)
        items = [] if node is None else self._items(key, node)
        if len(items) > most:
            self.complain(key, f"{key} has {len(items)} entries, at most {most}")
        for item in items[:most]:
            if isinstance(item, yaml.MappingNode):
                yield Section(item, self._complaints)
            else:
                self._complaints.add(item.start_mark.line + 1, "an entry must hold keys and values")

    def done(self) -> None:
        """Complain about keys that nobody asked for."""
        for key, (line, _) in self._values.items():
            if key not in self._known:
                hint = nearest(key, self._known)
                self._complaints.add(line, f"{shown(key)} is not known here{hint}")

    def _take(self, key: str, required: bool) -> yaml.Node | None:
        self._known.add(key)
        if key not in self._values:
            if required:
                self._complaints.add(self.line, f"{key} is missing")
            return None
        return self._values[key][1]

    def _scalar(self, key: str, required: bool) -> str | None:
        node = self._take(key, required)
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode):
            self.complain(key, f"{key} must be a single value")
            return None
        return str(node.value)

    def _items(self, key: str, node: yaml.Node) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.complain(key, f"{key} must be a list")
        return []

    def _within(
        self, key: str, value: float, lowest: float, highest: float, fallback: float
    ) -> float:
        if lowest <= value <= highest:
            return value
        self.complain(key, f"{key} is {value:g}, not between {lowest:g} and {highest:g}")
        return fallback


def read(path: Path) -> str:
    """Return the text of a small file. Raises DocumentError when that cannot be."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise DocumentError(f"{path.name}:1: the file has more than {MOST_BYTES} bytes")
        return data.decode()
    except OSError as error:
        raise DocumentError(f"{path.name}:1: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DocumentError(f"{path.name}:{line}: the file is not UTF-8") from error


def parse(text: str, complaints: Complaints) -> Section:
    """Return the mapping that a text is. Raises DocumentError for what is no such YAML.

    Only plain YAML: no anchors, no tags, no second document. Values stay text until they are
    asked for as something, so that no `.nan` and no date comes in by itself.
    """
    name = complaints.name
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > DEEPEST:
                raise DocumentError(f"{name}:{line}: nested more than {DEEPEST} levels deep")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise DocumentError(f"{name}:{line}: anchors and aliases are not used here")
            if getattr(event, "tag", None):
                raise DocumentError(f"{name}:{line}: tags are not used here")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise DocumentError(f"{name}:{line}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        line = text[: getattr(error, "position", 0)].count("\n") + 1
        raise DocumentError(f"{name}:{line}: a character that YAML does not allow") from error
    if not isinstance(node, yaml.MappingNode):
        raise DocumentError(f"{name}:1: the file must hold keys and values")
    return Section(node, complaints)


def number(text: str) -> float | None:
    """Return a finite number from its text, None when it is none."""
    plain = text.strip()
    if len(plain) > 40 or not NUMBER.fullmatch(plain):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


def nearest(word: str, among: Iterable[str]) -> str:
    """Return `; did you mean x?` for the word that is most alike, nothing when none is."""
    found = difflib.get_close_matches(word[:LONGEST_TEXT], sorted(among), n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


def shown(text: str) -> str:
    """Return a stranger's text in quotes, short and printable."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
