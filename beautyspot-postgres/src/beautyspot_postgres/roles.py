"""What roles of the database need: who makes the schema, who uses it, who only looks.

The schema belongs to the role that makes it, which alone may bring it up to date.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.errors import BeautyspotError

    from beautyspot_postgres.server import Server

SCHEMA: Final = "beautyspot"
"""The schema where the user names none."""

_ENTER: Final = "GRANT USAGE ON SCHEMA {schema} TO {role};"

_CHANGE: Final = "GRANT SELECT, INSERT, UPDATE, DELETE ON"
_LATER: Final = "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}"  # of what a later release makes

_USER: Final = (
    _ENTER,
    f"{_CHANGE} ALL TABLES IN SCHEMA {{schema}} TO {{role}};",
    "REVOKE INSERT, UPDATE, DELETE ON {schema}.form FROM {role};",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role};",
    f"{_LATER} {_CHANGE} TABLES TO {{role}};",
    f"{_LATER} GRANT EXECUTE ON FUNCTIONS TO {{role}};",
)
_READER: Final = (
    _ENTER,
    "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};",
    "GRANT EXECUTE ON FUNCTION {schema}.find(text, text) TO {role};",
    f"{_LATER} GRANT SELECT ON TABLES TO {{role}};",
)
_VIEWER: Final = (_ENTER, "GRANT SELECT ON {schema}.entries, {schema}.functions TO {role};")

GRANTS: Final = {"user": _USER, "reader": _READER, "viewer": _VIEWER}
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
    name, user = server.schema_name, role or server.address.user or "ROLE"
    schema = "" if name == SCHEMA else f" --schema {shlex.quote(name)}"
    made = f"python -m beautyspot_postgres schema{schema} --user {shlex.quote(user)}"
    return f"{made} | psql {shlex.quote(server.url)}"


def refused(server: Server, what: str, role: str | None = None) -> BeautyspotError:
    """The error about a role that may not do something, to be raised.

    Args:
        server: which has refused it.
        what: that it may not.
        role: as the server calls it; None where it did not tell.
    """
    shown = role or server.address.user
    who = f"the role {shown!r}" if shown else "the role"
    advice = f"have the schema's owner, or a superuser, run `{command(server, role)}`, {_LESS}"
    return server.failures.refused(f"{who} {what}", advice)
