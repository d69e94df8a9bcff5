"""docs/nginx.conf, as it stands, in front of a real server."""

from __future__ import annotations

import json
import shlex
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.server import SluiceServer, free_ports
from tests.journeys.waiting import until

SITE = Path(__file__).parents[2] / "docs" / "nginx.conf"
NAME = "live.example.org"

pytestmark = [pytest.mark.needs("nginx"), pytest.mark.needs("openssl")]


@dataclass(frozen=True)
class Proxy:
    origin: str
    tls: ssl.SSLContext

    def open(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self.origin + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10, context=self.tls) as answer:
                # An event stream does not end: its first lines will do.
                stream = answer.headers.get_content_type() == "text/event-stream"
                return answer.status, answer.readline() if stream else answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()


@pytest.fixture
def proxy(server: SluiceServer, tmp_path: Path) -> Iterator[Proxy]:
    port = free_ports(1)
    certificate, key = tmp_path / "site.pem", tmp_path / "site.key"
    request = shlex.split("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1")
    subprocess.run(
        ["openssl", *request, "-subj", f"/CN={NAME}", "-out", certificate, "-keyout", key],
        check=True,
        capture_output=True,
    )
    site = SITE.read_text(encoding="utf-8")
    for ours, theirs in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "127.0.0.1:8080": server.origin.removeprefix("http://"),
        f"/etc/ssl/{NAME}.pem": str(certificate),
        f"/etc/ssl/{NAME}.key": str(key),
    }.items():
        assert ours in site
        site = site.replace(ours, theirs)
    (tmp_path / "site.conf").write_text(site, encoding="utf-8")
    main = tmp_path / "nginx.conf"
    main.write_text(
        f"daemon off; worker_processes 1; pid {tmp_path}/nginx.pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; client_body_temp_path {tmp_path}/body;\n"
        f"proxy_temp_path {tmp_path}/proxy; include {tmp_path}/site.conf; }}\n",
        encoding="utf-8",
    )
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    front = Proxy(f"https://127.0.0.1:{port}", tls)
    nginx = subprocess.Popen(["nginx", "-c", main, "-p", tmp_path])
    try:
        until("nginx answers", lambda: _answers(front), 10)
        yield front
    finally:
        nginx.terminate()
        nginx.wait(10)


def _answers(front: Proxy) -> bool:
    try:
        return front.open("/healthz")[0] == 200
    except OSError:
        return False


def test_pages_api_and_problems_pass(proxy: Proxy, server: SluiceServer) -> None:
    server.create_channel("lina")
    status, page = proxy.open("/watch/lina")
    assert status == 200
    assert b"<video" in page
    status, body = proxy.open("/whip/lina", b"v=0", **{"Content-Type": "application/sdp"})
    assert status == 401
    assert json.loads(body)["status"] == 401


def test_events_are_not_held_back(proxy: Proxy, server: SluiceServer) -> None:
    server.create_channel("lina")
    status, line = proxy.open("/api/channels/lina/events")
    assert status == 200
    assert line.strip()


def test_a_body_beyond_the_limit_ends_at_the_proxy(proxy: Proxy, server: SluiceServer) -> None:
    before = server.metric("sluice_http_requests_total", method="POST")
    status, _ = proxy.open("/whip/lina", b"x" * 70_000, **{"Content-Type": "application/sdp"})
    assert status == 413
    assert server.metric("sluice_http_requests_total", method="POST") == before
