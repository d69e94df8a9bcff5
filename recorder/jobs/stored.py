"""Lets children read chunks from the object store where the local files are gone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from recorder.jobs.wire import MediaFrom
from recorder.store.address import parse
from recorder.store.media import StoreMedia
from recorder.work.task import Value

OPENER: Final = "recorder.jobs.stored:open_media"
RETRIES: Final = 3


def media_from(
    url: str,
    *,
    endpoint: str = "",
    region: str = "",
    access_key: str = "",
    secret: SecretStr | None = None,
    allow_http: bool = False,
) -> MediaFrom:
    """For a queue or a worker: the settings of the store, as `store.address.parse` takes them."""
    return MediaFrom(
        OPENER,
        {
            "url": url,
            "endpoint": endpoint,
            "region": region,
            "access_key": access_key,
            "secret": None if secret is None else secret.get_secret_value(),
            "allow_http": allow_http,
        },
    )


def open_media(folder: Path, settings: Mapping[str, Value]) -> StoreMedia:
    """In the child. Raises AddressError and StoreError."""
    secret = settings["secret"]
    address = parse(
        str(settings["url"]),
        endpoint=str(settings["endpoint"]),
        region=str(settings["region"]),
        access_key=str(settings["access_key"]),
        secret=None if secret is None else SecretStr(str(secret)),
        allow_http=bool(settings["allow_http"]),
    )
    return StoreMedia(folder, address.open(retries=RETRIES), folder.name)
