"""No thread is inside of SQLite, nor writes, while the process forks.

SQLite has locks in the process's memory, for its allocator as for each file. A child that is forked
while another thread holds one inherits it, and nobody there gives it back: the child would hang in
its first look-up. So before a fork the threads that come are held at a lock, and those that are
inside are waited for. Their stacks tell, which costs those threads nothing.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

F = TypeVar("F", bound="Callable[..., Any]")

INSIDE: Final[set[str]] = set()
"""The modules whose functions call SQLite, and never the user's code; each adds its own name."""

_AT_A_LOCK: Final[set[CodeType]] = set()

_PAUSE: Final = 0.0001


class Guarded(Protocol):
    """A database of this process."""

    timeout: float

    def hold(self, deadline: float) -> Callable[[], None]:
        """Let no thread write, nor begin to read; returns how to end that, in the same thread."""
        ...

    def after_fork_in_child(self) -> None:
        """Leave everything to the parent."""
        ...


_databases: weakref.WeakSet[Guarded] = weakref.WeakSet()


def guard(database: Guarded) -> None:
    """Have the database held while the process forks."""
    _databases.add(database)


def waits(function: F) -> F:
    """Mark a function that calls no SQLite itself before it has a lock that a fork holds."""
    _AT_A_LOCK.add(function.__code__)
    return function


def others_inside(modules: set[str]) -> bool:
    """Whether another thread is in a function of `modules`, or in what that has called.

    A thread whose innermost function is marked by `waits` stands at a lock.
    """
    # Between two threads of Python code this is one look: no thread moves while it is taken.
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    return any(
        frame.f_code not in _AT_A_LOCK and _is_inside(frame, modules) for frame in frames.values()
    )


def _is_inside(frame: FrameType | None, modules: set[str]) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") in modules:
            return True
        frame = frame.f_back
    return False


def acquire(lock: threading.Lock | threading.RLock, deadline: float, held: ExitStack) -> bool:
    """Acquire a lock that `held` gives back; False where that took too long."""
    left = min(max(deadline - time.monotonic(), 0.0), threading.TIMEOUT_MAX)
    acquired = lock.acquire(timeout=left)
    if acquired:
        held.callback(lock.release)
    return acquired


class _Locks:
    """Locks of all databases together.

    Attributes:
        forking: two threads that fork would wait for each other.
        ending: held by the thread that closes a connection. Reentrant, since a collector may come
            to another one meanwhile.
        creating: held by the thread that makes the file of a database.
    """

    def __init__(self) -> None:
        self.forking = threading.Lock()
        self.ending = threading.RLock()
        self.creating = threading.RLock()


locks = _Locks()


class _Held(threading.local):
    """What a thread that forks has to give back."""

    stack = ExitStack()


_held: Final = _Held()


def _before_fork() -> None:
    held = _held.stack = ExitStack()
    databases = _snapshot()
    longest = max((database.timeout for database in databases), default=0.0)
    deadline = time.monotonic() + longest
    acquire(locks.forking, deadline, held)
    for database in databases:
        held.callback(database.hold(deadline))
    acquire(locks.ending, deadline, held)  # last: a thread that holds a database ends connections
    waited = 0.0  # and not by the clock alone, which a test may have stopped
    while others_inside(INSIDE) and waited < longest and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        waited += _PAUSE


def _snapshot() -> list[Guarded]:
    while True:
        try:
            return list(_databases)
        except RuntimeError:  # another thread made one meanwhile
            continue


def _after_fork_in_parent() -> None:
    _held.stack.close()


def _after_fork_in_child() -> None:
    global locks  # noqa: PLW0603 - a lock can't be reset in place
    locks = _Locks()
    _held.stack.pop_all()  # the databases of the child have locks of their own
    for database in list(_databases):
        database.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
