"""What went wrong at a server, as errors of beautyspot that say what to do.

Messages hold the server's error code (SQLSTATE), never its text, in which a server may repeat what
it was sent. The text is in the chained cause, unless a password is in it.

The codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beautyspot_postgres.connection import LateError, ServerError

if TYPE_CHECKING:
    from beautyspot.errors import BeautyspotError

    from beautyspot_postgres.address import Address

AGAIN: Final = frozenset({"40001", "40P01"})
"""The server rolled it back for another transaction's sake: it can be run at once again."""

MAY_NOT: Final = "42501"
"""The role lacks a privilege."""

_BUSY: Final = frozenset({*AGAIN, "53300", "55P03", "57P03", "55006"})
"""After these the same call may succeed in a moment."""

_REACH: Final = "start the server, or correct the address, the firewall or the network"
_CREDENTIALS: Final = (
    "correct user and password, in the URL, or by libpq's PGUSER, PGPASSWORD and ~/.pgpass"
)
_GRANT: Final = (
    "the role lacks a privilege: grant what the README of beautyspot-postgres lists under "
    '"Permissions"'
)
_SCHEMA: Final = (
    "another program, or a hand, has changed what lies in the schema: choose another schema=, or "
    "drop it and have it made again"
)

_ADVICE: Final = {
    "unreached": _REACH,
    "broken": f"the connection broke: see the server's log; {_REACH}",
    "late": (
        "no answer within the time-out: see why server or network are slow, or raise timeout="
    ),
    "TLS": "correct sslmode, sslrootcert, sslcert and sslkey, or the server's certificate",
    "22021": "the database does not hold all characters: make it with ENCODING 'UTF8'",
    "22P05": "the database does not hold all characters: make it with ENCODING 'UTF8'",
    "25006": (
        "the server takes no changes, as a replica, or a former primary after a failover: name the "
        "primary, or all hosts with target_session_attrs=read-write"
    ),
    "28": _CREDENTIALS,
    "3D": "there is no such database: create it, or correct the URL",
    MAY_NOT: _GRANT,
    "42": _SCHEMA,
    "3F": _SCHEMA,
    "53100": "the server's disk is full: free it, or remove results by `beautyspot prune`",
    "53300": "the server has as many connections as it takes: raise its max_connections, or put "
    "PgBouncer before it",
    "53": "the server has too little memory, disk or connections: see its log",
    "54": "the result is larger than the server takes: lower largest_data=",
    "55P03": "what is asked for is locked: try again in a moment",
    "57014": "the server ended it, as by a statement_timeout of the role: raise that",
    "57P03": "the server is just starting or stopping: try again in a moment",
    "57P": "the server is stopping: try again when it is back",
    "58": "the server could not read or write its files: see its log",
    "XX": "the server found its data damaged: see its log",
    "40": "other transactions were in the way each time: try again in a moment",
}
"""By the code, or by how it begins."""

_OTHERWISE: Final = "see the server's log, and that it is Postgres 13 or newer"


class Failures:
    """Makes errors of beautyspot out of what went wrong.

    Args:
        address: for messages.
        failed: the class of these errors.
        busy: the class of those after which the same call may succeed in a moment.
    """

    def __init__(
        self, address: Address, failed: type[BeautyspotError], busy: type[BeautyspotError]
    ) -> None:
        self._address, self._failed, self._busy = address, failed, busy

    def of(self, error: Exception) -> BeautyspotError:
        """What an error means, to be raised."""
        found = code(error)
        advice = next(
            (_ADVICE[found[:size]] for size in range(len(found), 1, -1) if found[:size] in _ADVICE),
            _OTHERWISE,
        )
        made = self._busy if found in _BUSY else self._failed
        return made(f"{self._address} failed ({found}): {advice}")

    def refused(self, why: str, advice: str) -> BeautyspotError:
        """The error about a server that answers, and can't be used, to be raised."""
        return self._failed(f"{self._address} can't be used, since {why}: {advice}")

    def cause(self, error: Exception) -> Exception | None:
        """The error, if its text repeats no password."""
        text = str(error)
        return None if any(secret in text for secret in self._address.secrets) else error


def is_of(error: BeautyspotError, found: str) -> bool:
    """Whether `Failures.of` made it of an error with this code."""
    return f" failed ({found}): " in str(error)


def code(error: Exception) -> str:
    """The SQLSTATE, or "late", "broken", "unreached", "TLS".

    libpq has no code for what goes wrong as it connects: some of it is known by its text.
    """
    if isinstance(error, ServerError):
        return error.sqlstate
    if isinstance(error, LateError):
        return "late"
    text = str(error)
    for pattern, found in _TEXTS:
        if re.search(pattern, text):
            return found
    return "broken" if type(error).__name__ == "BrokenError" else "unreached"


_TEXTS: Final = (
    (r"password authentication failed|no password supplied|no pg_hba.conf entry", "28P01"),
    (r'role "[^"]*" does not exist|authentication failed|not permitted to log in', "28000"),
    (r'database "[^"]*" does not exist|no such database', "3D000"),
    (
        r"too many clients|too many connections|remaining connection slots|no more connections",
        "53300",
    ),
    (r"the database system is|pgbouncer cannot connect to server|server_login_retry", "57P03"),
    (r"certificate|SSL|root\.crt", "TLS"),
    (r"session is (?:not )?read-only|server is in hot standby|server is not in hot", "25006"),
)
