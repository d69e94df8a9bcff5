"""Whether a store can do what it is used for, and if not, what is wrong with it."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

import obstore

from recorder.store.deletion import names_below
from recorder.store.failures import StoreError, errors_told
from recorder.store.transfer import digest_of, place, stored_sha256

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SKEW_S: Final = 300
"""S3 refuses requests whose time is 15 minutes off; this is told before."""


async def check(store: ObjectStore, *, now_s: float | None = None) -> list[str]:
    """Write, read, list and delete an object; a sentence for each thing that is wrong.

    An empty list: all is well. After the first thing that fails nothing more is tried. `now_s`:
    Unix time, if not the machine's. Nothing is raised.
    """
    folder = f"probe-{secrets.token_hex(8)}"
    name = f"{folder}/object"
    wrong: list[str] = []
    try:
        await _write_and_read(store, name, wrong, time.time() if now_s is None else now_s)
    except StoreError as error:
        wrong.append(str(error))
        if error.kind in ("unreachable", "slow", "no bucket", "settings"):
            return wrong
    for one in (name, f"{folder}/parts"):
        try:
            with errors_told():
                await obstore.delete_async(store, one)
        except StoreError as error:
            if error.kind != "not found" and not wrong:
                wrong.append(f"Objects cannot be deleted: {error}")
    return wrong


async def _write_and_read(store: ObjectStore, name: str, wrong: list[str], now_s: float) -> None:
    data = secrets.token_bytes(1_000)
    digest = digest_of(data)
    await place(store, name, data, digest, mode="create")
    with errors_told():
        meta = await obstore.head_async(store, name)
    behind_s = now_s - meta["last_modified"].timestamp()
    if abs(behind_s) > SKEW_S:
        wrong.append(
            f"This machine's clock and the store's differ by {abs(behind_s) / 60:.0f} minutes."
        )
    if await stored_sha256(store, name, len(data)) != digest.sha256:
        wrong.append("The store gives back other bytes than it was given.")
    try:
        await place(store, name, data, digest, mode="create")
    except StoreError as error:
        if error.kind != "there":
            raise
    else:
        wrong.append("The store overwrites objects that were to be put only where none is.")
    if name not in await names_below(store, name.partition("/")[0]):
        wrong.append("The store does not list an object that it has.")
    parts = name.replace("/object", "/parts")
    with errors_told():
        await obstore.put_async(store, parts, data, use_multipart=True)
    if await stored_sha256(store, parts, len(data)) != digest.sha256:
        wrong.append("The store mixes up uploads in parts.")
