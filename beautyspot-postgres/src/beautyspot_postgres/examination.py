"""What is wrong, or soon will be, with the server: privileges, standby, durability, connections,
dead rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot import Finding

from beautyspot_postgres import roles, schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beautyspot_postgres.server import Server
    from beautyspot_postgres.values import Row

NEARLY: Final = 0.9
"""Part of its connections above which a server will soon take no more."""

DEAD: Final = 100_000
"""Dead rows of a table above which they are worth a word, if they are more than the live ones."""

_SERVER: Final = b"""
SELECT current_setting('server_version'), pg_is_in_recovery(),
  current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
  current_setting('synchronous_commit') <> 'off',
  current_setting('autovacuum') = 'on' AND current_setting('track_counts') = 'on',
  (SELECT sum(numbackends) FROM pg_stat_database)::bigint,
  current_setting('max_connections')::bigint
    - current_setting('superuser_reserved_connections')::bigint,
  pg_database_size(current_database())
"""

_TABLES: Final = b"""
SELECT relname::text, n_live_tup, n_dead_tup, pg_total_relation_size(relid)
FROM pg_stat_user_tables WHERE schemaname = $1 ORDER BY relname
"""

_MAY_WRITE: Final = b"""
SELECT has_table_privilege(relid, 'INSERT') FROM pg_stat_user_tables
WHERE schemaname = $1 AND relname = $2
"""


class _Facts(NamedTuple):
    version: str
    is_standby: bool
    survives: bool
    keeps_commits: bool
    vacuums: bool
    connections: int
    most: int
    size: int


def of_server(server: Server, subject: str) -> Iterator[Finding]:
    """What there is to say of the server, and of the tables in its schema."""
    facts = _Facts(*server.run(_SERVER)[0])
    tables = server.run(_TABLES, [server.schema_name])
    if not _may_write(server, "results"):
        yield Finding("ok", subject, "results are found and not stored: the role may only read")
    for look in (_of_standby, _of_durability, _of_connections):
        yield from look(facts, subject)
    yield from _of_dead_rows(facts, tables, subject)
    yield Finding("ok", subject, _summary(facts, tables, is_pooled=server.is_pooled()))


def of_limits(server: Server, subject: str) -> Iterator[Finding]:
    """Whether the server answers and has the schema, and the role may use it."""
    if not schema.is_there(server):
        text = "its server answers; the first call makes what it needs there"
        yield Finding("ok", subject, text)
    elif not _may_write(server, "limits"):
        advice = f"have the schema's owner run `{roles.command(server, None)}`"
        text = "the role may not use the limit, so each process keeps a rate of its own"
        yield Finding("problem", subject, f"{text}: {advice}, or give it a limiter of its own")
    else:
        yield Finding("ok", subject, "its server answers")


def _may_write(server: Server, table: str) -> bool:
    """Whether the role may change what lies in a table, or there is none yet."""
    found = server.run(_MAY_WRITE, [server.schema_name, table])
    return not found or bool(found[0][0])


def _of_standby(facts: _Facts, subject: str) -> Iterator[Finding]:
    if facts.is_standby:
        advice = "name its primary, or all hosts with target_session_attrs=read-write"
        yield Finding(
            "problem", subject, f"the server is a standby, so no result is stored: {advice}"
        )


def _of_durability(facts: _Facts, subject: str) -> Iterator[Finding]:
    if not facts.survives:
        text = "a crash of the server's machine may damage all that it holds"
        yield Finding("warning", subject, f"{text}: set fsync and full_page_writes to on")
    if not facts.keeps_commits:
        text = "synchronous_commit is off, so a crash of the server loses its newest results"
        yield Finding("warning", subject, f"{text}: set it to on, for the server or for the role")


def _of_connections(facts: _Facts, subject: str) -> Iterator[Finding]:
    if facts.connections >= facts.most * NEARLY:
        text = f"{facts.connections} of the server's {facts.most} connections are used"
        advice = "raise its max_connections, or put PgBouncer before it"
        yield Finding("warning", subject, f"{text}: {advice}")


def _of_dead_rows(facts: _Facts, tables: Sequence[Row], subject: str) -> Iterator[Finding]:
    if not facts.vacuums:
        text = "autovacuum is off, so the tables grow by each row that is replaced or removed"
        yield Finding("warning", subject, f"{text}: set autovacuum and track_counts to on")
    for name, live, dead, _ in tables:
        if dead > max(DEAD, live):
            text = f"the table {name} has {dead:,} dead rows beside {live:,} live ones"
            advice = (
                "see in pg_stat_activity whether an old transaction (xact_start) keeps them, end "
                "it, and run VACUUM"
            )
            yield Finding("warning", subject, f"{text}: {advice}")


def _summary(facts: _Facts, tables: Sequence[Row], *, is_pooled: bool) -> str:
    size = sum(table[3] for table in tables)
    pooler = ", behind a pooler such as PgBouncer" if is_pooled else ""
    return (
        f"Postgres {facts.version} answers{pooler}; the schema takes {size:,} of the database's "
        f"{facts.size:,} bytes; {facts.connections} of {facts.most} connections are used"
    )
