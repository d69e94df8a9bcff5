"""Each way in which a store fails has its sentence, and no sentence holds a key."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import pytest

from recorder.store.address import FileAddress
from recorder.store.failures import Kind, StoreError, errors_told, explained
from tests.recorder.store.faulty_proxy import Fault, FaultyProxy, Reply, Reset, Stall
from tests.recorder.store.s3_server import ACCESS_KEY, SECRET, Bucket, open_bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore


async def put_fails(store: ObjectStore) -> StoreError:
    with pytest.raises(StoreError) as raised, errors_told():
        await obstore.put_async(store, "a", b"bytes")
    text = str(raised.value)
    assert ACCESS_KEY not in text
    assert SECRET not in text
    assert text.endswith(".")
    assert raised.value.__suppress_context__, "the library's text would stand in the log"
    return raised.value


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (Reply(500, "InternalError"), "error", "500 InternalError"),
        (Reply(503, "SlowDown"), "error", "too busy"),
        (Reply(503), "error", "too busy"),
        (Reply(403, "AccessDenied"), "refused", "AccessDenied"),
        (Reply(403), "refused", "403"),
        (Reply(403, "SignatureDoesNotMatch"), "refused", "secret"),
        (Reply(403, "InvalidAccessKeyId"), "refused", "access key"),
        (Reply(403, "RequestTimeTooSkewed"), "refused", "clocks"),
        (Reply(400, "AuthorizationHeaderMalformed"), "settings", "region"),
        (Reply(301, "PermanentRedirect"), "settings", "region"),
        (Reply(507), "full", "full"),
        (Reply(507, "XMinioStorageFull"), "full", "full"),
        (Reply(403, "QuotaExceeded"), "full", "full"),
        (Reply(404, "NoSuchBucket"), "no bucket", "does not exist"),
        (Reply(404), "not found", "does not have"),
        (Reply(416), "beyond", "ends before"),
        (Reply(418, "Teapot"), "error", "418 Teapot"),
        (Reset(), "unreachable", "broke off"),
    ],
)
async def test_an_answer(
    proxied: ObjectStore, proxy: FaultyProxy, fault: Fault, kind: Kind, said: str
) -> None:
    proxy.rule = lambda seen: fault
    error = await put_fails(proxied)
    assert (error.kind, said in str(error)) == (kind, True), str(error)


async def test_what_the_store_quotes_is_not_passed_on(
    proxied: ObjectStore, proxy: FaultyProxy
) -> None:
    quoting = f"SignatureDoesNotMatch</Code><AWSAccessKeyId>{ACCESS_KEY}</AWSAccessKeyId><Code>x"
    proxy.rule = lambda seen: Reply(403, quoting)
    assert str(await put_fails(proxied)) == "The secret does not fit the access key."


async def test_no_answer(bucket: Bucket, proxy: FaultyProxy) -> None:
    proxy.rule = lambda seen: Stall()
    store = open_bucket(bucket, endpoint=proxy.endpoint, request_s=0.2)
    assert (await put_fails(store)).kind == "slow"


async def test_nobody_there(proxied: ObjectStore, proxy: FaultyProxy) -> None:
    await proxy.down()
    error = await put_fails(proxied)
    assert (error.kind, "refused" in str(error)) == ("unreachable", True)


async def test_a_name_that_is_not_known(bucket: Bucket) -> None:
    error = await put_fails(open_bucket(bucket, endpoint="https://store.invalid"))
    assert (error.kind, "name" in str(error)) == ("unreachable", True)


async def test_https_where_http_is_spoken(bucket: Bucket, proxy: FaultyProxy) -> None:
    store = open_bucket(bucket, endpoint=proxy.endpoint.replace("http:", "https:"), request_s=0.3)
    assert (await put_fails(store)).kind in ("unreachable", "slow")


async def test_a_bucket_that_is_not_there(bucket: Bucket) -> None:
    bucket.name = "no-such-bucket"
    assert (await put_fails(open_bucket(bucket))).kind == "no bucket"


async def test_an_object_that_is_not_there(store: ObjectStore, tmp_path: Path) -> None:
    for one in (store, FileAddress(tmp_path).open()):
        with pytest.raises(StoreError) as raised, errors_told():
            await obstore.head_async(one, "a")
        assert raised.value.kind == "not found"


async def test_an_object_that_is_there(store: ObjectStore, tmp_path: Path) -> None:
    for one in (store, FileAddress(tmp_path).open()):
        await obstore.put_async(one, "a", b"1")
        with pytest.raises(StoreError) as raised, errors_told():
            await obstore.put_async(one, "a", b"2", mode="create")
        assert raised.value.kind == "there"


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, "full"), (errno.EDQUOT, "full"), (errno.EACCES, "refused"),
     (errno.EROFS, "refused"), (errno.EIO, "error")],
)  # fmt: skip
def test_a_folder(number: int, kind: Kind) -> None:
    assert explained(OSError(number, "x")).kind == kind


def test_a_full_disk() -> None:
    """A real one: a device that has no space for anything."""
    full = Path("/dev/full")
    with pytest.raises(StoreError) as raised, errors_told():
        full.write_bytes(b"x")
    assert (raised.value.kind, "disk is full" in str(raised.value)) == ("full", True)
