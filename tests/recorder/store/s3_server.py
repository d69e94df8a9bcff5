"""A real S3 server on a free port, and a second look at it that owes nothing to our own client."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote
from urllib.request import Request, urlopen
from xml.etree import ElementTree

from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from recorder.store.address import parse

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SECRET = "vErYsEcReTvErYsEcReT"
ACCESS_KEY = "SLUICEKEYID"

_numbers = itertools.count(1)


class Bucket:
    """One bucket of a server."""

    def __init__(self, endpoint: str, name: str, *, make: bool = True) -> None:
        self.endpoint = endpoint
        self.name = name
        if make:
            self._ask("PUT", "", b"")

    def names(self, prefix: str = "") -> list[str]:
        found: list[str] = []
        token = ""
        while True:
            more = f"&continuation-token={quote(token, safe='')}" if token else ""
            data = self._ask("GET", f"?list-type=2&prefix={quote(prefix)}{more}")
            tree = ElementTree.fromstring(data)
            space = tree.tag.partition("}")[0] + "}"
            found += [one.text or "" for one in tree.iter(f"{space}Key")]
            token = tree.findtext(f"{space}NextContinuationToken") or ""
            if not token:
                return found

    def read(self, name: str) -> bytes:
        return self._ask("GET", f"/{quote(name)}")

    def sha256(self, name: str) -> str:
        return sha256(self.read(name)).hexdigest()

    def write(self, name: str, data: bytes) -> None:
        self._ask("PUT", f"/{quote(name)}", data)

    def delete(self, name: str) -> None:
        self._ask("DELETE", f"/{quote(name)}")

    def _ask(self, method: str, path: str, data: bytes | None = None) -> bytes:
        # This server wants objects to be asked for by somebody, and believes whoever it is.
        signed = "AWS4-HMAC-SHA256 Credential=T/20260101/us-east-1/s3/aws4_request, Signature=0"
        headers = {"Content-Type": "application/octet-stream", "Authorization": signed}
        request = Request(f"{self.endpoint}/{self.name}{path}", data, headers, method=method)
        with urlopen(request) as answer:
            return bytes(answer.read())


@contextmanager
def s3_server() -> Iterator[str]:
    """Its endpoint."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(endpoint: str) -> Bucket:
    """An empty one, whatever other tests did."""
    return Bucket(endpoint, f"bucket-{next(_numbers)}")


def open_bucket(
    bucket: Bucket, *, endpoint: str = "", prefix: str = "", request_s: float = 20
) -> ObjectStore:
    """The bucket as the project opens it, directly or at another endpoint."""
    address = parse(
        f"s3://{bucket.name}/{prefix}",
        endpoint=endpoint or bucket.endpoint,
        access_key=ACCESS_KEY,
        secret=SecretStr(SECRET),
    )
    return address.open(request_s=request_s)
