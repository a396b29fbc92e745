"""What went wrong at a server, as errors of beautyspot that say what to do.

Messages hold the server's error code (SQLSTATE), never its text, in which a server may repeat what
it was sent. The text is in the chained cause, unless a password is in it. libpq has no code for
what goes wrong as it connects: that has a name here, by its text, and where that is not known the
text is shown, since nothing but user, database and host was sent yet.

The codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beautyspot_postgres.connection import LateError, ServerError, UnreachedError

if TYPE_CHECKING:
    from beautyspot.errors import BeautyspotError

    from beautyspot_postgres.address import Address

AGAIN: Final = frozenset({"40001", "40P01"})
"""The server rolled it back for another transaction's sake: it can be run at once again."""

MAY_NOT: Final = "42501"
"""The role lacks a privilege."""

_BUSY: Final = frozenset(
    {*AGAIN, "53300", "55P03", "57P03", "55006", "pooler is full", "pooler waits"}
)
"""After these the same call may succeed in a moment."""

UNREACHED: Final = "unreached"
"""The name of what is not known of a connection that was not made."""

_REACH: Final = "start the server, or correct the address, the firewall or the network"
_NOT_NAMED: Final = "no server is named: give a URL, or set DATABASE_URL, or libpq's PGHOST"
_CREDENTIALS: Final = (
    "correct user and password, in the URL, or by libpq's PGUSER, PGPASSWORD and ~/.pgpass"
)
_GRANT: Final = (
    "the role lacks a privilege: grant what the README of beautyspot-postgres lists under "
    '"Permissions", or, if it is only to find results, set mode="readonly" and a limiter of its own'
)
_SCHEMA: Final = (
    "another program, or a hand, has changed what lies in the schema: choose another schema=, or "
    "drop it and have it made again"
)
_UTF8: Final = "the database does not hold all characters: make one with ENCODING 'UTF8'"
_POOLER: Final = "PgBouncer, or the server, did not take what was sent: see their logs"

_ADVICE: Final = {
    UNREACHED: _REACH,
    "broken": f"the connection broke: see the server's log; {_REACH}",
    "late": (
        "no answer within the time-out: see why server or network are slow, or raise timeout="
    ),
    "unknown host": "the host's name is not known here: correct the address, or the network's DNS",
    "unknown service": "libpq finds no such service: correct service=, or set PGSERVICEFILE",
    "no Postgres": "what answers there is no Postgres: correct host and port",
    "pg_hba.conf": (
        "the server's pg_hba.conf does not let in this user, from here, to this database: add a "
        "line there, correct the address, or write sslmode=require if it asks for TLS"
    ),
    "no such role": "the server knows no such role, or it may not log in: correct the user",
    "certificate of the server": (
        "the authority of the server's certificate is not trusted here: name it by sslrootcert="
    ),
    "name of the server": (
        "the server goes by another name than the name in its certificate: write that one as host"
    ),
    "certificate of the client": (
        "the server wants a certificate of yours: name it, and its key, by sslcert and sslkey"
    ),
    "key of the client": (
        "libpq can't use the key, or the certificate, that sslkey and sslcert name: they have to "
        "belong together, and nobody else may read the key (chmod 600)"
    ),
    "no TLS": "the server speaks no TLS: set ssl = on there, or leave out sslmode",
    "TLS": "there was no connection with TLS: correct sslmode, sslrootcert, sslcert and sslkey",
    "pooler is full": "PgBouncer has as many connections as it takes: raise its max_client_conn",
    "pooler waits": (
        "PgBouncer had no connection of the server free in time: raise its default_pool_size, or "
        "see whether the server answers"
    ),
    "pooler has no server": (
        "PgBouncer gets no connection of the server: see its log, and start the server"
    ),
    "pooler refuses parameters": (
        "PgBouncer takes no options=: leave it out, or add it to its ignore_startup_parameters"
    ),
    "08P01": _POOLER,
    "22021": _UTF8,
    "22P05": _UTF8,
    "25006": (
        "the server takes no changes, as a replica, or a former primary after a failover, or since "
        "default_transaction_read_only is on: name the primary, or all hosts with "
        "target_session_attrs=read-write"
    ),
    "28": _CREDENTIALS,
    "3D": "there is no such database: create it, or correct the address",
    MAY_NOT: _GRANT,
    "42": _SCHEMA,
    "3F": _SCHEMA,
    "53100": "the server's disk is full: free it, or remove results by `beautyspot prune`",
    "53300": (
        "the server has as many connections as it, the role or the database takes: raise its "
        "max_connections, put PgBouncer before it, or lower connections="
    ),
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
        made = self._busy if found in _BUSY else self._failed
        return made(f"{self._address} failed ({found}): {self._advice(found, error)}")

    def _advice(self, found: str, error: Exception) -> str:
        if found == UNREACHED:
            advice = _REACH if self._address.names_server else _NOT_NAMED
            text = " ".join(str(error).split())[-_SHOWN:]
            return f"{advice} ({text})" if text and self.cause(error) else advice
        known = (found[:size] for size in range(len(found), 1, -1) if found[:size] in _ADVICE)
        return _ADVICE.get(next(known, ""), _OTHERWISE)

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
    """The SQLSTATE, or a name of what has none."""
    text = str(error)
    if isinstance(error, ServerError) and error.sqlstate not in _POOLERS:
        return error.sqlstate
    if isinstance(error, LateError):
        return "late"
    for pattern, found in _TEXTS:
        if re.search(pattern, text):
            return found
    if isinstance(error, ServerError):
        return error.sqlstate
    return UNREACHED if isinstance(error, UnreachedError) else "broken"


_POOLERS: Final = frozenset({"08P01", "58000"})
"""PgBouncer's codes for all that it has to say itself."""

_SHOWN: Final = 300
"""Characters of a text that is shown."""

_TEXTS: Final = (
    (r"no more connections allowed", "pooler is full"),
    (r"query_wait_timeout|client_login_timeout", "pooler waits"),
    (r"server_login_retry|server login|pgbouncer cannot connect", "pooler has no server"),
    (r"unsupported startup parameter", "pooler refuses parameters"),
    (r"no pg_hba.conf entry|pg_hba.conf rejects", "pg_hba.conf"),
    (r'role "[^"]*" does not exist|no such user|not permitted to log in', "no such role"),
    (r"authentication failed|no password supplied", "28P01"),
    (r'database "[^"]*" does not exist|no such database', "3D000"),
    (r"permission denied for database", MAY_NOT),
    (r"too many (?:clients|connections)|remaining connection slots", "53300"),
    (r"the database system is", "57P03"),
    (r"session is read-only|server is in hot standby", "25006"),
    (r"could not translate host name", "unknown host"),
    (r'definition of service "[^"]*" not found|service file "[^"]*" not', "unknown service"),
    (r"invalid response|expected authentication request|protocol synchronization", "no Postgres"),
    (r"does not support SSL", "no TLS"),
    (r"does not match host name", "name of the server"),
    (r"certificate verify failed|root certificate file|root\.crt", "certificate of the server"),
    (r"certificate required|requires a valid client certificate", "certificate of the client"),
    (r"private key file|load certificate|load private key|key values mism", "key of the client"),
    (r"SSL|certificate", "TLS"),
)
"""What libpq, the server and PgBouncer say of connections."""
