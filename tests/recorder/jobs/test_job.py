"""What a job says of itself."""

from __future__ import annotations

import pytest

from recorder.jobs.job import channel_of


@pytest.mark.parametrize(
    ("recording", "channel"),
    [
        ("garden-20260301-180000-abc234", "garden"),
        ("my-old-garden-20260301-180000-abc234", "my-old-garden"),
        ("imported", "imported"),
    ],
)
def test_the_channel_is_in_the_name_of_a_recording(recording: str, channel: str) -> None:
    assert channel_of(recording) == channel
