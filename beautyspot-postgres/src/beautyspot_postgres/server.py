"""`Server`: the connections of a process to one Postgres server."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beautyspot.contracts import checked
from beautyspot.errors import BeautyspotError, ConfigError, MetadataBusyError, MetadataError

from beautyspot_postgres.address import Address, parsed
from beautyspot_postgres.connection import (
    BrokenError,
    Connection,
    LateError,
    ServerError,
    UnreachedError,
)
from beautyspot_postgres.failures import AGAIN, UNREACHED, Failures, code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beautyspot_postgres.values import Row

T = TypeVar("T")

SHORTEST: Final = 0.001
LONGEST: Final = 3600.0
"""Seconds of a time-out."""

IDLE: Final = 300.0
"""Seconds after which a connection that nobody needed is closed."""

LONG: Final = 60.0
"""Seconds that it may take to list, to count, and to make the schema: clients do that in turn."""

_MISSING: Final = frozenset({"42P01", "42883", "3F000"})
"""There is no such table, function or schema."""

_SHORT: Final = b"SELECT 1"

_TRIES: Final = 5
"""How often a statement is tried that the server rolled back for another one's sake."""


class Server:
    """A server, and the connections of this process to it.

    Each statement is a transaction of its own. It goes over a connection that is free, or a new
    one, and ends within `timeout` with its rows or an error. A forked child makes connections of
    its own: on a socket shared with its parent, each would read the other's answers.

    A statement whose connection broke is sent once more, over a new one, so each must be right when
    it is run twice, or say `twice=False`. One that gets no answer within the time-out is not sent
    again: its caller has waited long enough. Those that are not used just now are closed then: they
    lead to the same server, and each would cost a time-out of its own.

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
        connections: int = 10,
        **parameters: Any,
    ) -> None:
        self.address: Final[Address] = parsed(url, parameters)
        self.schema_name: Final = _schema_name(schema)
        self.schema: Final = f'"{self.schema_name}"'
        self.timeout: Final = checked.duration("timeout", timeout, least=SHORTEST, most=LONGEST)
        self.failures: Final = Failures(self.address, failed, busy)
        self.is_ready = False
        self._most = checked.count("connections", connections)
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Begin as a new process: a lock may have been held at the fork, and would be for ever."""
        self._free: deque[Connection] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._made = self._waiting = 0
        self._closed_at = -1.0
        self._pid = os.getpid()

    @property
    def url(self) -> str:
        """Where it is, without credentials."""
        return str(self.address)

    def sql(self, text: str) -> bytes:
        """A statement, in whose text ``{schema}`` stands for the schema; to be made once."""
        return text.replace("{schema}", self.schema).encode()

    # ---------------------------------------------------------------------------------- asking

    def run(
        self,
        query: bytes,
        params: Sequence[Any] = (),
        *,
        twice: bool = True,
        is_long: bool = False,
    ) -> list[Row]:
        """The rows that a statement gives.

        Args:
            query: its text, with ``$1`` and so on, as `sql` makes it.
            params: texts, bytes, numbers, None, or what is already in binary form (`Binary`).
            twice: whether it may run twice, where a connection breaks while it is asked.
            is_long: whether it may take a minute, as to list or to count all rows may. A server
                that hangs is still given up within `timeout`: it is asked something short first.

        Raises:
            BeautyspotError: of the class `failed` or `busy`; says what to do.
        """
        if is_long:
            self.run(_SHORT)
        ends = time.monotonic() + (max(self.timeout, LONG) if is_long else self.timeout)
        return self._attempted(lambda one: one.ask(query, params, ends), ends, twice=twice)

    def is_pooled(self) -> bool:
        """Whether a pooler such as PgBouncer answers for the server.

        Raises:
            BeautyspotError: as `run`.
        """
        ends = time.monotonic() + self.timeout
        return self._attempted(lambda one: one.is_pooled(ends), ends, twice=True)

    def perform(self, script: str) -> None:
        """Perform statements in one transaction; they may run twice, and take longer than others.

        Raises:
            BeautyspotError: as `run`.
        """
        ends = time.monotonic() + max(self.timeout, LONG)
        text = self.sql(script)
        self._attempted(lambda one: one.perform(text, ends), ends, twice=True)

    def _attempted(self, ask: Callable[[Connection], T], ends: float, *, twice: bool) -> T:
        tried = 0
        while True:
            tried += 1
            try:
                return self._asked(ask, ends, fresh=not twice)
            except ServerError as error:
                if error.sqlstate not in AGAIN or tried >= _TRIES:
                    self.is_ready = self.is_ready and error.sqlstate not in _MISSING
                    raise self.failures.of(error) from self.failures.cause(error)
            except BrokenError as error:
                if not twice or tried > 1:
                    raise self.failures.of(error) from self.failures.cause(error)
                self._drop_free()  # they broke together, as a rule: the server was restarted
            except (UnreachedError, LateError) as error:
                self._drop_free()
                raise self.failures.of(error) from self.failures.cause(error)

    def _asked(self, ask: Callable[[Connection], T], ends: float, *, fresh: bool) -> T:
        connection = self._taken(ends)
        while fresh and connection.is_stale():
            self._drop(connection)
            connection = self._taken(ends)
        try:
            answer = ask(connection)
        except ServerError as error:
            if error.sqlstate.startswith("57P") or error.sqlstate == "25006":
                self._drop(connection)  # it ends, or has become a replica's
            else:
                self._give_back(connection)
            raise
        except BaseException:
            self._drop(connection)  # also where it was interrupted: an answer is still to come
            raise
        self._give_back(connection)
        return answer

    # ---------------------------------------------------------------------------- connections

    def _taken(self, ends: float) -> Connection:
        if self._pid != os.getpid():
            self._begin_anew()
        try:
            return self._free.pop()  # the one used last
        except IndexError:
            return self._made_or_waited_for(ends)

    def _made_or_waited_for(self, ends: float) -> Connection:
        with self._changed:
            self._waiting += 1
            try:
                while self._made >= self._most:
                    if self._free:
                        return self._free.pop()
                    if not self._changed.wait(max(0.0, ends - time.monotonic())):
                        raise LateError("no connection became free")
                self._made += 1
            finally:
                self._waiting -= 1
        try:
            return self._connected(ends)
        except BaseException:
            self._note_gone()
            raise

    def _connected(self, ends: float) -> Connection:
        attempts = self.address.attempts()
        failed: Exception = UnreachedError("it has no host")
        # Of what all hosts say, what tells most: a standby refuses, and the former primary is away.
        for number, parameters in enumerate(attempts):
            now = time.monotonic()
            part = (ends - now) / (len(attempts) - number)
            try:
                return Connection(parameters, now + part)
            except (UnreachedError, LateError) as error:
                if code(failed) == UNREACHED:
                    failed = error
        raise failed

    def _give_back(self, connection: Connection) -> None:
        if connection.made_at <= self._closed_at:
            self._drop(connection)
            return
        self._free.append(connection)
        if self._waiting:
            with self._changed:
                self._changed.notify()
        with suppress(IndexError):  # other threads may have taken all
            if connection.used_at - self._free[0].used_at > IDLE:
                self._drop(self._free.popleft())

    def _drop_free(self) -> None:
        with suppress(IndexError):  # there is none left
            while True:
                self._drop(self._free.popleft())

    def _drop(self, connection: Connection) -> None:
        connection.close()
        self._note_gone()

    def _note_gone(self) -> None:
        with self._changed:
            self._made -= 1
            self._changed.notify()

    def close(self) -> None:
        """Close its connections, those in use when they are given back.

        It may be asked again, and connects anew then.
        """
        if self._pid == os.getpid():
            self._closed_at = time.monotonic()
            self._drop_free()

    def __repr__(self) -> str:
        """Where it is, without credentials."""
        return f"<Server {self.url}>"


def _schema_name(value: object) -> str:
    name = checked.name("schema", value)
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,62}", name):
        raise ConfigError(
            f"schema={name!r:.80} is no plain name: take letters, digits and _, at most 63"
        )
    return name
