"""A recording's objects in the store, to be deleted with it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from recorder.files import FilesRemain
from recorder.store.deletion import delete_prefix
from recorder.store.failures import StoreError

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class StoreFiles:
    """The `Files` of an object store. Outputs are not kept there."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def remove(self, vod: str, keep: Collection[str]) -> None:
        try:
            await delete_prefix(self._store, vod)
        except StoreError as error:
            raise FilesRemain(str(error)) from error

    async def remove_output(self, vod: str, key: str) -> None:
        return None
