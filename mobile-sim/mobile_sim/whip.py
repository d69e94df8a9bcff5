"""The client side of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): offer in, answer out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiortc import RTCIceServer

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_BODY = 256 * 1024
"""Bytes of an answer or a problem body. No server needs more."""
MAX_REDIRECTS = 5
MAX_ICE_SERVERS = 8
REQUEST_TIMEOUT_S = 10.0
DELETE_TIMEOUT_S = 2.0
GONE_TIMEOUT_S = 1.0
GONE = (404, 410)
RETRIED = frozenset({404, 408, 409, 425, 429})
"""4xx that may pass: not live yet, still taken, too early, too many. Every 5xx may pass, too."""


class Refused(Exception):
    """The server said no."""

    def __init__(self, status: int, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s

    @property
    def final(self) -> bool:
        """True when asking again cannot help."""
        return self.status < 500 and self.status not in RETRIED


class Unreachable(Exception):
    """No HTTP answer: the server is down, or the network is."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the server made of an offer."""

    url: str
    """Where DELETE ends the session. Absolute."""
    etag: str | None
    answer: str
    ice_servers: tuple[RTCIceServer, ...]
    """TURN and STUN servers for the next connection: the offer of this one is already gathered."""


class WhipClient:
    """Opens and ends sessions at one endpoint. The key goes along with every request."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoint: str,
        key: str | None,
        online: Callable[[], bool] = lambda: True,
    ) -> None:
        """`online` says whether there is a network at all; without one every request fails."""
        self._http = http
        self._endpoint = endpoint
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._online = online

    async def post(self, offer: str) -> Session:
        """Send the offer and return the session. Raises Refused or Unreachable."""
        self._check_online()
        url = self._endpoint
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = await self._http.post(
                    url,
                    data=offer.encode(),
                    headers={**self._headers, "Content-Type": SDP, "Accept": SDP},
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S),
                )
                async with response:
                    body = await _read(response)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Unreachable(f"{url}: {error or 'no answer in time'}") from error
            if response.status not in (307, 308):
                return _session(url, response, body)
            url = _redirect(url, response)
        raise Refused(310, f"more than {MAX_REDIRECTS} redirects")

    async def restart_ice(self, session: Session, fragment: str) -> tuple[Session, str]:
        """Ask for an ICE restart (RFC 9725 section 4.3.3).

        Returns the session as it is now and the server's fragment. Raises Refused or Unreachable.
        """
        self._check_online()
        headers = {**self._headers, "Content-Type": FRAGMENT, "If-Match": "*"}
        try:
            async with self._http.patch(
                session.url,
                data=fragment.encode(),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S),
            ) as response:
                body = await _read(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{session.url}: {error or 'no answer in time'}") from error
        if response.status != 200 or response.content_type != FRAGMENT:
            raise _refused(response, body)
        etag = response.headers.get("ETag", session.etag)
        return replace(session, etag=etag), body.decode(errors="replace")

    async def is_gone(self, session: Session) -> bool:
        """Whether the server says that it knows the session no more. Never raises: who does not
        answer within a second, or cannot be asked this (RFC 9725 section 4.3.1), does not say so.

        The question is a trickle of nothing.
        """
        if session.etag is None:
            return False
        try:
            self._check_online()
            async with self._http.patch(
                session.url,
                data=b"a=end-of-candidates\r\n",
                headers={**self._headers, "Content-Type": FRAGMENT, "If-Match": session.etag},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=GONE_TIMEOUT_S),
            ) as response:
                return response.status in GONE
        except (aiohttp.ClientError, TimeoutError, Unreachable):
            return False

    async def delete(self, session: Session) -> None:
        """End the session. Raises Refused or Unreachable; a session already gone is no error."""
        self._check_online()
        try:
            async with self._http.delete(
                session.url,
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=DELETE_TIMEOUT_S),
            ) as response:
                if response.status >= 400 and response.status not in GONE:
                    raise _refused(response, await _read(response))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{session.url}: {error or 'no answer in time'}") from error

    def _check_online(self) -> None:
        if not self._online():
            raise Unreachable("the phone has no network")


def fresh_connections() -> aiohttp.TCPConnector:
    """A new connection for each request: one that is kept hangs when its address is gone."""
    return aiohttp.TCPConnector(force_close=True)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Return a Retry-After in seconds from `now` (RFC 9110 section 10.2.3), None if unreadable."""
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}\s*", value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


_LINK = re.compile(
    r'\s*<(?P<target>[^>]*)>(?P<parameters>(?:\s*;\s*[^;,="\s]+(?:="[^"]*"|=[^;,"]*)?)*)'
)
_PARAMETER = re.compile(r';\s*(?P<name>[^;,="\s]+)(?:="(?P<quoted>[^"]*)"|=(?P<plain>[^;,"]*))?')


def parse_ice_links(values: Iterable[str]) -> tuple[RTCIceServer, ...]:
    """Return the ICE servers among `Link` header values (RFC 9725 section 4.6)."""
    servers: list[RTCIceServer] = []
    for value in values:
        for link in _LINK.finditer(value):
            parameters = {
                found["name"].lower(): (found["quoted"] or found["plain"] or "").strip()
                for found in _PARAMETER.finditer(link["parameters"])
            }
            if parameters.get("rel") != "ice-server":
                continue
            if not re.match(r"(stun|turn)s?:", link["target"]):
                continue
            servers.append(
                RTCIceServer(
                    urls=link["target"],
                    username=parameters.get("username"),
                    credential=parameters.get("credential"),
                )
            )
    return tuple(servers[:MAX_ICE_SERVERS])


def _session(url: str, response: aiohttp.ClientResponse, body: bytes) -> Session:
    status = response.status
    if status != 201:
        if 200 <= status < 400:
            raise Refused(status, f"expected 201 Created, got {status} {response.reason}")
        raise _refused(response, body)
    location = response.headers.get("Location")
    if not location:
        raise Refused(502, "the answer has no Location")
    if response.content_type != SDP:
        raise Refused(502, f"the answer is {response.content_type}, not {SDP}")
    session_url = urljoin(url, location)
    if urlsplit(session_url).scheme not in ("http", "https"):
        raise Refused(502, f"the session's Location is no HTTP address: {location}")
    return Session(
        url=session_url,
        etag=response.headers.get("ETag"),
        answer=body.decode(errors="replace"),
        ice_servers=parse_ice_links(response.headers.getall("Link", [])),
    )


def _redirect(url: str, response: aiohttp.ClientResponse) -> str:
    """The next address. The key goes with it, so https never falls back to http."""
    location = response.headers.get("Location")
    if not location:
        raise Refused(502, "a redirect without Location")
    target = urljoin(url, location)
    scheme = urlsplit(target).scheme
    if scheme not in ("http", "https") or (urlsplit(url).scheme == "https" and scheme == "http"):
        raise Refused(310, f"a redirect to {target} would send the key in the clear")
    return target


def _refused(response: aiohttp.ClientResponse, body: bytes) -> Refused:
    retry_after = parse_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
    return Refused(response.status, _detail(response, body), retry_after)


def _detail(response: aiohttp.ClientResponse, body: bytes) -> str:
    """The most telling text of an error: a problem body's (RFC 9457), or the reason phrase."""
    if response.content_type.endswith("json"):
        try:
            problem = json.loads(body)
        except ValueError:
            problem = None
        if isinstance(problem, dict):
            for name in ("detail", "title"):
                if isinstance(problem.get(name), str):
                    return str(problem[name])[:500]
    return response.reason or "no reason given"


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) > MAX_BODY:
            response.close()
            raise Refused(502, f"the body is longer than {MAX_BODY} bytes")
    return bytes(body)
