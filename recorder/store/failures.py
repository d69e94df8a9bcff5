"""What went wrong with the store, in words for people.

The library's own texts quote requests and answers of the store, and with them parts of keys and
signatures. So nothing of them is passed on but the status, S3's error code, and the system's
error number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from obstore.exceptions import AlreadyExistsError, BaseError

Kind = Literal[
    "unreachable", "slow", "error", "refused", "full", "no bucket", "not found", "there", "beyond",
    "settings", "wrong content",
]  # fmt: skip
"""`there`: the object exists already. `beyond`: it ends before what was asked for. `settings`: no
attempt will help until they are changed."""


class StoreError(Exception):
    """The store did not do what it was asked. The text is a sentence for people."""

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind: Kind = kind


@contextmanager
def errors_told() -> Iterator[None]:
    """Errors of the library become StoreError."""
    try:
        yield
    except (BaseError, OSError, ValueError) as error:  # OSError: TimeoutError too
        raise explained(error) from None


def explained(error: Exception) -> StoreError:
    """An error of the library as one of ours."""
    text = str(error)
    code, status = _first(_CODE, text), int(_first(_STATUS, text) or 0)
    if code in _BY_CODE:
        return StoreError(*_BY_CODE[code])
    if isinstance(error, AlreadyExistsError):
        return StoreError("there", "The object is there already.")
    if isinstance(error, TimeoutError) or "kind: Timeout" in text or "TimedOut" in text:
        return StoreError("slow", "The store did not answer in time.")
    if status:
        return _of_status(status, code)
    if isinstance(error, FileNotFoundError):
        return StoreError("not found", "The store does not have the object.")
    return _of_connection(error, text)


_STATUS: Final = re.compile(r"non-2xx status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_SYSTEM: Final = re.compile(r"\bcode: (\d{1,3})\b|\(os error (\d{1,3})\)")

_REGION: Final = "The bucket is in another region, or behind another endpoint."
_FULL: Final = "The store is full, or its quota is used up."
_BUSY: Final = "The store is too busy and asks to come again later."
_BEYOND: Final = "The object ends before what was asked for."
_CLOCK: Final = "The clocks of this machine and of the store differ too much: check the time."

_BY_CODE: Final[dict[str, tuple[Kind, str]]] = {
    "InvalidRange": ("beyond", _BEYOND),
    "NoSuchBucket": ("no bucket", "The bucket does not exist."),
    "InvalidAccessKeyId": ("refused", "The store does not know the access key."),
    "SignatureDoesNotMatch": ("refused", "The secret does not fit the access key."),
    "AccessDenied": ("refused", "The store does not let these keys do that (AccessDenied)."),
    "RequestTimeTooSkewed": ("refused", _CLOCK),
    "AuthorizationHeaderMalformed": ("settings", _REGION),
    "PermanentRedirect": ("settings", _REGION),
    "IllegalLocationConstraintException": ("settings", _REGION),
    "QuotaExceeded": ("full", _FULL),
    "InsufficientStorage": ("full", _FULL),
    "XMinioStorageFull": ("full", _FULL),
    "XMinioAdminBucketQuotaExceeded": ("full", _FULL),
    "SlowDown": ("error", _BUSY),
    "ServiceUnavailable": ("error", _BUSY),
}

_FULL_DISK: Final = {28, 122}  # ENOSPC, EDQUOT
_NO_RIGHT: Final = {1, 13, 30}  # EPERM, EACCES, EROFS


def _of_status(status: int, code: str) -> StoreError:
    told = f"{status} {code}".strip()
    if status in (401, 403):
        return StoreError("refused", f"The store does not let these keys do that ({told}).")
    if status == 404:
        return StoreError("not found", f"The store does not have the object ({told}).")
    if status in (409, 412):
        return StoreError("there", f"The object is there already ({told}).")
    if status == 416:
        return StoreError("beyond", _BEYOND)
    if status == 507:
        return StoreError("full", _FULL)
    if status in (429, 503):
        return StoreError("error", _BUSY)
    return StoreError("error", f"The store answered with an error ({told}).")


def _of_connection(error: Exception, text: str) -> StoreError:
    numbers = {int(one or other) for one, other in _SYSTEM.findall(text)}
    if isinstance(error, OSError) and error.errno:
        numbers.add(error.errno)
    if numbers & _FULL_DISK:
        return StoreError("full", "The store's disk is full.")
    if numbers & _NO_RIGHT:
        return StoreError("refused", "The system does not let Sluice write to the store's folder.")
    if "InvalidRange" in text:
        return StoreError("beyond", _BEYOND)
    if "BareRedirect" in text:
        return StoreError("settings", _REGION)
    if "BadScheme" in text:
        return StoreError("settings", "Plain http to this store is not allowed: use https.")
    if "certificate" in text:
        return StoreError("settings", "The store's certificate is not trusted.")
    if "Connection refused" in text:
        return StoreError("unreachable", "The store cannot be reached: connection refused.")
    if "dns error" in text:
        return StoreError("unreachable", "The store cannot be reached: its name is not known.")
    if "kind: Connect" in text:
        return StoreError("unreachable", "The store cannot be reached.")
    if "HttpError" in text or "Http(" in text:
        return StoreError("unreachable", "The store broke off the connection.")
    return StoreError("error", f"The store failed ({type(error).__name__}).")


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
