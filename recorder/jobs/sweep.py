"""What of a VOD is missing, and what is left over. Pure: the caller looks, submits and deletes.

A job may vanish with its table, be given up, or be done and its output deleted. So what is wanted
is compared with what is there, now and then. To submit what is being made anyway does no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from recorder.jobs.key import Keys
from recorder.work.task import Spec


def missing(wanted: Iterable[Spec], outputs: Collection[str], keys: Keys) -> list[Spec]:
    """Those without an output, in their order; none twice. `outputs` are keys."""
    found: dict[str, Spec] = {}
    for spec in wanted:
        key = keys.of(spec)
        if key not in outputs:
            found.setdefault(key, spec)
    return list(found.values())


def left_over(wanted: Iterable[Spec], outputs: Collection[str], keys: Keys) -> set[str]:
    """Outputs that nobody wants any more: of an older version, or of less of the recording.

    Whoever deletes them must name everything that is wanted: exports and clips as well.
    """
    return set(outputs) - {keys.of(spec) for spec in wanted}
