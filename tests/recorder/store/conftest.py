"""A real S3 server for all tests of the store, a bucket for each, and a proxy that fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.recorder.store.faulty_proxy import FaultyProxy, faulty_proxy
from tests.recorder.store.s3_server import Bucket, new_bucket, open_bucket, s3_server

if TYPE_CHECKING:
    from obstore.store import ObjectStore


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The endpoint of an S3 server."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(server: str) -> Bucket:
    return new_bucket(server)


@pytest.fixture
def store(bucket: Bucket) -> ObjectStore:
    return open_bucket(bucket)


@pytest.fixture
async def proxy(server: str) -> AsyncIterator[FaultyProxy]:
    async with faulty_proxy(server) as proxy:
        yield proxy


@pytest.fixture
def proxied(bucket: Bucket, proxy: FaultyProxy) -> ObjectStore:
    """The bucket through the proxy."""
    return open_bucket(bucket, endpoint=proxy.endpoint)
