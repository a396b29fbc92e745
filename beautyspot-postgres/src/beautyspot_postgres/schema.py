"""The schema in the database: which parts it has, and how it is made and brought up to date.

A part is a list of statements, in whose texts ``{schema}`` stands for the schema. Each may be
performed again: ``CREATE TABLE IF NOT EXISTS``, ``CREATE OR REPLACE FUNCTION``. All of them are one
transaction, under a lock that lasts as long: clients that start at once make it in turn, and each
but the first finds it made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.errors import BeautyspotError, SchemaError

from beautyspot_postgres import (
    failures,
    lease_functions,
    limit_functions,
    limit_tables,
    look_functions,
    roles,
    store_functions,
    store_tables,
    views,
)

if TYPE_CHECKING:
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

# A function that may commit before the disk has it begins with
#     PERFORM set_config('synchronous_commit', 'off', true);
# The clause SET of CREATE FUNCTION has no effect on that: the commit comes after the function.
#
# A function that takes arrays keeps one plan: the server believes that a plan of its own for each
# call is cheaper, and planning takes longer than all the rest. That plan has to be right for a
# table of any size, as the server knows no size yet when it makes it, or one of long ago. So the
# function has the settings `store_functions.PLANS`, and a row is looked up by its key in a loop, or
# in a subquery that ends in LIMIT or gives one value, and is in no join.
PARTS: Final = (
    _FORM,
    store_tables.STATEMENTS,
    store_functions.STATEMENTS,
    lease_functions.STATEMENTS,
    look_functions.STATEMENTS,
    limit_tables.STATEMENTS,
    limit_functions.STATEMENTS,
    views.STATEMENTS,
)

_FACTS: Final = """
SELECT current_setting('server_version_num')::int, getdatabaseencoding()::text,
  current_setting('transaction_isolation'), current_user::text,
  to_regclass('{schema}.form') IS NOT NULL
"""

_NUMBERS: Final = "SELECT written_by, readable_from FROM {schema}.form"

OLDEST: Final = 130000
"""The number of the server's version that it has to have at least."""


class _Facts(NamedTuple):
    version: int
    encoding: str
    isolation: str
    role: str
    is_made: bool


def ensure(server: Server) -> None:
    """See that the server can be used, and make the schema where it is missing or older.

    Raises:
        SchemaError: a newer release made what this one can't use.
        BeautyspotError: the server could not be asked, or refused; it is too old, or has settings
            by which nothing could be promised; or the role may not use, or make, the schema, and
            then it says what its owner has to run.
    """
    facts, written_by = _found(server)
    if written_by < WRITTEN_BY:
        _make(server, facts.role)


def is_there(server: Server) -> bool:
    """Whether the schema is there, be it of an earlier release; nothing is made.

    Raises:
        SchemaError, BeautyspotError: as `ensure`.
    """
    return _found(server)[1] > 0


def _found(server: Server) -> tuple[_Facts, int]:
    """What is known of the server, and the number of the schema in it; 0 where there is none."""
    try:
        facts = _Facts(*server.run(server.sql(_FACTS))[0])
        _check(server, facts)
        numbers = server.run(server.sql(_NUMBERS)) if facts.is_made else []
    except BeautyspotError as error:
        if not failures.is_of(error, failures.MAY_NOT):
            raise
        raise roles.refused(server, f"may not use the schema {server.schema}") from error.__cause__
    if not numbers:
        return facts, 0
    written_by, readable_from = numbers[0]
    if readable_from > WRITTEN_BY:
        raise SchemaError(
            f"a newer release made the schema {server.schema} of {server.url} (form {written_by}), "
            f"and this one knows up to {WRITTEN_BY}: upgrade beautyspot, or choose another schema="
        )
    return facts, written_by


def _check(server: Server, facts: _Facts) -> None:
    """Refuse a server on which the functions would not do what they promise."""
    refused = server.failures.refused
    if facts.version < OLDEST:
        raise refused(f"it is Postgres {facts.version // 10000}", "take Postgres 13 or newer")
    if facts.encoding != "UTF8":
        advice = "make one by CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        raise refused(f"the encoding of its database is {facts.encoding}", advice)
    if facts.isolation != "read committed":
        advice = "ALTER ROLE ... SET default_transaction_isolation = 'read committed'"
        raise refused(f"its transactions are {facts.isolation} by default", advice)


def _make(server: Server, role: str) -> None:
    try:
        server.perform(script())
    except BeautyspotError as error:
        if not failures.is_of(error, failures.MAY_NOT):
            raise
        what = f"may not make the schema {server.schema}, or bring it up to date"
        raise roles.refused(server, what, role) from error.__cause__


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
"""  # noqa: S608 - of constants
