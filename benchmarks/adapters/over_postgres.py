"""One database for all: beautyspot, and psycopg with next to nothing.

As in `over_redis`, `directory` is for files; which server it is says `server`.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module as load
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import adapter
from benchmarks.adapters.limiters import Acquire, Limiter
from benchmarks.adapters.ours import spot_in
from benchmarks.adapters.references import DATA
from benchmarks.workload import work_async

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workload import Function

OURS = "beautyspot over Postgres"
OURS_ASYNC = "beautyspot over Postgres (async)"
SELECT, INSERT = "psycopg SELECT", "psycopg INSERT, commit"
PERMIT = "psycopg UPDATE, GCRA without waiting"
OURS_PERMIT = "beautyspot, PostgresLimiter"

_TABLE = "CREATE TABLE IF NOT EXISTS bare (key text PRIMARY KEY, data bytea)"
_SELECT = "SELECT data FROM bare WHERE key = %s"
_INSERT = """INSERT INTO bare VALUES (%s, %s)
ON CONFLICT (key) DO UPDATE SET data = excluded.data"""


servers: list[str] = []
"""The address of the server that was started, the last one's last."""


def server() -> str:
    """The address of the server."""
    return servers[-1]


@contextmanager
def _connected() -> Iterator[Any]:
    """As behind PgBouncer: nothing prepared, each statement its own transaction."""
    with load("psycopg").connect(server(), autocommit=True, prepare_threshold=None) as connection:
        connection.execute(_TABLE)
        yield connection


@adapter(SELECT, needs="psycopg")
def select(directory: Path, function: Function) -> Iterator[Function]:
    """One row by its primary key, and nothing else."""
    del directory, function
    with _connected() as connection:
        connection.execute(_INSERT, ["bare", DATA])
        yield lambda *_: connection.execute(_SELECT, ["bare"]).fetchone()


@adapter(INSERT, needs="psycopg")
def insert(directory: Path, function: Function) -> Iterator[Function]:
    """One row a call."""
    del directory, function
    with _connected() as connection:
        yield lambda number, *_: connection.execute(_INSERT, [f"bare {number}", DATA])


@adapter(OURS, needs="beautyspot-postgres")
def ours(directory: Path, function: Function) -> Iterator[Function]:
    """As it comes."""
    with spot_in(directory, metadata=server()) as spot:
        yield spot.mark(function)


@adapter(OURS_ASYNC, needs="beautyspot-postgres")
def ours_async(directory: Path, function: Function) -> Iterator[Function]:
    """The same, of the coroutine function."""
    del function
    with spot_in(directory, metadata=server()) as spot:
        yield spot.mark(work_async)


# ------------------------------------------------------------------------------------ limiters

_GCRA_TABLE = "CREATE TABLE IF NOT EXISTS gcra (key text PRIMARY KEY, tat float8)"
_GCRA = """
INSERT INTO gcra VALUES ('bare', extract(epoch FROM clock_timestamp()) + %s)
ON CONFLICT (key) DO UPDATE
SET tat = greatest(gcra.tat, extract(epoch FROM clock_timestamp())) + %s
RETURNING tat
"""


def _bare(rate: int) -> Acquire:
    """The least that keeps a rate between machines; it does not wait, nor for the disk."""
    connection: Any = load("psycopg").connect(server(), autocommit=True, prepare_threshold=None)
    connection.execute(_GCRA_TABLE)
    connection.execute("SET synchronous_commit = off")
    return lambda: connection.execute(_GCRA, [1 / rate, 1 / rate]).fetchone()


def _ours(rate: int) -> Acquire:
    library: Any = load("beautyspot_postgres")
    limiter = library.PostgresLimiter(server(), rate=rate, namespace="benchmark")
    acquire: Acquire = limiter.consume
    return acquire


LIMITERS = [
    Limiter(PERMIT, _bare, "psycopg"),
    Limiter(OURS_PERMIT, _ours, "beautyspot-postgres"),
]
