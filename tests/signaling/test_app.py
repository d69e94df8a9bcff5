"""The composition root."""

from __future__ import annotations

from sfu.native import NativeEngine
from sfu.plane.remote import RemoteEngine
from signaling.app import native_engine
from sluice.config import MediaConfig


def test_the_settings_say_where_the_media_plane_lives() -> None:
    assert isinstance(native_engine(MediaConfig(process="own")), RemoteEngine)
    assert isinstance(native_engine(MediaConfig(process="inside")), NativeEngine)
