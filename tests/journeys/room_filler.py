"""A few people who talk, and one who gives: a room with something in it, for pictures."""

from __future__ import annotations

import json
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from websockets.sync.client import connect

LINES = (
    ("Bo", "good morning from Turku"),
    ("Ines", "the light is so good today :heart:"),
    ("Tomasz", "did you plant the tomatoes already?"),
    ("Kofi", "first time here, hello everybody"),
    ("Bo", "@Kofi welcome! :wow:"),
    ("Ines", "the pond! the pond! :wow:"),
    ("Tomasz", "what is that bird?"),
    ("Kofi", "a wren, I think :heart:"),
)


def fill(base: str, channel: str, key: str) -> None:
    """Guests must be allowed to write, and the pretend provider must be on."""
    api = f"{base}/api/channels/{channel}"
    goal = {"title": "A new pond pump", "currency": "EUR", "target": 40_000}
    asked(f"{api}/goal", goal, "PUT", key)
    users = {name: asked(f"{api}/chat/guest", {"name": name})["user"] for name, _ in LINES}
    for number, (name, text) in enumerate(LINES):
        say(base, channel, str(users[name]), f"line{number}", text)
        if number == 4:
            gift = {"amount": 2_000, "currency": "EUR", "name": "Ines", "text": "for the frogs"}
            donation = asked(f"{api}/donations", gift)
            asked(f"{base}/fake-pay/{donation['id']}", {})


def say(base: str, channel: str, user: str, id: str, text: str) -> None:
    """One message of somebody, who leaves when it is acknowledged."""
    ticket = asked(f"{base}/api/channels/{channel}/chat/ticket", {"user": user})["ticket"]
    with connect(f"ws://{urlsplit(base).netloc}/chat/{channel}") as socket:
        socket.send(json.dumps({"op": "hello", "v": 1, "ticket": ticket}))
        until(socket.recv, "welcome")
        socket.send(json.dumps({"op": "say", "id": id, "text": text}))
        until(socket.recv, "ack")


def until(receive: object, op: str) -> None:
    """Frames up to the first of that kind."""
    assert callable(receive)
    while json.loads(receive(timeout=10))["op"] != op:
        pass


def asked(url: str, body: object, method: str = "POST", key: str = "") -> dict[str, object]:
    """The JSON answer. Raises urllib.error.HTTPError."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = Request(url, json.dumps(body).encode(), headers, method=method)
    with urlopen(request, timeout=10) as answer:
        found: dict[str, object] = json.load(answer)
    return found
