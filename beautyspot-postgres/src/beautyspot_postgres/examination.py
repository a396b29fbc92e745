"""What is wrong, or soon will be, with the server: privileges, standby, durability, connections."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from beautyspot import Finding

from beautyspot_postgres import roles, schema
from beautyspot_postgres.server import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot_postgres.server import Server

_MAY_WRITE: Final = "coalesce(has_table_privilege(to_regclass('{schema}.%s'), 'INSERT'), true)"

_FACTS: Final = f"""
SELECT pg_is_in_recovery() AS is_standby,
  NOT {_MAY_WRITE % "results"} AS only_reads,
  NOT (current_setting('fsync')::bool AND current_setting('full_page_writes')::bool) AS is_unsafe,
  current_setting('synchronous_commit') = 'off' AS forgets,
  NOT (current_setting('autovacuum')::bool AND current_setting('track_counts')::bool) AS grows,
  used >= 0.9 * most AS is_crowded,
  current_setting('server_version') AS version, used, most,
  pg_database_size(current_database()) AS size, coalesce(ours, 0) AS ours
FROM (SELECT sum(numbackends)::bigint AS used FROM pg_stat_database) AS one, (
  SELECT current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int AS most
) AS two, (
  SELECT sum(pg_total_relation_size(relid))::bigint AS ours FROM pg_stat_user_tables
  WHERE schemaname = trim('"' FROM '{{schema}}')
) AS three
"""

_SAID: Final = {
    "is_standby": (
        "problem",
        (
            "the server is a standby, so no result is stored: name its primary, or all hosts with "
            "target_session_attrs=read-write"
        ),
    ),
    "only_reads": ("ok", "results are found and not stored: the role may only read"),
    "is_unsafe": (
        "warning",
        (
            "a crash of the server's machine may damage all that it holds: set fsync and "
            "full_page_writes to on"
        ),
    ),
    "forgets": (
        "warning",
        (
            "synchronous_commit is off, so a crash of the server loses its newest results: set it "
            "to on, for the server or for the role"
        ),
    ),
    "grows": (
        "warning",
        (
            "autovacuum is off, so the tables grow by each row that is replaced or removed: set "
            "autovacuum and track_counts to on"
        ),
    ),
    "is_crowded": (
        "warning",
        (
            "{used} of the server's {most} connections are used: raise its max_connections, or put "
            "PgBouncer before it (pool_mode = transaction)"
        ),
    ),
    "keeps_sessions": (
        "warning",
        (
            "the pooler keeps a connection of the server for each one of its clients: set "
            "PgBouncer's pool_mode = transaction"
        ),
    ),
    "version": (
        "ok",
        (
            "Postgres {version} answers{pooler}; the schema takes {ours:,} of the database's "
            "{size:,} bytes; {used} of {most} connections are used"
        ),
    ),
}
"""By the name of what is so: what it is, and what to do."""


def of_server(server: Server, subject: str) -> Iterator[Finding]:
    """What there is to say of the server, and of the tables in its schema."""
    with server.failures:
        is_pooled, keeps_sessions = _pooling(server)
    pooler = ", behind a pooler" if is_pooled else ""
    [(facts,)] = server.run(f"SELECT to_json(facts) FROM ({_FACTS}) AS facts")
    facts.update(pooler=pooler, keeps_sessions=keeps_sessions)
    for name, (state, text) in _SAID.items():
        if facts[name]:
            yield Finding(state, subject, text.format(**facts))  # type: ignore[arg-type]


def _pooling(server: Server) -> tuple[bool, bool]:
    """Whether a pooler such as PgBouncer answers for the server, and keeps sessions apart.

    Where it does not, two connections that rest lead to one of the server's processes in turn.
    """
    parameters, ends = server.address.parameters, time.monotonic() + server.timeout
    asks = "SELECT pg_backend_pid()"
    with closing(connected(parameters, ends)) as one, closing(connected(parameters, ends)) as other:
        pairs = ((one.execute(asks), other.execute(asks)) for _ in range(20))
        is_same = any(first.fetchone() == second.fetchone() for first, second in pairs)
        return one.is_pooled, one.is_pooled and not is_same


def of_limits(server: Server, subject: str) -> Iterator[Finding]:
    """Whether the server answers and has the schema, and the role may use it."""
    if not schema.found(server)[1]:
        text = "its server answers; the first call makes what it needs there"
        yield Finding("ok", subject, text)
    elif not server.run(f"SELECT {_MAY_WRITE % 'schedules'}")[0][0]:
        advice = f"have the schema's owner run `{roles.command(server, None)}`"
        text = "the role may not use the limit, so each process keeps a rate of its own"
        yield Finding("problem", subject, f"{text}: {advice}, or give it a limiter of its own")
    else:
        yield Finding("ok", subject, "its server answers")
