"""The configurations for nginx and Varnish. tests/journeys/test_edges.py runs them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.edge.config import NGINX, SERVICE, VCL, EdgePlan, next_steps, render, write
from bridge.edge.key import DIRECTIVES

PLAN = EdgePlan(
    origin="10.0.0.5:8080",
    server_name="live.example.org",
    tls_cert="/etc/ssl/live.pem",
    tls_key="/etc/ssl/live.key",
)


def test_the_first_line_says_how_the_file_was_made() -> None:
    for text in render(PLAN, "sluice edge-config --out x").values():
        assert text.splitlines()[0].startswith("# Made by `sluice edge-config --out x`.")


def test_a_command_cannot_get_out_of_its_comment() -> None:
    for text in render(PLAN, "sluice `x`\nserver { }").values():
        assert text.splitlines()[0].startswith("# Made by `sluice 'x' server { }`.")


def test_every_place_is_filled_and_every_value_used() -> None:
    plan = EdgePlan(
        origin="10.1.2.3:8081",
        server_name="edge.example.net",
        tls_cert="/a/cert.pem",
        tls_key="/a/key.pem",
        listen="192.0.2.7:8443",
        varnish="127.0.0.1:6099",
        vcl_path="/a/b.vcl",
        cache_dir="/a/grants",
        memory="77m",
        grace_s=33,
        address_rate=444,
    )
    texts = render(plan, "x")
    assert not any(re.search(r"@[a-z_]+@", text) for text in texts.values())
    for value in ("10.1.2.3:8081", "edge.example.net", "/a/cert.pem", "/a/key.pem", "/a/grants"):
        assert value in texts[NGINX]
    for value in ('"10.1.2.3"', '"8081"', "grace = 33s"):
        assert value in texts[VCL]
    for value in ("127.0.0.1:6099", "/a/b.vcl", "77m"):
        assert value in texts[SERVICE]
    assert "listen 192.0.2.7:8443 ssl http2;" in texts[NGINX]
    for value in ("rate=444r/s;", "burst=888 ", "limit_conn sluice_conn 444;"):
        assert value in texts[NGINX]
    assert "server 127.0.0.1:6099;" in texts[NGINX]


def test_varnish_and_the_own_edge_know_the_same_directives() -> None:
    found = re.search(r"\(\?!_HLS_\(\?:([a-z|]+)\)=\)", render(PLAN, "x")[VCL])
    assert found is not None
    assert {f"_HLS_{name}" for name in found[1].split("|")} == set(DIRECTIVES)


@pytest.mark.parametrize(
    "limit",
    [
        "client_header_timeout 5s;",
        "client_body_timeout 10s;",
        "client_max_body_size 64k;",
        "max_ranges 1;",
        "limit_req zone=sluice_live",
        "limit_conn sluice_conn",
        "send_timeout",
    ],
)
def test_limits_for_strangers_are_set(limit: str) -> None:
    assert limit in render(PLAN, "x")[NGINX]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("origin", "10.0.0.5"),
        ("origin", "10.0.0.5:99999"),
        ("origin", "10.0.0.5:0"),
        ("origin", "http://10.0.0.5:80"),
        ("varnish", "127.0.0.1:6081; }"),
        ("listen", "443 ssl;"),
        ("listen", "0"),
        ("server_name", "a b"),
        ("server_name", "a;"),
        ("tls_cert", "cert.pem"),
        ("tls_key", "/a key.pem"),
        ("cache_dir", "/a;b"),
        ("memory", "lots"),
    ],
)
def test_a_value_that_would_change_the_configuration_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(PLAN, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("grace_s", [-1, 3_601])
def test_an_absurd_grace_is_refused(grace_s: int) -> None:
    with pytest.raises(ValueError, match="grace"):
        replace(PLAN, grace_s=grace_s)


def test_an_origin_may_have_an_ipv6_address() -> None:
    texts = render(replace(PLAN, origin="[2001:db8::5]:8080"), "x")
    assert "server [2001:db8::5]:8080;" in texts[NGINX]
    assert '.host = "2001:db8::5";' in texts[VCL]


def test_files_are_written_and_the_steps_name_each_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "edge"
    written = write(PLAN, "x", folder)
    assert sorted(path.name for path in written) == sorted([NGINX, VCL, SERVICE])
    assert {path.read_text() for path in written} == set(render(PLAN, "x").values())
    steps = "\n".join(next_steps(PLAN, folder))
    assert all(str(path) in steps for path in written)


@pytest.mark.parametrize("address_rate", [0, 30_001])
def test_an_absurd_rate_is_refused(address_rate: int) -> None:
    with pytest.raises(ValueError, match="requests a second"):
        replace(PLAN, address_rate=address_rate)
