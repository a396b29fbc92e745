"""One connection to the server: it connects, asks and gives up in time.

It stands on `psycopg.pq`, which psycopg itself stands on: a cursor has no deadline, and costs a
look-up more than the server does. Nothing is prepared and nothing set for a session, so that
PgBouncer may give each statement another session of the server.
"""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Any, Final

from beautyspot_postgres.values import bound, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg.pq.abc import PGconn, PGresult

    from beautyspot_postgres.values import Row

ALIVE: Final = {
    "client_encoding": "UTF8",
    "fallback_application_name": "beautyspot",
    "keepalives_idle": "15",  # a firewall that drops idle connections tells nobody
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
"""What all connections have, where the user says nothing else."""

_BINARY: Final = 1


class ServerError(Exception):
    """The server refused a statement.

    Attributes:
        sqlstate: its code, as "42P01".
    """

    def __init__(self, sqlstate: str, text: str) -> None:
        super().__init__(f"{sqlstate}: {text}")
        self.sqlstate = sqlstate


class BrokenError(Exception):
    """The connection broke. What was sent may have been performed."""


class UnreachedError(Exception):
    """There is no connection, so that nothing was sent."""


class LateError(Exception):
    """There was no answer in time. What was sent may be performed yet."""


class Connection:
    """A connection, for one thread at a time.

    Args:
        parameters: of libpq.
        ends: until when it has to be there, by the monotonic clock.

    Attributes:
        made_at: when it was made, by the monotonic clock.
        used_at: when it was used last.

    Raises:
        UnreachedError, LateError: it is not.
    """

    __slots__ = ("_pgconn", "_poll", "_process", "made_at", "used_at")

    def __init__(self, parameters: Mapping[str, str], ends: float) -> None:
        from psycopg import pq

        pairs = {**ALIVE, **parameters}
        text = " ".join(f"{name}={_quoted(value)}" for name, value in pairs.items())
        self._process = os.getpid()
        try:
            self._pgconn: PGconn = pq.PGconn.connect_start(text.encode())
        except Exception as error:
            raise UnreachedError(str(error)) from None
        try:
            self._connect(ends)
        except BaseException as error:
            self._pgconn.finish()
            if isinstance(error, _operational()):
                raise UnreachedError(str(error)) from None
            raise
        self._pgconn.nonblocking = 1
        self._poll = _poller(self._pgconn)
        self.made_at = self.used_at = time.monotonic()

    def _connect(self, ends: float) -> None:
        from psycopg.pq import ConnStatus, PollingStatus

        if self._pgconn.status == ConnStatus.BAD:
            raise UnreachedError(self._pgconn.get_error_message())
        step = PollingStatus.WRITING
        while step != PollingStatus.OK:
            if step == PollingStatus.FAILED:
                raise UnreachedError(self._pgconn.get_error_message())
            # Its socket may be another one at each step: it tries one address after another.
            _poller(self._pgconn)(ends, writes=step == PollingStatus.WRITING)
            step = PollingStatus(self._pgconn.connect_poll())

    def is_pooled(self, ends: float) -> bool:
        """Whether a pooler such as PgBouncer answers for the server: it tells a number of its own.

        Raises:
            ServerError, BrokenError, LateError: as `ask`.
        """
        return self.ask(b"SELECT pg_backend_pid()", (), ends) != [(self._pgconn.backend_pid,)]

    def is_stale(self) -> bool:
        """Whether the server has hung up, or said something unasked, while it was not used."""
        return self._poll.is_readable()

    def ask(self, query: bytes, params: Sequence[Any], ends: float) -> list[Row]:
        """The rows that a statement gives; it is one transaction.

        Raises:
            ServerError: the connection is good still.
            BrokenError, LateError: it is not.
        """
        pgconn = self._pgconn
        try:
            pgconn.send_query_params(query, *bound(params), result_format=_BINARY)
            answer = self._answer(ends)
        except _operational() as error:
            raise BrokenError(str(error)) from None
        return rows_of(answer)

    def perform(self, script: bytes, ends: float) -> None:
        """Perform statements, separated by semicolons, in one transaction.

        Raises:
            ServerError, BrokenError, LateError: as `ask`.
        """
        try:
            self._pgconn.send_query(script)
            self._answer(ends)
        except _operational() as error:
            raise BrokenError(str(error)) from None

    def _answer(self, ends: float) -> PGresult:
        """The last result; each statement of a script has one."""
        pgconn, poll = self._pgconn, self._poll
        while pgconn.flush():
            poll(ends, writes=True)
            pgconn.consume_input()
        last = None
        while True:
            while pgconn.is_busy():
                poll(ends)
                pgconn.consume_input()
            found = pgconn.get_result()
            if found is None:
                break
            if last is None or last.status != _FAILED:
                last = found
        self.used_at = time.monotonic()
        if last is None:
            raise BrokenError("the server gave no answer")
        if last.status not in _GOOD:
            raise self._error(last)
        return last

    def _error(self, answer: PGresult) -> Exception:
        from psycopg.pq import ConnStatus, DiagnosticField

        state = answer.error_field(DiagnosticField.SQLSTATE)
        text = answer.get_error_message()
        if state is None or self._pgconn.status == ConnStatus.BAD:
            return BrokenError(text)
        return ServerError(state.decode("ascii", "replace"), text)

    def close(self) -> None:
        """Close it, unless it is the parent's of this process: that one would lose it."""
        if self._process == os.getpid():
            self._pgconn.finish()


_COMMAND, _TUPLES, _FAILED, _EMPTY = 1, 2, 7, 0
_GOOD: Final = frozenset({_COMMAND, _TUPLES, _EMPTY})
"""`psycopg.pq.ExecStatus`."""


def _operational() -> type[Exception]:
    import psycopg

    return psycopg.OperationalError


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


# ------------------------------------------------------------------------------------- waiting


class _Poll:
    """Waits for a socket."""

    __slots__ = ("_both", "_reads")

    def __init__(self, socket: int) -> None:
        self._reads, self._both = select.poll(), select.poll()
        self._reads.register(socket, select.POLLIN)
        self._both.register(socket, select.POLLIN | select.POLLOUT)

    def __call__(self, ends: float, *, writes: bool = False) -> None:
        """Wait until it can be read, or with `writes` also written.

        Raises:
            LateError: it could not until then.
        """
        left = ends - time.monotonic()
        if left <= 0 or not (self._both if writes else self._reads).poll(left * 1000 + 1):
            raise LateError("no answer within the time-out")

    def is_readable(self) -> bool:
        return bool(self._reads.poll(0))


class _Select:
    """The same where there is no `poll`, as on Windows."""

    __slots__ = ("_socket",)

    def __init__(self, socket: int) -> None:
        self._socket = [socket]

    def __call__(self, ends: float, *, writes: bool = False) -> None:
        left = ends - time.monotonic()
        if left <= 0 or not any(
            select.select(self._socket, self._socket if writes else [], [], left)
        ):
            raise LateError("no answer within the time-out")

    def is_readable(self) -> bool:
        return bool(select.select(self._socket, [], [], 0)[0])


def _poller(pgconn: PGconn) -> _Poll | _Select:
    return _Poll(pgconn.socket) if hasattr(select, "poll") else _Select(pgconn.socket)
