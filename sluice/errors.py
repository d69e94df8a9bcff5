"""Every error that a client can see, in one table, and the exception that carries one.

The HTTP layer turns a `Problem` into an `application/problem+json` body (RFC 9457). The text in
`detail` says what was wrong with this request; `todo` from the table says what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TYPE_PREFIX: Final = "urn:sluice:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table. `code` is stable: clients and metrics may rely on it."""

    code: str
    status: int
    title: str
    todo: str


_ROWS: Final = (
    Kind("bad-request", 400, "The request cannot be read", "Correct the request."),
    Kind("offer-malformed", 400, "The SDP offer is malformed", "Send the offer unchanged."),
    Kind("fragment-malformed", 400, "The SDP fragment is malformed", "Send an RFC 8840 fragment."),
    Kind("json-malformed", 400, "The JSON body is not right", "See /api/openapi.json."),
    Kind("directive-refused", 400, "A delivery directive is wrong", "Leave it out."),
    Kind("signature-invalid", 400, "The webhook's signature is not right",
         "Send the body unchanged, and in time."),
    Kind("unauthorized", 401, "Credentials are missing", "Send `Authorization: Bearer <token>`."),
    Kind("token-invalid", 401, "The viewer token is not valid", "Ask for a new viewer token."),
    Kind("user-token-invalid", 401, "The user token is not valid", "Ask for a new user token."),
    Kind("forbidden", 403, "These credentials do not open this", "Use the current key or token."),
    Kind("not-found", 404, "There is nothing at this address", "Check the address."),
    Kind("channel-unknown", 404, "There is no such channel", "Check the channel's name."),
    Kind("session-unknown", 404, "There is no such session", "Start a new session with POST."),
    Kind("media-unknown", 404, "There is no such media", "Reload the playlist."),
    Kind("vod-unknown", 404, "There is no such recording", "See the channel's list."),
    Kind("clip-unknown", 404, "There is no such clip", "See the channel's list."),
    Kind("vod-live", 409, "It is still being recorded", "Watch it live, or ask again later."),
    Kind("vod-damaged", 404, "The recording is damaged", "Run `sluice vod repair`."),
    Kind("clip-refused", 409, "Nothing can be clipped now", "Clip what is live or recorded."),
    Kind("money-off", 404, "There is no payment provider", "Set money.provider."),
    Kind("method-not-allowed", 405, "The method is not allowed here", "See the Allow header."),
    Kind("head-timeout", 408, "The request's head did not arrive in time",
         "Send the request again."),
    Kind("body-timeout", 408, "The body did not arrive in time", "Send the request again."),
    Kind("not-live", 409, "The channel is not live", "Try again after Retry-After seconds."),
    Kind("channel-exists", 409, "The channel exists already", "Choose another name."),
    Kind("key-reused", 409, "The Idempotency-Key belongs to another request", "Use a new key."),
    Kind("refund-refused", 409, "This cannot be given back", "See what is left of the donation."),
    Kind("subscribed-already", 409, "There is such a subscription", "Wait until it ends."),
    Kind("etag-mismatch", 412, "If-Match does not name this ICE session", "Use the last ETag."),
    Kind("too-large", 413, "The body is too large", "Send less."),
    Kind("uri-too-long", 414, "The address is too long", "Send a shorter address."),
    Kind("wrong-media-type", 415, "The media type is not taken here", "Correct Content-Type."),
    Kind("range-refused", 416, "The range lies outside", "Ask for a range inside Content-Range."),
    Kind("captions-refused", 422, "The caption file cannot be used", "Correct the line."),
    Kind("offer-unsupported", 422, "The offer holds nothing that can be forwarded",
         "Offer H.264, H.265, VP8, VP9, AV1 or Opus."),
    Kind("offer-limit", 422, "The offer is beyond a limit", "Offer fewer media sections."),
    Kind("payment-refused", 422, "The payment provider refuses this", "Correct the payment."),
    Kind("restart-refused", 422, "ICE cannot be restarted so", "Send new ice-ufrag and ice-pwd."),
    Kind("value-refused", 422, "A value is not allowed", "Correct the value."),
    Kind("if-match-missing", 428, "If-Match is missing", "Send the ETag, or * to restart ICE."),
    Kind("rate-limited", 429, "Too many requests", "Wait for Retry-After seconds."),
    Kind("headers-too-large", 431, "The headers are too large", "Send fewer or shorter headers."),
    Kind("internal", 500, "Sluice failed", "Report it with the time; the log has the cause."),
    Kind("provider-unreachable", 502, "The payment provider does not answer",
         "Try again after Retry-After seconds, with the same Idempotency-Key."),
    Kind("busy", 503, "Sluice takes no more now", "Try again after Retry-After seconds."),
    Kind("late", 503, "What was waited for did not come", "Try again after Retry-After seconds."),
    Kind("ledger-down", 503, "The ledger cannot be reached",
         "Try again after Retry-After seconds."),
    Kind("catalog-down", 503, "The catalog cannot be reached",
         "Try again after Retry-After seconds."),
    Kind("media-restarting", 503, "The media plane starts again",
         "Try again after Retry-After seconds."),
    Kind("stopping", 503, "Sluice is stopping", "Try again after Retry-After seconds."),
    Kind("storage-full", 507, "The storage cannot be written", "Free disk space."),
)  # fmt: skip

KINDS: Final[dict[str, Kind]] = {row.code: row for row in _ROWS}


class Problem(Exception):
    """An error for the client. `code` must stand in the table."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        retry_after_s: int | None = None,
        line: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[code]
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.line = line
        self.headers = headers or {}

    def body(self) -> dict[str, str | int]:
        """The members of the problem object (RFC 9457 section 3.1), and `code` and `line`."""
        kind = self.kind
        body: dict[str, str | int] = {
            "type": TYPE_PREFIX + kind.code,
            "title": kind.title,
            "status": kind.status,
            "detail": f"{self.detail} {kind.todo}",
            "code": kind.code,
        }
        if self.line is not None:
            body["line"] = self.line
        return body
