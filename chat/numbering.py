"""How drafts become entries: numbers, times, and keys that were there before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat.entry import Draft, Entry, Epoch
from chat.log import Appended


@dataclass(frozen=True, slots=True)
class Known:
    """What a key stands for."""

    seq: int
    t_show: int
    until: int | None
    """From this moment on the key is free again; None: never."""

    def holds(self, now_ms: int) -> bool:
        return self.until is None or now_ms < self.until


@dataclass(frozen=True, slots=True)
class Numbered:
    """A batch with its numbers."""

    entries: Sequence[Entry]
    appended: Sequence[Appended]
    keys: dict[str, Known]
    """Those that became known."""


def number(
    drafts: Sequence[Draft],
    epoch: Epoch,
    seq: int,
    t_show: int,
    known: Callable[[str], Known | None],
) -> Numbered:
    """Number what follows `seq`. How long a key lasts is measured in `t_show`, not by a clock.

    So it is the same in every backend, and `t_show` never falls: a key that is free stays free.
    """
    entries: list[Entry] = []
    appended: list[Appended] = []
    keys: dict[str, Known] = {}
    for draft in drafts:
        before = None if draft.key is None else keys.get(draft.key) or known(draft.key)
        shown = max(t_show, draft.t_recv)
        if before is not None and before.holds(shown):
            appended.append(Appended(before.seq, before.t_show, repeated=True))
            continue
        seq, t_show = seq + 1, shown
        entries.append(entry(draft, epoch, seq, t_show))
        appended.append(Appended(seq, t_show, repeated=False))
        if draft.key is not None:
            keys[draft.key] = Known(seq, t_show, _until(draft, t_show))
    return Numbered(entries, appended, keys)


def _until(draft: Draft, t_show: int) -> int | None:
    return None if draft.key_ttl_ms is None else t_show + draft.key_ttl_ms


def entry(draft: Draft, epoch: Epoch, seq: int, t_show: int) -> Entry:
    return Entry(
        epoch,
        seq,
        draft.t_recv,
        draft.t_seen,
        t_show,
        draft.kind,
        draft.body,
        draft.key,
        draft.staff,
    )
