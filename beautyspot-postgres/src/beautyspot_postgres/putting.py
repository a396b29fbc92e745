"""To put rows: some hundreds in one statement, which also releases their leases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot_local.remote.generations import known
from beautyspot_local.remote.leasing import ending

from beautyspot_postgres import arrays, rows, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot.contracts import TaskRecord
    from beautyspot_local.remote.leasing import ServerLease

    from beautyspot_postgres.leases import LeaseKeeper
    from beautyspot_postgres.server import Server

    Put = tuple[TaskRecord, int | None]

PART: Final = 500
LARGEST: Final = 4 * 2**20
"""Rows, and bytes, that are put at once, unless one alone is larger: each has the time-out."""

_COUNT: Final = 5 + 25
_MARKS: Final = ", ".join(f"${number + 1}" for number in range(_COUNT))
_PUT: Final = f"SELECT * FROM {{schema}}.put({_MARKS})"  # noqa: S608 - of constants


class Putter:
    """Puts rows.

    Args:
        keeper: of the leases, which the rows release.
        namespace: as it stands in the tables.
        keep: seconds for which a row stays after it has expired; None for good.
    """

    def __init__(
        self, server: Server, keeper: LeaseKeeper, namespace: str, keep: float | None
    ) -> None:
        self._server, self._keeper = server, keeper
        self._namespace, self._keep = namespace, keep
        self._put = server.sql(_PUT)

    def put(self, records: Iterable[TaskRecord]) -> None:
        """Put rows in place of what is there."""
        for part in _parts((record, None) for record in records):
            self._run(_last(record for record, _ in part))

    def put_valid(self, given: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        """Put rows that are still valid, and the newest; the keys of the others."""
        refused: set[str] = set()
        for part in _parts((record, known(record, since)) for record, since in given):
            leases = [self._keeper.held_for(record.cache_key) for record, _ in part]
            held = [lease for lease in leases if lease is not None]
            with ending(held):
                stored = self._run(
                    [record for record, _ in part], [since or 0 for _, since in part], leases
                )
                for lease in held:
                    self._keeper.forget(lease)
            keys = (record.cache_key for record, _ in part)
            refused |= {key for key in keys if texts.short(key) not in stored}
        return refused

    def _run(
        self,
        records: list[TaskRecord],
        since: list[int] | None = None,
        leases: list[ServerLease | None] | None = None,
    ) -> set[str]:
        """The keys that were put, as they stand in the index."""
        given = (
            self._namespace,
            since is not None,
            self._keep if any(record.expires_at is not None for record in records) else None,
            arrays.integers(since or [0] * len(records)),
            _tokens(leases or []),
            *rows.written(records),
        )
        return {key for (key,) in self._server.run(self._put, given)}


def _tokens(leases: list[ServerLease | None]) -> object:
    if not any(leases):
        return None
    return arrays.texts(None if lease is None else lease.token for lease in leases)


def _last(records: Iterable[TaskRecord]) -> list[TaskRecord]:
    """Of several records of one key the last."""
    return [*{record.cache_key: record for record in records}.values()]


def _parts(given: Iterable[Put]) -> Iterator[list[Put]]:
    part: list[Put] = []
    size = 0
    for record, since in given:
        more = rows.size_of(record)
        if part and (len(part) == PART or size + more > LARGEST):
            yield part
            part, size = [], 0
        part.append((record, since))
        size += more
    if part:
        yield part
