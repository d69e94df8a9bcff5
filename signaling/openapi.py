"""The OpenAPI 3.1 document. Schemas come from the views; a test holds it true to the routes."""

from __future__ import annotations

import json

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from signaling import chat_views, money_views, views
from signaling.device_api import DEVICE_OPERATIONS
from signaling.negotiation import SDP
from signaling.operation import EVENTS, JSON, NAMES, PROBLEM, Auth, Operation, Shape
from signaling.routing import resource
from signaling.sdpfrag import MEDIA_TYPE as SDPFRAG
from signaling.vod_operations import VOD_OPERATIONS
from sluice.metrics import CONTENT_TYPE

_PARAMETERS = {
    "channel": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"},
    "session": {"type": "string"},
    "subscription": {"type": "string"},
    "peer": {"type": "integer", "minimum": 0},
    "donation": {"type": "string"},
    "order": {"type": "string"},
    "provider": {"type": "string"},
    "vod": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{2,127}$"},
    "clip": {"type": "string"},
    "language": {"type": "string"},
}


def _negotiation(room: str, auth: Auth) -> list[Operation]:
    name = room.upper()
    endpoint, session = f"/{room}/{{channel}}", f"/{room}/{{channel}}/{{session}}"
    extra = (409,) if room == "whep" else ()
    head: dict[int, Shape] = {200: SDP} if room == "whep" else {204: None}
    return [
        Operation(
            "post", endpoint, f"{name}: send an SDP offer", auth, {201: SDP, 307: None}, SDP,
            (400, 401, 403, 404, 408, *extra, 413, 415, 422, 429, 503),
        ),
        Operation("get", endpoint, f"{name}: nothing to read", auth, {204: None}, None, (404,)),
        Operation("head", endpoint, f"{name}: a sign of life", auth, head, None, (404,)),
        Operation("options", endpoint, f"{name}: what the endpoint takes", "none", {200: None}),
        Operation(
            "patch", session, f"{name}: trickle candidates, or restart ICE", auth,
            {200: SDPFRAG, 204: None}, SDPFRAG, (400, 401, 403, 404, 412, 413, 428, 429),
        ),
        Operation(
            "delete", session, f"{name}: end the session", auth, {200: None}, None,
            (401, 403, 404, 429),
        ),
        Operation("options", session, f"{name}: what the session takes", "none", {200: None}),
    ]  # fmt: skip


_CHANNEL = "/api/channels/{channel}"
_BROADCAST = "/api/broadcasts/{channel}"
_EVENTS = "/whep/{channel}/{session}/events"
_ADMIN = (401, 403, 429)

OPERATIONS: tuple[Operation, ...] = (
    *_negotiation("whip", "key"),
    *_negotiation("whep", "watch"),
    Operation("post", _EVENTS, "WHEP: subscribe to events", "watch", {201: None}, NAMES,
              (400, 401, 403, 404, 415, 422, 429)),
    Operation("get", _EVENTS + "/{subscription}", "WHEP: the events", "none", {200: EVENTS}, None,
              (404, 429, 503)),
    Operation("post", "/whep/{channel}/{session}/layer", "WHEP: choose a layer", "watch",
              {200: None}, views.LayerChoice, (400, 401, 403, 404, 415, 422, 429)),
    Operation("get", "/api/time", "The server's clock", "none", {200: views.TimeView}),
    Operation("get", "/api/live", "Public channels that are live", "none", {200: views.LiveList}),
    Operation("get", _CHANNEL + "/state", "A channel's state", "none",
              {200: views.ChannelState}, None, (404,)),
    Operation("get", _CHANNEL + "/events", "A channel's events, the present state first; "
              "with the stream key also how the recording goes", "watch",
              {200: EVENTS}, None, (401, 403, 404, 429, 503)),
    Operation("post", _CHANNEL + "/playback", "Where HLS and DASH are; signed where that is needed",
              "watch", {200: views.PlaybackView}, None, (401, 403, 404, 429)),
    Operation("get", "/live-grant/{channel}", "Whether X-Sluice-Grant opens the channel; for edges",
              "none", {204: None}, None, (401, 403, 404)),
    Operation("post", _CHANNEL + "/chat/ticket", "A ticket for one `hello` in the channel's room",
              "watch", {201: chat_views.ChatTicketView}, chat_views.ChatTicketWish,
              (400, 401, 403, 404, 413, 415, 429, 503)),
    Operation("post", _CHANNEL + "/chat/guest", "A name for a guest, where guests may write",
              "watch", {201: chat_views.ChatUserView}, chat_views.ChatGuestWish,
              (400, 401, 403, 404, 413, 415, 429, 503)),
    Operation("post", _CHANNEL + "/chat/users", "A user token for somebody whom the app knows",
              "admin", {201: chat_views.ChatUserView}, chat_views.ChatUserWish,
              (400, *_ADMIN, 404, 413, 415, 422)),
    Operation("get", _CHANNEL + "/chat/history", "A room's public entries by stream time", "watch",
              {200: chat_views.ChatHistory}, None, (401, 403, 404, 422, 429, 503)),
    Operation("get", _CHANNEL + "/chat/hearts", "Reactions by second of the stream", "watch",
              {200: chat_views.ChatHearts}, None, (401, 403, 404, 422, 429, 503)),
    Operation("get", "/api/channels", "All channels", "admin", {200: views.ChannelList}, None,
              (*_ADMIN, 422), paged=True),
    Operation("post", "/api/channels", "Make a channel; shows its key once", "admin",
              {201: views.KeyView}, views.NewChannel, (400, *_ADMIN, 409, 413, 415, 422, 507)),
    Operation("get", _CHANNEL, "One channel", "admin", {200: views.ChannelView}, None,
              (*_ADMIN, 404)),
    Operation("patch", _CHANNEL, "Change title or access", "admin", {200: views.ChannelView},
              views.ChannelChange, (400, *_ADMIN, 404, 413, 415, 507)),
    Operation("delete", _CHANNEL, "Delete a channel and close its peers", "admin", {204: None},
              None, (*_ADMIN, 404, 507)),
    Operation("post", _CHANNEL + "/key", "A new stream key; closes who uses the old one", "admin",
              {201: views.KeyView}, None, (*_ADMIN, 404, 507)),
    Operation("delete", _CHANNEL + "/key", "Revoke the key; closes the publisher", "admin",
              {204: None}, None, (*_ADMIN, 404, 507)),
    Operation("post", _CHANNEL + "/viewer-tokens", "A token for a viewer", "admin",
              {201: views.ViewerTokenView}, views.ViewerTokenWish,
              (400, *_ADMIN, 404, 413, 415, 422)),
    Operation("post", "/api/viewer-tokens/revoke", "Revoke a token; closes its viewers", "admin",
              {204: None}, views.TokenRevocation, (400, *_ADMIN, 413, 415, 422, 507)),
    Operation("get", "/api/broadcasts", "All broadcasts", "admin", {200: views.BroadcastList},
              None, _ADMIN),
    Operation("get", _BROADCAST, "One broadcast", "admin", {200: views.BroadcastView}, None,
              (*_ADMIN, 404)),
    Operation("get", _BROADCAST + "/peers", "Its peers with their counters", "admin",
              {200: views.PeerList}, None, (*_ADMIN, 404, 422), paged=True),
    Operation("get", "/api/peers/{peer}", "One peer", "admin", {200: views.PeerView}, None,
              (*_ADMIN, 404, 422)),
    Operation("delete", "/api/peers/{peer}", "Close a peer", "admin", {204: None}, None,
              (*_ADMIN, 404, 422)),
    Operation("get", _CHANNEL + "/money", "What can be paid, and through whom", "watch",
              {200: money_views.MoneyView}, None, (401, 403, 404, 429)),
    Operation("post", _CHANNEL + "/donations", "Begin a donation", "watch",
              {200: money_views.DonationView, 201: money_views.DonationView},
              money_views.NewDonation,
              (400, 401, 403, 404, 409, 413, 415, 422, 429, 502, 503), keyed=True),
    Operation("get", "/api/donations/{donation}", "How a donation stands", "none",
              {200: money_views.DonationView}, None, (404, 503)),
    Operation("post", "/api/donations/{donation}/refunds", "Give back some of a donation", "admin",
              {200: money_views.RefundView, 201: money_views.RefundView}, money_views.NewRefund,
              (400, *_ADMIN, 404, 409, 413, 415, 422, 502, 503), keyed=True),
    Operation("post", _CHANNEL + "/subscriptions", "Begin a subscription", "watch",
              {200: money_views.SubscriptionView, 201: money_views.SubscriptionView},
              money_views.NewSubscription,
              (400, 401, 403, 404, 409, 413, 415, 422, 429, 502, 503), keyed=True),
    Operation("get", _CHANNEL + "/leaderboard", "Who gave most, by currency", "watch",
              {200: money_views.Leaderboards}, None, (401, 403, 404, 422, 429, 503)),
    Operation("get", _CHANNEL + "/goal", "What the channel collects for", "watch",
              {200: money_views.GoalState}, None, (401, 403, 404, 429, 503)),
    Operation("put", _CHANNEL + "/goal", "Set what the channel collects for", "key",
              {200: money_views.GoalState}, money_views.NewGoal,
              (400, 401, 403, 404, 413, 415, 422, 429, 503)),
    Operation("post", "/webhooks/{provider}", "A payment provider's signed event", "none",
              {200: money_views.WebhookView}, JSON, (400, 404, 408, 413, 503)),
    Operation("post", "/fake-pay/{order}", "Pay an order of the pretend provider", "none",
              {200: money_views.WebhookView}, None, (404, 429, 503)),
    *VOD_OPERATIONS,
    *DEVICE_OPERATIONS,
    Operation("get", "/api/openapi.json", "This document", "none", {200: JSON}),
    Operation("get", "/metrics", "Prometheus metrics", "none", {200: CONTENT_TYPE}),
    Operation("get", "/healthz", "Whether the process should live", "none",
              {200: views.HealthView, 503: views.HealthView}),
    Operation("get", "/readyz", "Whether to send requests here", "none",
              {200: views.HealthView, 503: views.HealthView}),
)  # fmt: skip


def document() -> dict[str, object]:
    """The whole document."""
    shapes: set[type[msgspec.Struct]] = {views.ProblemView}
    for operation in OPERATIONS:
        for shape in (operation.body, *operation.answers.values()):
            if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
                shapes.add(shape)
    _, schemas = msgspec.json.schema_components(
        sorted(shapes, key=lambda shape: shape.__name__),
        ref_template="#/components/schemas/{name}",
    )
    paths: dict[str, dict[str, object]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sluice", "version": "1", "summary": "Live streaming over WebRTC."},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "The stream key."},
                "watch": {"type": "http", "scheme": "bearer", "description": "A viewer token."},
                "admin": {"type": "http", "scheme": "bearer", "description": "The admin token."},
            },
        },
    }


def routes() -> list[Route]:
    """`/api/openapi.json`."""
    body = json.dumps(document(), indent=1).encode()

    async def show(request: Request) -> Response:
        return Response(body, media_type=JSON)

    return [resource("/api/openapi.json", GET=show, HEAD=show)]


def _operation(operation: Operation) -> dict[str, object]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": _PARAMETERS[name]}
        for name in names
    ]
    if operation.paged:
        limit = {"type": "integer", "minimum": 1, "maximum": 1000}
        parameters += [
            {"name": "after", "in": "query", "schema": {"type": "string"}},
            {"name": "limit", "in": "query", "schema": limit},
        ]
    parameters += [
        {"name": name, "in": "query", "schema": {"type": kind}}
        for name, kind in operation.asks.items()
    ]
    if operation.method == "patch" and operation.body == SDPFRAG:
        parameters.append(
            {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}}
        )
    if operation.keyed:
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": key})
    described: dict[str, object] = {
        "summary": operation.summary,
        "operationId": _operation_id(operation),
        "parameters": parameters,
        "responses": {
            **{str(code): _answer(shape) for code, shape in operation.answers.items()},
            **{str(code): _refusal() for code in operation.refuses},
            "default": _refusal(),
        },
    }
    if operation.auth != "none":
        schemes: list[dict[str, list[str]]] = [{operation.auth: []}]
        # A public channel is watched without a token.
        described["security"] = [*schemes, {}] if operation.auth == "watch" else schemes
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    return described


def _operation_id(operation: Operation) -> str:
    parts = [part.strip("{}").replace(".", "-") for part in operation.path.split("/") if part]
    return "-".join([operation.method, *parts])


def _answer(shape: Shape) -> dict[str, object]:
    if shape is None:
        return {"description": "Done; no body."}
    text = shape if isinstance(shape, str) else (shape.__doc__ or "").partition("\n")[0]
    return {"description": text, "content": _content(shape)}


def _refusal() -> dict[str, object]:
    return {
        "description": "A problem (RFC 9457).",
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemView"}}},
    }


def _content(shape: type | str) -> dict[str, object]:
    if shape == NAMES:
        names = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        return {JSON: {"schema": names}}
    if isinstance(shape, str):
        kind = "object" if shape == JSON else "string"
        return {shape.partition(";")[0]: {"schema": {"type": kind}}}
    return {JSON: {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}}
