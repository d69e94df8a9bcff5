"""The streamer of `make soak`: goes off and comes back, deletes recordings and channels."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from typing import Final

from signaling.load_door import Clock
from tests.journeys.server import ServerFailed, SluiceServer

SMALL: Final = ("--size", "640x360", "--fps", "15", "--bitrate", "500k")
CHANNEL_S: Final = 20.0
"""A channel comes and goes so often."""
LOOK_S: Final = 15.0
KEPT: Final = 1
"""Recordings, apart from the one that is being made."""
GOODBYE_S: Final = 15.0
GONE_S: Final = 2.0
"""The phone is away so long."""


@dataclass(slots=True)
class Streamer:
    """A phone in software, for one channel."""

    server: SluiceServer
    channel: str
    key: str
    clock: Clock
    done: Counter[str]
    _phone: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        self._phone = subprocess.Popen(
            [sys.executable, "-m", "mobile_sim", "publish", self.server.whip_url(self.channel),
             "--testcard", *SMALL],
            env=os.environ | {"MOBILE_SIM_KEY": self.key},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def end(self, *, crash: bool = False) -> None:
        """With a goodbye, which ends the broadcast; or without, and its viewers wait."""
        phone, self._phone = self._phone, None
        if phone is None:
            return
        if crash:
            phone.kill()
        else:
            phone.terminate()
        try:
            phone.wait(GOODBYE_S)
        except subprocess.TimeoutExpired:
            self.done["publisher: did not end by itself"] += 1
            phone.kill()
            phone.wait()

    async def reconnect_forever(self, every_s: float) -> None:
        """In turn a new broadcast with a new recording, and the same one going on."""
        crash = False
        while True:
            await self.clock.sleep(every_s)
            await asyncio.to_thread(self.end, crash=crash)
            await self.clock.sleep(GONE_S)
            await asyncio.to_thread(self.begin)
            self.done[f"publisher: came back {'after a crash' if crash else 'anew'}"] += 1
            crash = not crash


@dataclass(slots=True)
class Cleaner:
    """Deletes what is there too much."""

    server: SluiceServer
    channel: str
    clock: Clock
    done: Counter[str]
    troubles: list[str] = field(default_factory=list)
    """What the server did not do, in its words."""
    _seen: set[str] = field(default_factory=set)

    async def recordings_forever(self) -> None:
        """The newest stay."""
        while True:
            await self.clock.sleep(LOOK_S)
            await self._tried("recordings", self._delete_recordings)

    async def channels_forever(self) -> None:
        """One is made, and deleted again."""
        number = 0
        while True:
            await self.clock.sleep(CHANNEL_S)
            number += 1
            await self._tried("channels", partial(self._pass, f"passing{number}"))

    def _delete_recordings(self) -> None:
        listed = self.server.request("GET", f"/api/channels/{self.channel}/vods?limit=100")
        assert isinstance(listed, dict)
        items = listed["items"]
        for one in items:
            if one["id"] not in self._seen:
                self._seen.add(one["id"])
                self.done["recordings: begun"] += 1
        over = [one for one in items if one["state"] != "recording"]
        for one in over[KEPT:]:
            self.server.request("DELETE", f"/api/vods/{one['id']}")
            self.done["recordings: deleted"] += 1

    def _pass(self, name: str) -> None:
        self.server.create_channel(name)
        self.server.request("DELETE", f"/api/channels/{name}")
        self.done["channels: made and deleted"] += 1

    async def _tried(self, what: str, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        except (ServerFailed, HTTPException, OSError) as error:
            self.done[f"{what}: {type(error).__name__}"] += 1
            self.troubles.append(f"{what}: {str(error)[:200]}")
