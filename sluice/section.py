"""What all sections of the settings share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Section(BaseModel):
    """One part of the tree. Unknown keys are errors, and nothing changes after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Positive = Annotated[int, Field(ge=1)]


def long_secret(value: SecretStr | None) -> SecretStr | None:
    """For a validator: secrets that sign are not words."""
    if value is not None and len(value.get_secret_value().encode()) < 32:
        raise ValueError("must be at least 32 bytes of random text")
    return value
