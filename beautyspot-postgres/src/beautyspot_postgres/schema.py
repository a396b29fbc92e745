"""The schema in the database: which parts it has, and how it is made and brought up to date.

A part is a list of statements, in whose texts ``{schema}`` stands for the schema. Each may be
performed again: ``CREATE TABLE IF NOT EXISTS``, ``CREATE OR REPLACE FUNCTION``. All of them are one
transaction, under a lock that lasts as long: clients that start at once make it in turn, and each
but the first finds it made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot.errors import MetadataError, SchemaError

from beautyspot_postgres import functions, roles, schedules, tables

if TYPE_CHECKING:
    from beautyspot_postgres.server import Server

WRITTEN_BY: Final = 2
"""The number of this release's schema."""

READABLE_FROM: Final = 1
"""The lowest number whose releases can use what this one makes."""

LOCK: Final = 7_166_180_113_906_257_017
"""The number of the lock under which the schema is made."""

OLDEST: Final = 130000
"""The number of the server's version that it has to have at least."""

_FORM: Final = (
    "CREATE TABLE IF NOT EXISTS {schema}.form "
    "(written_by integer NOT NULL, readable_from integer NOT NULL)"
)

PARTS: Final = (
    [_FORM],
    tables.STATEMENTS,
    functions.STATEMENTS,
    schedules.STATEMENTS,
    tables.VIEWS,
)

_FACTS: Final = (
    "SELECT current_setting('server_version_num')::int, getdatabaseencoding()::text, "
    "current_setting('transaction_isolation'), current_user::text, "
    "to_regclass('{schema}.form') IS NOT NULL"
)

_NUMBERS: Final = "SELECT written_by, readable_from FROM {schema}.form"


def ensure(server: Server, *, look: bool = False) -> None:
    """See that the server can be used, and make the schema where it is missing or older.

    Args:
        server: the server.
        look: whether nothing is made, and a newer schema is looked at.

    Raises:
        SchemaError: a newer release made what this one can't use.
        BeautyspotError: the server could not be asked, or refused; it is too old, or has settings
            by which nothing could be promised; or the role may not use, or make, the schema, and
            then it says what its owner has to run; or there is nothing to look at.
    """
    role, written_by, readable_from = found(server)
    if look and not written_by:
        raise MetadataError(
            f"{server.url} has no schema {server.schema} yet: a Spot that uses it makes it, or "
            "give schema= as it was given there"
        )
    if readable_from > WRITTEN_BY and not look:
        raise SchemaError(
            f"a newer release made the schema {server.schema} of {server.url} (form {written_by}), "
            f"and this one knows up to {WRITTEN_BY}: upgrade beautyspot, or choose another schema="
        )
    if written_by < WRITTEN_BY and not look:
        what = f"may not make the schema {server.schema}, or bring it up to date"
        with server.failures, roles.told(server, what, role):
            server.ask(script())


def found(server: Server) -> tuple[str, int, int]:
    """The role, and the numbers of the schema; zeros where there is none yet.

    A server on which the functions would not do what they promise is refused.

    Raises:
        BeautyspotError: as `ensure`.
    """
    with server.failures, roles.told(server, f"may not use the schema {server.schema}"):
        [(version, encoding, isolation, role, is_made)] = server.ask(_FACTS)
        [(written_by, readable_from)] = server.ask(_NUMBERS) if is_made else [(0, 0)]
    for is_so, why, advice in (
        (version < OLDEST, f"it is Postgres {version // 10000}", "take Postgres 13 or newer"),
        (
            encoding != "UTF8",
            f"the encoding of its database is {encoding}",
            "make one by CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
        ),
        (
            isolation != "read committed",
            f"its transactions are {isolation} by default",
            "ALTER ROLE ... SET default_transaction_isolation = 'read committed'",
        ),
    ):
        if is_so:
            raise server.failures.refused(why, advice)
    return role, written_by, readable_from


def script() -> str:
    """What makes the schema, in one transaction; it does nothing where that is made."""
    made = "".join(f"EXECUTE $part${text}$part$;\n" for part in PARTS for text in part)
    return f"""
DO $make$
BEGIN
PERFORM pg_advisory_xact_lock({LOCK});
IF to_regclass('{{schema}}.form') IS NOT NULL THEN
  IF (SELECT max(written_by) FROM {{schema}}.form) >= {WRITTEN_BY} THEN RETURN; END IF;
END IF;
IF to_regnamespace('{{schema}}') IS NULL THEN
  EXECUTE 'CREATE SCHEMA {{schema}}';
END IF;
{made}
DELETE FROM {{schema}}.form;
INSERT INTO {{schema}}.form VALUES ({WRITTEN_BY}, {READABLE_FROM});
END $make$
"""
