"""What roles of the database need: who makes the schema, who uses it, who only looks.

The schema belongs to the role that makes it, which alone may bring it up to date.
"""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from psycopg.errors import InsufficientPrivilege

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot_postgres.server import Server

SCHEMA: Final = "beautyspot"
"""The schema where the user names none."""

_LATER: Final = "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}"  # of what a later release makes

GRANTS: Final = {
    "user": (
        "GRANT USAGE ON SCHEMA {schema} TO {role};",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};",
        "REVOKE INSERT, UPDATE, DELETE ON {schema}.form FROM {role};",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role};",
        f"{_LATER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {{role}};",
        f"{_LATER} GRANT EXECUTE ON FUNCTIONS TO {{role}};",
    ),
    "reader": (
        "GRANT USAGE ON SCHEMA {schema} TO {role};",
        "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};",
        f"{_LATER} GRANT SELECT ON TABLES TO {{role}};",
    ),
    "viewer": (
        "GRANT USAGE ON SCHEMA {schema} TO {role};",
        "GRANT SELECT ON {schema}.entries, {schema}.functions TO {role};",
    ),
}
"""What a role is granted that uses the store and its limits; one that only reads results; and one
that reads the views alone. To be performed by the owner of the schema."""

_LESS: Final = (
    "or with --reader instead of --user if it is only to find results, and with --viewer if only "
    "to ask the views"
)


def quoted(name: str) -> str:
    """A name as it is written in SQL."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def grants(kind: str, roles: Iterable[str], schema: str = SCHEMA) -> list[str]:
    """The statements of `GRANTS` for these roles."""
    return [
        text.format(schema=quoted(schema), role=quoted(role))
        for role in roles
        for text in GRANTS[kind]
    ]


def command(server: Server, role: str | None) -> str:
    """What the schema's owner has to run, so that a role may use it."""
    name, user = server.schema_name, role or server.address.known().get("user", "ROLE")
    schema = "" if name == SCHEMA else f" --schema {shlex.quote(name)}"
    made = f"python -m beautyspot_postgres schema{schema} --user {shlex.quote(user)}"
    return f"{made} | psql {shlex.quote(server.url)}"


@contextmanager
def told(server: Server, what: str, role: str | None = None) -> Iterator[None]:
    """A block in which the error of a role that may not do it says what the owner has to run.

    Args:
        server: which refuses it.
        what: that it may not.
        role: as the server calls it; None where it did not tell.
    """
    try:
        yield
    except InsufficientPrivilege as error:
        shown = role or server.address.known().get("user", "")
        advice = f"have the schema's owner, or a superuser, run `{command(server, role)}`, {_LESS}"
        refused = server.failures.refused(f"the role {shown!r} {what}", advice)
        raise refused from server.failures.cause(error)
