"""A phone says how it fares: its owner sees it in the studio, and the phone is advised."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.device_phone import HOT, DevicePhone
from tests.journeys.server import SluiceServer
from tests.journeys.studio_page import StudioPage
from tests.journeys.waiting import until

SAID_S = 10.0


def device(server: SluiceServer) -> dict[str, Any]:
    answer = server.request("GET", "/api/channels/lina/device")
    assert isinstance(answer, dict)
    return answer


def code(problem: dict[str, Any]) -> str:
    return str(problem["code"])


def test_nonsense_is_answered_and_changes_nothing(server: SluiceServer) -> None:
    key = server.create_channel("lina")
    with DevicePhone(server.whip_url("lina"), key) as phone:
        phone.report(battery={"level": 0.5}, thermal="fair")
        before = until("it is known", lambda: device(server)["signals"], SAID_S)
        large = '{"v":1,"type":"device","thermal":"critical"}' + " " * 10_000
        for nonsense in ('{"v":1,"type":"device","battery":{"level":9}}', "NaN", b"\x00", large):
            phone.say(nonsense)
        until("all are answered", lambda: len(phone.told("problem")) == 4, SAID_S)
        assert phone.told("problem")[0]["detail"] == "battery.level is 9, at most 1"
        assert phone.told("problem")[3]["code"] == "device-signal-too-large"
        for _ in range(60):
            phone.report(thermal="molten")
        codes = {"device-signal-too-often"}
        until("a flood is answered", lambda: codes & {*map(code, phone.told("problem"))}, SAID_S)
        assert len(phone.told("problem")) < 20
        assert device(server)["signals"] == before
        server.await_live("lina")  # the picture goes on
    until("it is forgotten", lambda: device(server)["signals"] is None, SAID_S)


@pytest.mark.browser
def test_a_hot_phone_warns_in_the_studio_and_is_told_what_to_do(
    server: SluiceServer, studio_page: StudioPage
) -> None:
    key = server.create_channel("lina")
    page = studio_page.open(server.studio_url("lina", key)).page
    assert page.is_hidden("#device")
    with DevicePhone(server.whip_url("lina"), key) as phone:
        phone.report(**HOT | {"thermal": "nominal"})
        until("the panel shows the phone", lambda: page.is_visible("#device"), SAID_S)
        assert page.inner_text("#devicetitle") == "Phone"
        assert page.is_hidden("#deviceadvice")
        assert page.inner_text("#devicenews") == ""
        phone.report(**HOT)
        until("the studio warns", lambda: page.is_visible("#deviceadvice"), SAID_S)
        words = page.inner_text("#deviceadvice")
        assert words.startswith("Warning: The device is hot. Lower your settings: 540p")
        assert page.text_content("#devicenews") == words  # said aloud, once
        figures = page.inner_text("#devicefigures").replace("\N{NO-BREAK SPACE}", " ")
        for word in ("42 %", "Hot", "720p, 30 fps, 2.5 Mbit/s", "H.264 in hardware", "Mobile"):
            assert word in figures
        told = until("the phone is advised", lambda: phone.told("advice")[1:], SAID_S)
        assert told[0]["reasons"] == ["heat"]
        assert told[0]["suggest"] == {"height": 540, "fps": 30, "bitrate": 1_500_000}
    until("the panel goes with the phone", lambda: page.is_hidden("#device"), SAID_S)


@pytest.mark.browser
def test_a_browser_that_publishes_reports_itself(
    server: SluiceServer, studio_page: StudioPage
) -> None:
    key = server.create_channel("lina")
    studio_page.open(server.studio_url("lina", key)).go_live("card", "VP8")
    page = studio_page.page
    until("the panel shows this device", lambda: page.is_visible("#device"), SAID_S)
    assert page.inner_text("#devicetitle") == "This device"

    def signals() -> dict[str, Any] | None:
        found: dict[str, Any] = device(server)["signals"]
        encoder = found and found["encoder"]
        return found if encoder and encoder["bitrate"] and encoder["height"] else None

    told = until("its encoder is known", signals, 20)
    assert told["encoder"]["codec"] == "vp8"
    assert told["app"] == "foreground"
    assert server.metric("sluice_device_signals_total", result="malformed") == 0
    assert server.metric("sluice_device_signals_total", result="too_often") == 0
    studio_page.stop()
    until("it is forgotten", lambda: device(server)["signals"] is None, SAID_S)
