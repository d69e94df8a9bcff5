"""The store's address: what is let through, what is said otherwise, and that keys stay hidden."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from obstore.store import LocalStore, S3Store
from pydantic import SecretStr

from recorder.store.address import (
    AddressError,
    FileAddress,
    S3Address,
    parse,
    refuse_own_folder,
)
from recorder.store.failures import StoreError

KEY = "SLUICEKEYID"
SECRET = SecretStr("vErYsEcReT")


def s3(url: str = "s3://bucket/vods", endpoint: str = "", *, allow_http: bool = False) -> S3Address:
    found = parse(url, endpoint=endpoint, access_key=KEY, secret=SECRET, allow_http=allow_http)
    assert isinstance(found, S3Address)
    return found


def test_a_folder(tmp_path: Path) -> None:
    found = parse(f"file://{tmp_path}/the%20vods/")
    assert found == FileAddress(tmp_path / "the vods")
    assert str(found) == f"file://{tmp_path}/the%20vods"
    assert isinstance(found.open(), LocalStore)
    assert (tmp_path / "the vods").is_dir()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        parse(f"file://{tmp_path}/file/vods").open()


def test_a_bucket_at_amazon() -> None:
    found = s3("s3://bucket/a/b/")
    assert (found.bucket, found.prefix, found.plain) == ("bucket", "a/b", False)
    assert found.endpoint == "https://s3.us-east-1.amazonaws.com"
    assert str(found) == "s3://bucket/a/b at https://s3.us-east-1.amazonaws.com"


def test_a_bucket_elsewhere() -> None:
    found = s3("s3://bucket", "https://minio.example.org:9000/s3/")
    assert (found.prefix, found.endpoint) == ("", "https://minio.example.org:9000/s3")
    assert isinstance(found.open(), S3Store)


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "[::1]:9000", "localhost"])
def test_plain_http_to_this_machine(host: str) -> None:
    assert s3(endpoint=f"http://{host}").plain


def test_plain_http_elsewhere_only_if_allowed() -> None:
    with pytest.raises(AddressError, match="allow_http"):
        s3(endpoint="http://10.0.0.7:9000")
    assert s3(endpoint="http://10.0.0.7:9000", allow_http=True).plain


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "begin with"),
        ("/srv/vods", "begin with"),
        ("https://example.org/x", "begin with"),
        ("file://srv/vods", "three slashes"),
        ("file:///", "a path like"),
        ("s3://", "The bucket"),
        ("s3://Big_Bucket/x", "The bucket"),
        ("s3://bucket/../x", "The prefix"),
        ("s3://bucket/a//b", "The prefix"),
        ("s3://bucket/a b", "The prefix"),
        ("s3://bucket/x?versionId=1", "a \\?"),
        ("s3://key:word@bucket/x", "Keys do not belong"),
        ("s3://[bucket", "not a URL"),
    ],
)
def test_an_address_that_is_none(url: str, said: str) -> None:
    key, secret = ("", None) if url.startswith("file:") else (KEY, SECRET)
    with pytest.raises(AddressError, match=said) as raised:
        parse(url, access_key=key, secret=secret)
    assert "word" not in str(raised.value)


@pytest.mark.parametrize(
    "endpoint",
    ["example.org", "ftp://example.org", "https://", "https://u:word@example.org", "http://[x",
     "https://example.org?x=1", "https://example.org:99999"],
)  # fmt: skip
def test_an_endpoint_that_is_none(endpoint: str) -> None:
    with pytest.raises(AddressError) as raised:
        s3(endpoint=endpoint)
    assert "word" not in str(raised.value)


def test_options_that_do_not_fit() -> None:
    with pytest.raises(AddressError, match="access key and a secret"):
        parse("s3://bucket", access_key=KEY)
    with pytest.raises(AddressError, match="access key and a secret"):
        parse("s3://bucket", access_key=KEY, secret=SecretStr(""))
    with pytest.raises(AddressError, match="region"):
        parse("s3://bucket", region="a.b/c", access_key=KEY, secret=SECRET)
    with pytest.raises(AddressError, match="for s3:// only"):
        parse("file:///srv/vods", access_key=KEY)


def test_the_keys_stand_in_no_text() -> None:
    address = s3()
    store = address.open()
    assert isinstance(store, S3Store)
    texts = f"{address!r} {address} {store!r} {store.config} {address.keys!r} {address.keys}"
    assert KEY not in texts
    assert SECRET.get_secret_value() not in texts


def test_an_open_store_can_go_to_another_process(tmp_path: Path) -> None:
    for address in (s3(), FileAddress(tmp_path)):
        store = address.open()
        assert pickle.loads(pickle.dumps(store)) == store


def test_the_environment_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library knows many variables; the address and the keys are ours alone."""
    monkeypatch.setenv("AWS_ENDPOINT", "http://elsewhere.example.org")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    store = s3().open()
    assert isinstance(store, S3Store)
    assert store.config["endpoint"] == "https://s3.us-east-1.amazonaws.com"
    assert store.credential_provider == s3().keys
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere.example.org")
    with pytest.raises(AddressError, match="unset it"):
        s3().open()


def test_the_folder_that_is_recorded_into_is_no_store(tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    (recordings / "one").mkdir(parents=True)
    with pytest.raises(AddressError, match="take another"):
        refuse_own_folder(FileAddress(recordings).open(), recordings / "one")
    refuse_own_folder(FileAddress(tmp_path / "store").open(), recordings / "one")
    refuse_own_folder(s3().open(), recordings / "one")
