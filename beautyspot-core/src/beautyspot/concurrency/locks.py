"""Locks whose holder is known, so that code which interrupts it waits for no other thread.

Python runs the handlers of signals in the midst of the main thread's code, and `__del__` of what
the collector finds in the midst of any thread's. Both may call marked functions, and so meet a lock
that the thread holds already, or wait for a thread that waits for such a lock.

- A plain lock guards a few steps in which nothing is called, so that no other code can come in
  between.
- Every other lock is made by `reentrant`: it lets its holder in again, and before a call waits for
  another thread it asks `inside`. Where that is true it goes on without: it runs its function
  rather than follow another call, passes a cap, and leaves a flush or a shutdown to other threads.
"""

from __future__ import annotations

import threading
import weakref
from operator import call
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_all: set[weakref.ref[threading.RLock]] = set()
_is_owned: Callable[[threading.RLock], bool] = type(threading.RLock())._is_owned  # type: ignore[attr-defined] # as `threading.Condition` asks


def reentrant() -> threading.RLock:
    """A lock whose holder is known."""
    lock = threading.RLock()
    _all.add(weakref.ref(lock, _all.discard))
    return lock


def holds(lock: threading.RLock) -> bool:
    """Whether this thread holds a lock."""
    return _is_owned(lock)


def inside() -> bool:
    """Whether this thread holds any of these locks, so that it must not wait for another thread."""
    return any(map(_is_owned, filter(None, map(call, _all.copy()))))  # in C: there may be thousands
