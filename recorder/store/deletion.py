"""All objects of a recording, or of an output, are deleted."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
from obstore.store import LocalStore

from recorder.store.failures import StoreError, errors_told

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9_-]{2,127}(/[A-Za-z0-9_-]{1,127}){0,3}", re.ASCII)
_BATCH: Final = 1_000
_ROUNDS: Final = 5


async def delete_prefix(store: ObjectStore, prefix: str) -> int:
    """Delete what is below `prefix`; how many objects that were. Once more does no harm.

    Raises StoreError, also when objects appear again and again: somebody still uploads. And
    ValueError for a prefix that is no recording's, so that nothing else can ever be meant.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"{prefix!r} is not below a recording.")
    deleted = 0
    for _ in range(_ROUNDS):
        names = await names_below(store, prefix)
        if not names:
            if isinstance(store, LocalStore):
                await asyncio.to_thread(_sweep, Path(store.prefix or "/") / prefix)
            return deleted
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            try:
                with errors_told():
                    await obstore.delete_async(store, batch)
            except StoreError as error:
                if error.kind != "not found":  # a folder says so; the next round looks again
                    raise
            deleted += len(batch)
    raise StoreError("error", f"{prefix}: objects appear while they are deleted.")


async def names_below(store: ObjectStore, prefix: str) -> list[str]:
    """The objects below a prefix. Raises StoreError."""
    names = []
    with errors_told():
        async for batch in obstore.list(store, prefix, chunk_size=_BATCH):
            names += [one["path"] for one in batch]
    return names


def _sweep(folder: Path) -> None:
    """What was left half written is no object, and stays when objects are deleted."""
    with errors_told():
        if folder.is_dir():
            shutil.rmtree(folder)
