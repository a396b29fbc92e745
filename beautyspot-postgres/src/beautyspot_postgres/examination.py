"""What is wrong, or soon will be, with the server: standby, durability, connections, dead rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from beautyspot_postgres.connection import Row

    Ask = Callable[[str], Sequence[Row]]

NEARLY: Final = 0.9
"""Part of its connections above which a server will soon take no more."""

DEAD: Final = 100_000
"""Dead rows of a table above which they are worth a word, if they are more than the live ones."""

_SERVER: Final = """
SELECT current_setting('server_version'), pg_is_in_recovery(),
  current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
  current_setting('synchronous_commit') <> 'off',
  current_setting('autovacuum') = 'on' AND current_setting('track_counts') = 'on',
  (SELECT sum(numbackends) FROM pg_stat_database)::bigint,
  current_setting('max_connections')::bigint
    - current_setting('superuser_reserved_connections')::bigint,
  pg_database_size(current_database())
"""

_TABLES: Final = """
SELECT relname::text, n_live_tup, n_dead_tup, pg_total_relation_size(relid)
FROM pg_stat_user_tables WHERE quote_ident(schemaname) = quote_ident({name}) ORDER BY relname
"""


class _Server(NamedTuple):
    version: str
    is_standby: bool
    survives: bool
    keeps_commits: bool
    vacuums: bool
    connections: int
    most: int
    size: int


def of_server(ask: Ask, schema: str, subject: str, *, is_pooled: bool) -> Iterator[Finding]:
    """What there is to say of the server and of the tables in the schema.

    Args:
        ask: gives the rows of a statement.
        schema: its name.
        subject: of the findings.
        is_pooled: whether a pooler such as PgBouncer stands between.
    """
    server = _Server(*ask(_SERVER)[0])
    literal = "'" + schema.replace("'", "''") + "'"
    tables = ask(_TABLES.replace("{name}", literal))
    for look in (_of_role, _of_durability, _of_connections):
        yield from look(server, subject)
    yield from _of_dead_rows(server, tables, subject)
    yield Finding("ok", subject, _summary(server, tables, is_pooled=is_pooled))


def _of_role(server: _Server, subject: str) -> Iterator[Finding]:
    if server.is_standby:
        advice = "name its primary, or all hosts with target_session_attrs=read-write"
        yield Finding(
            "problem", subject, f"the server is a standby, so no result is stored: {advice}"
        )


def _of_durability(server: _Server, subject: str) -> Iterator[Finding]:
    if not server.survives:
        text = "a crash of the server's machine may damage all that it holds"
        yield Finding("warning", subject, f"{text}: set fsync and full_page_writes to on")
    if not server.keeps_commits:
        text = "synchronous_commit is off, so a crash of the server loses its newest results"
        yield Finding("warning", subject, f"{text}: set it to on, for the server or for the role")


def _of_connections(server: _Server, subject: str) -> Iterator[Finding]:
    if server.connections >= server.most * NEARLY:
        text = f"{server.connections} of the server's {server.most} connections are used"
        advice = "raise its max_connections, or put PgBouncer before it"
        yield Finding("warning", subject, f"{text}: {advice}")


def _of_dead_rows(server: _Server, tables: Sequence[Row], subject: str) -> Iterator[Finding]:
    if not server.vacuums:
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


def _summary(server: _Server, tables: Sequence[Row], *, is_pooled: bool) -> str:
    size = sum(table[3] for table in tables)
    pooler = ", behind a pooler such as PgBouncer" if is_pooled else ""
    return (
        f"Postgres {server.version} answers{pooler}; the store takes {size:,} of the database's "
        f"{server.size:,} bytes; {server.connections} of {server.most} connections are used"
    )
