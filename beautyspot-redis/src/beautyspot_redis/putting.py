"""Puts rows: in one round trip each, unless something was invalidated meanwhile.

In a cluster the log of what was invalidated lies on another server than a row. There a row is put
without being a result yet, so that an invalidation from now on removes it; then the log is asked;
then the row is made a result, or removed. So what was invalidated is never found, not even where
this process dies in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot_local.remote.leasing import ending

from beautyspot_redis import invalidation_log, store_scripts
from beautyspot_redis.asking import PART, each
from beautyspot_redis.invalidation_log import noted
from beautyspot_redis.names import key_bytes
from beautyspot_redis.rows import HEAD, MARK, unsettled, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot.contracts import TaskRecord
    from beautyspot_local.remote.leasing import ServerLease

    from beautyspot_redis.asking import Run
    from beautyspot_redis.leases import LeaseKeeper

LARGEST: Final = 8 * 2**20
"""So many bytes of rows are sent at a time; a larger row goes alone."""

_FARTHEST: Final = 2**53
"""Milliseconds: what expires later does not expire."""


class Row(NamedTuple):
    """A row to put.

    Attributes:
        since: the generation since which it must not have been invalidated; None where it is put
            whatever there is.
        value: its bytes.
        lease: of its key, to be released with it.
    """

    record: TaskRecord
    since: int | None
    value: bytes
    lease: ServerLease | None


class Putter:
    """Puts rows.

    Args:
        keeper: of the leases, which the rows release.
        keep: milliseconds for which a row stays after it has expired; empty for good.
    """

    def __init__(self, keeper: LeaseKeeper, keep: bytes) -> None:
        self._keeper, self._keep = keeper, keep
        self._server, self._names = keeper.server, keeper.names

    def put(self, rows: Iterable[tuple[TaskRecord, int | None]]) -> set[str]:
        """Put rows; the keys of those that were refused."""
        refused: set[str] = set()
        put = self._put_apart if self._server.is_cluster else self._put_part
        for part in self._parts(rows):
            leases = [row.lease for row in part if row.lease is not None]
            with ending(leases):
                refused |= put(part)
        return refused

    def _parts(self, rows: Iterable[tuple[TaskRecord, int | None]]) -> Iterator[list[Row]]:
        part: list[Row] = []
        size = 0
        for record, since in rows:
            value = written(record)
            if part and (len(part) == PART or size + len(value) > LARGEST):
                yield part
                part, size = [], 0
            lease = None if since is None else self._keeper.held_for(record.cache_key)
            part.append(Row(record, since, value, lease))
            size += len(value)
        if part:
            yield part

    def _put_part(self, rows: list[Row]) -> set[str]:
        refused: set[str] = set()
        waiting = rows
        while waiting:
            again: list[Row] = []
            answers = each(self._server, store_scripts.PUT, [self._run(row) for row in waiting])
            for row, answer in zip(waiting, answers, strict=True):
                found = noted(answer)
                if found is None and row.lease is not None:
                    self._keeper.forget(row.lease)
                if found is not None and not found.covers(row.record):
                    again.append(row._replace(since=found.generation))
                elif found is not None or not answer:
                    refused.add(row.record.cache_key)
            waiting = again
        return refused

    def _put_apart(self, rows: list[Row]) -> set[str]:
        """The same in a cluster."""
        answers = each(self._server, store_scripts.PUT, [self._run(row) for row in rows])
        put = [(row, bool(answer)) for row, answer in zip(rows, answers, strict=True)]
        return self._settled([(row, done) for row, done in put if row.since is not None])

    def _settled(self, put: list[tuple[Row, bool]]) -> set[str]:
        """Make results of rows, of which some were put; the keys of those that are none."""
        noted_since = {
            number: invalidation_log.since(self._server, self._names, number)
            for number in {row.since for row, _ in put if row.since is not None}
        }
        runs: list[Run] = []
        for row, is_put in put:
            found = noted_since[row.since or 0]
            is_good = is_put and not (found is not None and found.covers(row.record))
            runs.append(self._settling(row, MARK if is_good else b""))
        answers = each(self._server, store_scripts.SETTLE, runs) if runs else []
        for row, _ in put:
            if row.lease is not None:
                self._keeper.forget(row.lease)
        return {
            row.record.cache_key for (row, _), good in zip(put, answers, strict=True) if not good
        }

    def _settling(self, row: Row, mark: bytes) -> Run:
        key, names = row.record.cache_key, self._names
        token = "" if row.lease is None else row.lease.token
        return [names.row(key), names.lease(key)], (
            *(row.value[: HEAD.size], mark, token, names.released, key_bytes(key)),
        )

    def _run(self, row: Row) -> Run:
        key, names = row.record.cache_key, self._names
        keys, value, lease = [names.row(key), names.lease(key)], row.value, row.lease
        if row.since is not None:
            if self._server.is_cluster:
                value, lease = unsettled(value), None
            else:
                keys += [names.meta, names.log]
        ends, keep = self._end(row.record.expires_at)
        began = None if row.since is None else row.record.began_at
        token = "" if lease is None else lease.token
        return keys, (
            value,
            *(ends, keep, "" if began is None else repr(float(began)), row.since or 0),
            *(token, names.released, key_bytes(key)),
        )

    def _end(self, expires_at: float | None) -> tuple[bytes, bytes]:
        if expires_at is None or not self._keep or not abs(expires_at * 1000) < _FARTHEST:
            return b"", b""
        return b"%d" % (expires_at * 1000), self._keep
