"""`Link` headers that tell a client its ICE servers (RFC 9725 section 4.6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from sluice.config import IceServer


def ice_links(
    servers: Sequence[IceServer], name: str, wall_ms: int, user_agent: str = ""
) -> list[str]:
    """One header value for each URL. `name` marks a TURN REST user in the TURN server's log."""
    links = []
    for server in servers:
        username, credential = _credentials(server, name, wall_ms)
        for url in server.urls:
            # OBS gives up on the whole session when it meets a scheme it does not know.
            if "OBS" in user_agent and url.startswith(("turns:", "stuns:")):
                continue
            link = f'<{url}>; rel="ice-server"'
            if username and url.startswith("turn"):
                link += (
                    f'; username="{username}"; credential="{credential}";'
                    ' credential-type="password"'
                )
            links.append(link)
    return links


def turn_rest(secret: str, name: str, expires_s: int) -> tuple[str, str]:
    """Username and credential that coturn's `use-auth-secret` takes until `expires_s`."""
    username = f"{expires_s}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def _credentials(server: IceServer, name: str, wall_ms: int) -> tuple[str, str]:
    if server.secret is not None:
        expires_s = wall_ms // 1000 + server.ttl_s
        return turn_rest(server.secret.get_secret_value(), name, expires_s)
    if server.username is not None and server.credential is not None:
        return server.username, server.credential.get_secret_value()
    return "", ""
