"""A database on loopback that all share: hits, misses, permits."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import opened, over_postgres, version
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.tables.s3 import TESTS
from benchmarks.workload import ARGUMENTS, check, renewed, repeated, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.adapters import Adapter
    from benchmarks.table import Settings
    from benchmarks.workload import Function

RATE = 1_000_000_000
"""Permits a second, so that nobody ever waits."""


def tables(settings: Settings) -> Iterator[Table]:
    """Three tables, if there is a server to be had."""
    if version("beautyspot-postgres") is None or version("pgserver") is None:
        return
    with _server(settings):
        yield _hits(settings)
        yield _misses(settings)
        yield _permits(settings)


@contextmanager
def _server(settings: Settings) -> Iterator[None]:
    sys.path.insert(0, str(TESTS))
    postgres: Any = import_module("servers.postgres")
    with postgres.running() as server:
        over_postgres.servers.append(server.socket_url)
        yield


@contextmanager
def _functions(
    settings: Settings, name: str, adapters: list[Adapter]
) -> Iterator[dict[str, Function]]:
    with settings.place(name) as place, ExitStack() as stack:
        yield opened(stack, adapters, place, work)


def _hits(settings: Settings) -> Table:
    adapters = [over_postgres.select, over_postgres.ours, over_postgres.ours_async]
    with _functions(settings, "hits", adapters) as functions:
        ours = {name: one for name, one in functions.items() if name != over_postgres.SELECT}
        check(ours, *ARGUMENTS)
        candidates = {name: Candidate(repeated(one, *ARGUMENTS)) for name, one in functions.items()}
        targets = {over_postgres.OURS: 1.2}
        rows = compare(candidates, over_postgres.SELECT, settings.pace, targets=targets)
    note = "By a Unix socket, in autocommit and unprepared, as behind PgBouncer."
    return Table("postgres-hit", "Postgres: a hit", over_postgres.SELECT, rows, note)


def _misses(settings: Settings) -> Table:
    adapters = [over_postgres.insert, over_postgres.ours, over_postgres.ours_async]
    with _functions(settings, "misses", adapters) as functions:
        candidates = {
            name: Candidate(renewed(one, *ARGUMENTS[1:]), most=500)
            for name, one in functions.items()
        }
        rows = compare(candidates, over_postgres.INSERT, settings.pace)
    note = "Ours asks three times: for the result, for the lease, and to store the result."
    return Table("postgres-miss", "Postgres: a miss", over_postgres.INSERT, rows, note)


def _permits(settings: Settings) -> Table:
    candidates = {
        one.name: Candidate(repeated(one.make(RATE)), most=2000)
        for one in over_postgres.LIMITERS
        if one.installed
    }
    rows = compare(candidates, over_postgres.PERMIT, settings.pace)
    title = "Postgres: a permit that is free at once"
    return Table("postgres-permit", title, over_postgres.PERMIT, rows)
