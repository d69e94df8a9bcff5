"""Files that jobs made of VODs, by key: what there is, how large it is, what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.catalog.holding import hold
from recorder.catalog.models import OutputRow
from recorder.work.task import Facts, Kind
from sluice.database import Database

_facts: msgspec.json.Decoder[Facts] = msgspec.json.Decoder(Facts)


@dataclass(frozen=True, slots=True)
class Output:
    key: str
    vod: str
    kind: Kind
    made_ms: int
    size: int
    """Bytes of all files."""
    facts: Facts


class Outputs:
    """All methods raise DatabaseDown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, output: Output) -> None:
        """It is there now; again is harmless. Raises VodUnknown: then its files go as well."""

        async def keep(session: AsyncSession) -> None:
            await hold(session, output.vod)
            row = await session.get(OutputRow, output.key)
            if row is None:
                row = OutputRow(key=output.key, vod=output.vod)
                session.add(row)
            row.kind, row.made_ms, row.size = output.kind, output.made_ms, output.size
            row.facts = msgspec.json.encode(output.facts).decode()

        await self._database.write(keep)

    async def get(self, key: str) -> Output | None:
        async with self._database.reading() as session:
            row = await session.get(OutputRow, key)
            return None if row is None else _output(row)

    async def of(self, vod: str, kind: Kind | None = None) -> Sequence[Output]:
        """All of a VOD, or those of a kind; the newest first."""
        rows = select(OutputRow).where(OutputRow.vod == vod)
        if kind is not None:
            rows = rows.where(OutputRow.kind == kind)
        async with self._database.reading() as session:
            found = await session.execute(rows.order_by(OutputRow.made_ms.desc(), OutputRow.key))
            return [_output(row) for row in found.scalars()]

    async def remove(self, key: str) -> bool:
        """Its files are gone. False where there is no such output."""

        async def keep(session: AsyncSession) -> bool:
            row = await session.get(OutputRow, key, with_for_update=True)
            if row is None:
                return False
            await session.delete(row)
            return True

        return await self._database.write(keep)


def _output(row: OutputRow) -> Output:
    return Output(row.key, row.vod, row.kind, row.made_ms, row.size, _facts.decode(row.facts))
