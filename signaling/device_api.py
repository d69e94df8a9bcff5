"""The device that publishes, as its owner sees it: what it says of itself, and the advice."""

from __future__ import annotations

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from signaling.device_message import DeviceAdvice, DeviceSignals
from signaling.house import House
from signaling.operation import Operation
from signaling.owner import admit_owner
from signaling.reply import json_reply
from signaling.routing import channel_in, resource

_PATH = "/api/channels/{channel}/device"


class DeviceView(Struct):
    """What the publisher's device said last, `age_ms` ago, and the advice it was given; all null
    when it says nothing."""

    signals: DeviceSignals | None
    age_ms: int | None
    advice: DeviceAdvice | None


DEVICE_OPERATIONS: tuple[Operation, ...] = (
    Operation("get", _PATH, "What the publisher's device says of itself, and the advice", "key",
              {200: DeviceView}, None, (401, 403, 404, 429)),
)  # fmt: skip


def routes(house: House) -> list[Route]:
    """`/api/channels/{channel}/device`, for the channel's owner and the admin."""

    async def show(request: Request) -> Response:
        channel = house.channel(channel_in(request))
        admit_owner(house, request, channel)
        report = house.devices.report(channel.id)
        if report is None:
            return json_reply(DeviceView(None, None, None))
        return json_reply(DeviceView(report.signals, report.age_ms, report.advice))

    return [resource(_PATH, GET=show)]
