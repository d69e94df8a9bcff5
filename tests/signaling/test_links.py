"""ICE servers as Link headers."""

from __future__ import annotations

import base64
import hashlib
import hmac

from signaling.links import ice_links, turn_rest
from sluice.config import IceServer


def test_turn_rest_credentials_are_what_coturn_computes() -> None:
    username, credential = turn_rest("north", "live", 1_700_000_000)
    assert username == "1700000000:live"
    expected = hmac.new(b"north", b"1700000000:live", hashlib.sha1).digest()
    assert base64.b64decode(credential) == expected


def test_a_secret_gives_each_url_a_link_with_credentials_that_end() -> None:
    server = IceServer.model_validate(
        {"urls": ["turn:a:3478", "turn:a:3478?transport=tcp"], "secret": "s", "ttl_s": 100}
    )
    links = ice_links([server], "live", wall_ms=50_000)
    assert len(links) == 2
    assert links[1].startswith('<turn:a:3478?transport=tcp>; rel="ice-server"; username="150:')
    # Commas and semicolons split headers in clients; only the separators may be there.
    assert all("," not in link and link.count(";") == 4 for link in links)


def test_stun_servers_have_no_credentials_even_beside_turn() -> None:
    server = IceServer.model_validate(
        {"urls": ["stun:a", "turn:a"], "username": "u", "credential": "c"}
    )
    stun, turn = ice_links([server], "live", 0)
    assert stun == '<stun:a>; rel="ice-server"'
    assert 'username="u"; credential="c"; credential-type="password"' in turn
