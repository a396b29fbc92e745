"""`Server`: the connections of a process to one Postgres server."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from contextlib import contextmanager, suppress
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING, Any, Final

import psycopg
from beautyspot.contracts import checked
from beautyspot.contracts.failures import Failures
from beautyspot.errors import BeautyspotError, ConfigError, MetadataBusyError, MetadataError
from beautyspot_local.remote.places import Places
from psycopg import generators, waiting
from psycopg.conninfo import conninfo_attempts, make_conninfo
from psycopg.rows import tuple_row

from beautyspot_postgres import failures
from beautyspot_postgres.address import SECRETS, Address
from beautyspot_postgres.failures import LateError, UnreachedError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from psycopg.abc import PQGen

Row = tuple[Any, ...]

IDLE: Final = 300.0
"""Seconds after which a connection that nobody needed is closed."""

_ALIVE: Final = {
    "client_encoding": "UTF8",
    "fallback_application_name": "beautyspot",
    "keepalives_idle": "15",  # a firewall that drops idle connections tells nobody
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
"""What all connections have, where the user says nothing else."""

_AGAIN: Final = frozenset({"40001", "40P01"})
"""The server rolled it back for another transaction's sake: it can be run at once again."""

_TRIES: Final = 5
"""How often."""

_OFTEN: Final = 5
"""How often a statement is asked over a connection until it is prepared there."""

_MISSING: Final = frozenset({"42P01", "42883", "3F000"})
"""There is no such table, function or schema."""


def column_name(option: str, value: object) -> str:
    """A name that may stand in a column, and in its index.

    Raises:
        ConfigError: it is none, too long, or has a sign that no database holds.
    """
    name = checked.name(option, value)
    if len(name) > 200 or re.search("[\0\ud800-\udfff]", name):
        raise ConfigError(
            f"{option}={name[:40]!r} is too long, or no UTF-8 without zeros: give 200 "
            "characters at most"
        )
    return name


class Connection(psycopg.Connection[Row]):
    """A connection whose answers come in time, for one thread at a time.

    Attributes:
        ends: until when the next answer has to be there, by the monotonic clock.
        used_at: when it was used last.
        is_pooled: whether a pooler such as PgBouncer answers for the server.
    """

    ends = 0.0
    used_at = 0.0
    is_pooled = False
    _pool = None  # one that is in a pool may be left open at the program's end: psycopg is silent

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer; psycopg's own waits as long as it takes."""
        del timeout
        return waiting.wait(_in_time(gen, self.ends), self.pgconn.socket, interval)

    def has_ended(self) -> bool:
        """Whether the server has hung up while nobody used it: unasked it says nothing else."""
        with DefaultSelector() as selector:
            selector.register(self.pgconn.socket, EVENT_READ)
            return bool(selector.select(0))


def _in_time(steps: Generator[Any, Any, Any], ends: float) -> Generator[Any, Any, Any]:
    """The same steps, which end with an error when the time is over."""
    ready = None
    while True:
        try:
            wanted = steps.send(ready)
        except StopIteration as done:
            return done.value
        if time.monotonic() >= ends:
            raise LateError("no answer within the time-out")
        ready = yield wanted


def connected(parameters: Mapping[str, str], ends: float) -> Connection:
    """A connection to the first of several hosts that takes one, each within its part of the time.

    Nothing is prepared behind a pooler, which may give each statement another session. It is told
    by the number of the server's process: that in its greeting is the pooler's own.
    """
    failed = list[str]()
    attempts = conninfo_attempts({**_ALIVE, **parameters})
    for number, attempt in enumerate(attempts):
        now = time.monotonic()
        part = now + (ends - now) / (len(attempts) - number)
        try:
            steps = _in_time(generators.connect(make_conninfo("", **attempt)), part)
            connection = Connection(waiting.wait_conn(steps, 0.1), tuple_row)
            connection.ends = part
            connection.autocommit = True
            connection.cursor_factory = psycopg.RawCursor  # psycopg reads long texts slowly
            [(pid,)] = connection.execute("SELECT pg_backend_pid()")
        except (psycopg.Error, LateError) as error:
            failed.append(str(error))
        else:
            connection.is_pooled = pid != connection.pgconn.backend_pid
            connection.prepare_threshold = None if connection.is_pooled else _OFTEN
            return connection
    raise UnreachedError("; ".join(failed))


class Server:
    """A server, and the connections of this process to it.

    Each statement is a transaction of its own. It goes over a connection that is free, or a new
    one, and ends within `timeout` with its rows or an error. A forked child makes connections of
    its own: on a socket shared with its parent, each would read the other's answers.

    A statement whose connection broke is sent once more, over a new one, so each must be right when
    it is run twice, or say `twice=False`. One that gets no answer within the time-out is not sent
    again: its caller has waited long enough. All connections are closed then: they lead to the same
    server, and each would cost a time-out of its own.

    Args:
        url: see `beautyspot_postgres.address`; None is the environment's.
        failed: the class of what is raised.
        busy: the class of that after which the same call may succeed in a moment.
        schema: of the database, in which all of ours lies.
        timeout: seconds within which the server has to answer.
        connections: how many there are at most; further threads wait for one.
        parameters: of libpq, such as ``sslmode="verify-full"``.

    Attributes:
        address: where it is.
        failures: a block in which psycopg's errors become errors of beautyspot.
        schema: as it is written in SQL, in quotes.
        is_ready: whether its schema was seen. It is False again after an answer by which something
            of it is missing, as where it was dropped: then it is to be made again.

    Raises:
        ConfigError: the URL or an option is wrong, or they contradict each other.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        failed: type[BeautyspotError] = MetadataError,
        busy: type[BeautyspotError] = MetadataBusyError,
        schema: str = "beautyspot",
        timeout: object = 5.0,
        connections: int = 4,
        **parameters: Any,
    ) -> None:
        self.address: Final = Address(url, parameters)
        self.schema_name: Final = checked.name("schema", schema)
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,62}", schema):
            raise ConfigError(
                f"schema={schema!r:.80} is no plain name: take letters, digits and _, at most 63"
            )
        self.schema: Final = f'"{schema}"'
        self.timeout = checked.duration("timeout", timeout, least=0.001, most=3600.0)
        self.failures: Final = Failures(
            self.url,
            failures.code,
            failures.ADVICE,
            failures.OTHERWISE,
            busy=failures.BUSY,
            secrets=[self.address.known().get(name, "") for name in SECRETS],
            failed=failed,
            busy_error=busy,
        )
        self.is_ready = False
        self._most = checked.count("connections", connections)
        self._strangers: list[object] = []
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Begin as a new process: a lock may have been held at the fork, and would be for ever."""
        self._idle = deque[Connection]()
        self._places = Places(self._most)
        self._pid = os.getpid()

    @property
    def url(self) -> str:
        """Where it is, without credentials."""
        return str(self.address)

    # ---------------------------------------------------------------------------------- asking

    def run(
        self,
        query: str,
        params: Sequence[Any] = (),
        *,
        twice: bool = True,
        prepare: bool | None = None,
    ) -> list[Row]:
        """The rows that a statement gives.

        Args:
            query: its text, with ``%s`` for each of the parameters, and with ``{schema}``.
            params: texts, bytes, numbers, lists of these, or None.
            twice: whether it may run twice, where a connection breaks while it is asked.
            prepare: False for what is not asked often.

        Raises:
            BeautyspotError: of the class `failed` or `busy`; says what to do.
        """
        with self.failures:
            return self.ask(query, params, twice=twice, prepare=prepare)

    def ask(
        self,
        query: str,
        params: Sequence[Any] = (),
        *,
        twice: bool = True,
        prepare: bool | None = None,
    ) -> list[Row]:
        """The same, with the errors of psycopg and of `failures`."""
        first, *others = query.replace("{schema}", self.schema).split("%s")
        text = (first + "".join(f"${at}{each}" for at, each in enumerate(others, 1))).encode()
        ends = time.monotonic() + self.timeout
        tried = 0
        while True:
            tried += 1
            try:
                with self._connection(ends, sound=not twice) as connection:
                    cursor = connection.execute(text, params or None, prepare=prepare, binary=True)
                    has_rows = cursor.pgresult is not None and cursor.pgresult.nfields
                    return cursor.fetchall() if has_rows else []
            except psycopg.Error as error:
                state = error.sqlstate or ""
                self.is_ready = self.is_ready and state not in _MISSING
                if _is_broken(error) and twice and tried == 1:
                    self.close()  # they broke together, as a rule: the server was restarted
                elif state not in _AGAIN or tried >= _TRIES:
                    raise
            except LateError:
                self.close()
                raise

    @contextmanager
    def _connection(self, ends: float, *, sound: bool) -> Iterator[Connection]:
        """The connection that was used last, or a new one; `sound` if it must not have ended."""
        if self._pid != os.getpid():
            self._strangers.append(self._idle)  # the parent's, which are not to be closed here
            self._begin_anew()
        with self._places.one(ends) as is_free:
            if not is_free:
                raise UnreachedError("no connection became free")
            idle, is_good = self._idle, False
            with suppress(IndexError):
                if time.monotonic() - idle[0].used_at > IDLE:
                    idle.popleft().close()
            connection = idle.pop() if idle else connected(self.address.parameters, ends)
            if sound and connection.has_ended():
                connection.close()
                connection = connected(self.address.parameters, ends)
            connection.ends = ends
            try:
                yield connection
                is_good = True
            except psycopg.Error as error:  # a primary that takes no changes has become a standby
                is_good = not _is_broken(error) and error.sqlstate != "25006"
                raise
            finally:  # after another error or an interrupt, an answer is still to come
                connection.used_at = time.monotonic()
                if is_good and idle is self._idle:
                    idle.append(connection)
                else:
                    connection.close()

    def close(self) -> None:
        """Close its connections, those in use when they are given back.

        It may be asked again, and connects anew then.
        """
        if self._pid == os.getpid():
            idle, self._idle = self._idle, deque()
            with suppress(IndexError):  # the last one was given back, or taken, meanwhile
                while idle:
                    idle.pop().close()


def _is_broken(error: psycopg.Error) -> bool:
    """Whether the connection broke. What was sent may have been performed."""
    state = error.sqlstate
    return isinstance(error, psycopg.OperationalError) and (state is None or state[:3] == "57P")
