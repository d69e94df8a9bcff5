"""Take the picture of the studio's panel for a phone that publishes: docs/studio-device.png."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import ViewportSize, sync_playwright

from tests.journeys.device_phone import HOT, DevicePhone
from tests.journeys.screenshots import CHROMIUM, FLAGS, wait_until
from tests.journeys.server import SluiceServer

VIEW = ViewportSize(width=760, height=900)


def take_device(folder: Path) -> list[Path]:
    """Write the picture into `folder`. Raises TimeoutError when the studio shows no phone."""
    path = folder / "studio-device.png"
    with TemporaryDirectory() as storage, SluiceServer(Path(storage)) as server:
        key = server.create_channel("lina")
        with DevicePhone(server.whip_url("lina"), key) as phone, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_context(viewport=VIEW, color_scheme="dark").new_page()
            page.goto(server.studio_url("lina", key))
            phone.report(**HOT)
            wait_until(page, "document.getElementById('deviceadvice').textContent")
            page.locator("#device").screenshot(path=path)
            browser.close()
    return [path]
