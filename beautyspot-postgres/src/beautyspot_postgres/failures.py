"""What went wrong at a server: a code for each error, and what to do.

Messages hold the server's error code (SQLSTATE), never its text, in which a server may repeat what
it was sent. What goes wrong as libpq connects has no code: it has a name here, by its text.

The codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re
from typing import Final


class UnreachedError(Exception):
    """There is no connection, so that nothing was sent."""


class LateError(Exception):
    """There was no answer in time. What was sent may be performed yet."""


MAY_NOT: Final = "42501"
"""The role lacks a privilege."""

UNREACHED: Final = "unreached"
"""The name of what is not known of a connection that was not made."""

BUSY: Final = frozenset(
    {"40001", "40P01", "53300", "55P03", "57P03", "55006", "pooler is full", "pooler waits"}
)
"""After these the same call may succeed in a moment."""

OTHERWISE: Final = "see the server's log, and that it is Postgres 13 or newer"

_REACH: Final = (
    "start the server, or correct its address (of the URL, of DATABASE_URL, or of libpq's PGHOST), "
    "the firewall or the network"
)
_SCHEMA: Final = (
    "another program, or a hand, has changed what lies in the schema: choose another schema=, or "
    "drop it and have it made again"
)
_UTF8: Final = "the database does not hold all characters: make one with ENCODING 'UTF8'"

ADVICE: Final = {
    UNREACHED: _REACH,
    "broken": f"the connection broke: see the server's log; {_REACH}",
    "late": (
        "no answer within the time-out: see why server or network are slow, or raise timeout=; if "
        "PgBouncer is before it, set its pool_mode = transaction (in session mode each connection "
        "of a program keeps one of the server) or raise its default_pool_size"
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
        "PgBouncer had no connection of the server free in time: set its pool_mode = transaction, "
        "raise its default_pool_size, or see whether the server answers"
    ),
    "pooler has no server": (
        "PgBouncer gets no connection of the server: see its log, and start the server"
    ),
    "pooler refuses parameters": (
        "PgBouncer takes no options=: leave it out, or add it to its ignore_startup_parameters"
    ),
    "08P01": "PgBouncer, or the server, did not take what was sent: see their logs",
    "22021": _UTF8,
    "22P05": _UTF8,
    "25006": (
        "the server takes no changes, as a replica, or a former primary after a failover, or since "
        "default_transaction_read_only is on: name the primary, or all hosts with "
        "target_session_attrs=read-write"
    ),
    "28": "correct user and password, in the URL, or by libpq's PGUSER, PGPASSWORD and ~/.pgpass",
    "3D": "there is no such database: create it, or correct the address",
    MAY_NOT: (
        "the role lacks a privilege: grant what the README of beautyspot-postgres lists under "
        '"Permissions", or, if it is only to find results, set mode="readonly" and a limiter of '
        "its own"
    ),
    "42": _SCHEMA,
    "3F": _SCHEMA,
    "53100": "the server's disk is full: free it, or remove results by `beautyspot prune`",
    "53300": (
        "the server has as many connections as it, the role or the database takes: raise its "
        "max_connections, put PgBouncer before it (pool_mode = transaction), or lower connections="
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

_POOLERS: Final = frozenset({"08P01", "58000"})
"""PgBouncer's codes for all that it has to say itself."""

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
    (r"could not translate host name|failed to resolve host", "unknown host"),
    (r'definition of service "[^"]*" not found|service file "[^"]*" not', "unknown service"),
    (r"invalid response|expected authentication request|protocol synchronization", "no Postgres"),
    (r"does not support SSL", "no TLS"),
    (r"does not match host name", "name of the server"),
    (r"certificate verify failed|root certificate file|root\.crt", "certificate of the server"),
    (r"certificate required|requires a valid client certificate", "certificate of the client"),
    (r"private key file|load certificate|load private key|key values mism", "key of the client"),
    (r"SSL|certificate", "TLS"),
    (r"no answer within the time-out|no connection became free", "late"),
)
"""What libpq, the server and PgBouncer say of connections."""


def code(error: Exception) -> str:
    """The SQLSTATE of an error of psycopg, or a name of what has none."""
    state: str | None = getattr(error, "sqlstate", None)
    if state is None or state in _POOLERS:
        named = (name for pattern, name in _TEXTS if re.search(pattern, str(error)))
        state = next(named, state)
    return state or (UNREACHED if isinstance(error, UnreachedError) else "broken")
