"""The schema in the database: which parts it has, and how it is made and brought up to date.

A part is a list of statements, in whose texts ``{schema}`` stands for the schema. Each may be
performed again: ``CREATE TABLE IF NOT EXISTS``, ``CREATE OR REPLACE FUNCTION``. All of them are one
transaction, under a lock that lasts as long: clients that start at once make it in turn, and each
but the first finds it made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot.errors import BeautyspotError, SchemaError

from beautyspot_postgres import lease_functions, store_functions, store_tables, views
from beautyspot_postgres.connection import ServerError

if TYPE_CHECKING:
    from beautyspot_postgres.connection import Row
    from beautyspot_postgres.server import Server

WRITTEN_BY: Final = 1
"""The number of this release's schema."""

READABLE_FROM: Final = 1
"""The lowest number whose releases can use what this one makes."""

LOCK: Final = 7_166_180_113_906_257_017
"""The number of the lock under which the schema is made."""

_FORM: Final = (
    """
CREATE TABLE IF NOT EXISTS {schema}.form (
  written_by integer NOT NULL,
  readable_from integer NOT NULL
)""",
)

# The limiter's statements are added here, as one more module with STATEMENTS. A function that may
# commit before the disk has it begins with
#     PERFORM set_config('synchronous_commit', 'off', true);
# The clause SET of CREATE FUNCTION has no effect on that: the commit comes after the function.
PARTS: Final = (
    _FORM,
    store_tables.STATEMENTS,
    store_functions.STATEMENTS,
    lease_functions.STATEMENTS,
    views.STATEMENTS,
)

_NUMBERS: Final = "SELECT written_by, readable_from FROM {schema}.form"

_MISSING: Final = frozenset({"42P01", "3F000"})
"""There is no such table, or schema."""


def ensure(server: Server) -> None:
    """See that the schema is there and up to date, by one SELECT; make it where it is not.

    Raises:
        SchemaError: a newer release made what this one can't use.
        BeautyspotError: the server could not be asked, or refused.
    """
    numbers = _numbers(server)
    if numbers is None or numbers[0] < WRITTEN_BY:
        server.perform(script())
    elif numbers[1] > WRITTEN_BY:
        raise SchemaError(
            f"a newer release made the schema {server.schema} of {server.url} (form {numbers[0]}), "
            f"and this one knows up to {WRITTEN_BY}: upgrade beautyspot, or choose another schema="
        )


def _numbers(server: Server) -> Row | None:
    try:
        rows = server.run(server.sql(_NUMBERS))
    except BeautyspotError as error:
        if isinstance(error.__cause__, ServerError) and error.__cause__.sqlstate in _MISSING:
            return None
        raise
    return rows[0] if rows else None


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
IF to_regnamespace('{{schema}}') IS NULL THEN EXECUTE 'CREATE SCHEMA {{schema}}'; END IF;
{made}
DELETE FROM {{schema}}.form;
INSERT INTO {{schema}}.form VALUES ({WRITTEN_BY}, {READABLE_FROM});
END $make$
"""  # noqa: S608 - of constants
