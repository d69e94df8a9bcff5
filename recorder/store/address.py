"""Where the store is: `file:///folder` or `s3://bucket/prefix`, checked before it is used."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, urlsplit

from obstore.store import LocalStore, S3Store
from pydantic import SecretStr

from recorder.store.failures import errors_told

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Credential

REQUEST_S: Final = 60
"""One request may take this long: some 5 MB over a line of 1 Mbit/s."""
CONNECT_S: Final = 5

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_.=-]{1,200}", re.ASCII)
_REGION: Final = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)
_FOREIGN: Final = "AWS_ENDPOINT_URL_S3"


class AddressError(ValueError):
    """The setting cannot be used; the text says why, and holds no key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Gives the library the keys when it signs. They never stand in its settings or its texts."""

    access_key: str = field(repr=False)
    secret: SecretStr = field(repr=False)

    def __call__(self) -> S3Credential:
        return {
            "access_key_id": self.access_key,
            "secret_access_key": self.secret.get_secret_value(),
            "token": None,
            "expires_at": None,
        }


@dataclass(frozen=True, slots=True)
class FileAddress:
    """A folder of this machine, or one that is mounted."""

    folder: Path

    def __str__(self) -> str:
        return self.folder.as_uri()

    def open(self, *, request_s: float = REQUEST_S, retries: int = 0) -> ObjectStore:
        """Make the folder where it is not there. Raises StoreError."""
        with errors_told():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return LocalStore(self.folder, automatic_cleanup=True)


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket, or what is below a prefix of it."""

    bucket: str
    prefix: str
    """Without slashes at its ends; may be empty."""
    endpoint: str
    region: str
    keys: Keys
    plain: bool
    """http instead of https."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/") + f" at {self.endpoint}"

    def open(self, *, request_s: float = REQUEST_S, retries: int = 0) -> ObjectStore:
        """Nothing is sent yet. Raises AddressError.

        `retries`: how often the library repeats a request by itself. The uploader wants 0: it
        counts failures and waits on its own.
        """
        if _FOREIGN in os.environ:
            # The library would silently prefer it to what is set here.
            raise AddressError(f"{_FOREIGN} is set in the environment: unset it.")
        return S3Store(
            self.bucket,
            prefix=self.prefix or None,
            config={
                "endpoint": self.endpoint,
                "region": self.region,
                "checksum_algorithm": "SHA256",
                "virtual_hosted_style_request": False,
                "skip_signature": False,
            },
            client_options={
                "allow_http": self.plain,
                "connect_timeout": timedelta(seconds=min(CONNECT_S, request_s)),
                "timeout": timedelta(seconds=request_s),
            },
            retry_config={
                "max_retries": retries,
                "retry_timeout": timedelta(seconds=2 * request_s),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=2),
                    "base": 2,
                },
            },
            credential_provider=self.keys,
        )


StoreAddress = FileAddress | S3Address


def parse(
    url: str,
    *,
    endpoint: str = "",
    region: str = "",
    access_key: str = "",
    secret: SecretStr | None = None,
    allow_http: bool = False,
) -> StoreAddress:
    """Check the settings of a store. Raises AddressError.

    `endpoint` is empty for Amazon's own. Plain http is let through to this machine, and elsewhere
    only with `allow_http`, since what is stored could be read and changed on the way.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise AddressError("The store's address is not a URL.") from None
    if "@" in parts.netloc:
        raise AddressError("Keys do not belong into the store's address: set them by themselves.")
    if parts.query or parts.fragment:
        raise AddressError("The store's address has a ? or a # in it.")
    if parts.scheme == "file":
        if endpoint or access_key or secret is not None:
            raise AddressError("The store is a folder: endpoint and keys are for s3:// only.")
        return _folder(parts)
    if parts.scheme != "s3":
        raise AddressError("The store's address must begin with file:/// or s3://.")
    if not access_key or secret is None or not secret.get_secret_value():
        raise AddressError("The store needs an access key and a secret.")
    region = region or "us-east-1"
    if not _REGION.fullmatch(region):
        raise AddressError("The store's region may have small letters, digits and hyphens.")
    endpoint, plain = _endpoint(endpoint or f"https://s3.{region}.amazonaws.com", allow_http)
    return S3Address(
        _bucket(parts), _prefix(parts), endpoint, region, Keys(access_key, secret), plain
    )


def refuse_own_folder(store: ObjectStore, folder: Path) -> None:
    """Raise AddressError where objects of the recording in `folder` would be its very files."""
    if isinstance(store, LocalStore):
        kept = Path(store.prefix or "/") / folder.name
        if kept.resolve() == folder.resolve():
            raise AddressError("The store's folder is the one that is recorded into: take another.")


def _folder(parts: SplitResult) -> FileAddress:
    if parts.netloc not in ("", "localhost"):
        raise AddressError("A folder's address has three slashes: file:///path.")
    folder = Path(unquote(parts.path))
    if not folder.is_absolute() or folder == Path("/") or "\0" in str(folder):
        raise AddressError("The store's folder must be a path like file:///srv/vods.")
    return FileAddress(folder)


def _bucket(parts: SplitResult) -> str:
    if not _BUCKET.fullmatch(parts.netloc):
        raise AddressError(
            "The bucket in the store's address must have 3 to 63 small letters, digits, dots and"
            " hyphens."
        )
    return parts.netloc


def _prefix(parts: SplitResult) -> str:
    prefix = parts.path.strip("/")
    for segment in prefix.split("/") if prefix else ():
        if not _SEGMENT.fullmatch(segment) or segment in (".", ".."):
            raise AddressError(
                "The prefix in the store's address may have letters, digits and . _ = - between"
                " slashes."
            )
    return prefix


def _endpoint(endpoint: str, allow_http: bool) -> tuple[str, bool]:
    try:
        parts = urlsplit(endpoint)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        raise AddressError("The store's endpoint is not a URL.") from None
    if "@" in parts.netloc:
        raise AddressError("Keys do not belong into the store's endpoint.")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise AddressError("The store's endpoint must be like https://s3.example.org.")
    if parts.query or parts.fragment:
        raise AddressError("The store's endpoint has a ? or a # in it.")
    plain = parts.scheme == "http"
    if plain and not allow_http and not _is_loopback(parts.hostname):
        raise AddressError("The store's endpoint must be https, or allow_http be set.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", plain


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
