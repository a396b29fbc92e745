"""Waiting for others: at locks, between tries, and before a fork until no thread is in SQLite.

SQLite has locks in the process's memory, for its allocator as for each file. A child that is forked
while another thread holds one inherits it, and nobody there gives it back: the child would hang in
its first look-up. So before a fork the threads that come are held at a lock, and those that are
inside are waited for. Their stacks tell, which costs those threads nothing.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from beautyspot.contracts import Lock

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

SHORTEST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.05
_OURS: Final = __name__.rpartition(".")[0]
_LOOK: Final = 0.0001
LONGEST: Final = 1.0
"""Seconds for which a fork waits at most: better a child that may hang than a parent that does."""


def acquire(lock: Lock, timeout: float = -1) -> bool:
    """Wait for a lock: for so many seconds at most, if it is not negative; whether it was got."""
    return lock.acquire(timeout=timeout)


def is_busy(error: BaseException) -> bool:
    """Whether another connection is in the way, so that the same call may succeed later."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def patiently(timeout: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `work` until it is not busy; between the calls, sleep for `timeout` seconds in all.

    SQLite's own busy handler is not used: the switch to WAL does not call it, and its pauses of up
    to 100 ms, equal for all, make one of four steady writers wait for seconds.
    """
    left, pause = timeout, SHORTEST_PAUSE
    while True:
        try:
            return work(*args, **kwargs)
        except sqlite3.OperationalError as error:
            if not is_busy(error) or left <= 0:
                raise
        jitter = 0.5 + os.urandom(1)[0] / 255  # so that processes that met once do not meet again
        nap = min(pause * jitter, left)
        time.sleep(nap)
        left -= nap
        pause = min(pause * 1.25, LONGEST_PAUSE)


# ----------------------------------------------------------------------------------- forking


_databases: Final[set[weakref.ref[Any]]] = set()
_held: Final[list[Any]] = []
_forking: Final = Lock()


def guard(database: object) -> None:
    """Have a `Database` held while the process forks."""
    _databases.add(weakref.ref(database, _databases.discard))


def _guarded() -> list[Any]:
    return [database for each in list(_databases) if (database := each()) is not None]


def others_inside() -> bool:
    """Whether another thread is in a function of ours, or in what that has called.

    One that waits in this module is not.
    """
    # Between two threads of Python code this is one look: no thread moves while it is taken.
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    for innermost in frames.values():
        waits = innermost.f_code in (acquire.__code__, patiently.__code__)
        frame = None if waits else innermost
        while frame is not None:
            if frame.f_globals.get("__name__", "").startswith(_OURS):
                return True
            frame = frame.f_back
    return False


def _before_fork() -> None:
    _forking.acquire()
    _held[:] = _guarded()
    for database in _held:
        database.hold()
    deadline = time.monotonic() + LONGEST
    for _ in range(int(LONGEST / _LOOK) if _held else 0):  # a test may have stopped the clock
        time.sleep(_LOOK)  # so that a time slice of our own begins, which lasts until the fork
        if not others_inside() or time.monotonic() > deadline:
            break


def _after_fork_in_parent() -> None:
    while _held:
        _held.pop().go_on()
    _forking.release()


def _after_fork_in_child() -> None:
    _held.clear()
    for database in _guarded():
        database.after_fork_in_child()
    _forking.release()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
