"""Locks whose holder is known, so that code which interrupts it waits for no other thread.

Python runs the handlers of signals in the midst of the main thread's code, and `__del__` of what
the collector finds in the midst of any thread's. Both may call marked functions, and so meet a lock
that the thread holds already, or wait for a thread that waits for such a lock.

- A plain lock guards a few steps in which nothing is called, so that no other code can come in
  between.
- Every other lock is made by `reentrant`: it lets its holder in again, and before a call waits for
  another thread it asks `inside`. Where that is true it goes on without: it runs its function
  rather than follow another call, passes a cap, and leaves a flush or a shutdown to other threads.

A backend has locks of its own, which are not known: what interrupts one of its operations is taken
for code that interrupts the holder of a lock.

An attribute that is computed late needs no lock: see `Lazily`.
"""

from __future__ import annotations

import sys
import threading
import weakref
from operator import call
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType


_all: set[weakref.ref[threading.RLock]] = set()
_is_owned: Callable[[threading.RLock], bool] = type(threading.RLock())._is_owned  # type: ignore[attr-defined] # as `threading.Condition` asks
_operations: dict[int, CodeType] = {}
"""The code of backends' operations, by its ID: to hash code takes long."""


def reentrant() -> threading.RLock:
    """A lock whose holder is known."""
    lock = threading.RLock()
    _all.add(weakref.ref(lock, _all.discard))
    return lock


def holds(lock: threading.RLock) -> bool:
    """Whether this thread holds a lock."""
    return _is_owned(lock)


def holds_in(*operations: Callable[..., object]) -> None:
    """Have `inside` be true beneath these operations of a backend."""
    for operation in operations:
        code: CodeType | None = getattr(operation, "__code__", None)
        if code is not None:
            _operations[id(code)] = code


def inside() -> bool:
    """Whether this thread holds any of these locks, so that it must not wait for another thread."""
    held = map(_is_owned, filter(None, map(call, _all.copy())))
    return any(held) or _is_in_a_backend()  # the first in C: there may be thousands


def _is_in_a_backend() -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if id(frame.f_code) in _operations:
            return True
        frame = frame.f_back
    return False


T = TypeVar("T")


class Lazily(Generic[T]):
    """Decorates a method, and gives way to its value in the instance's `__dict__`.

    `functools.cached_property` has a lock before Python 3.12, of all instances of a class together:
    a child that is forked while another thread computes would stand still at its first look, and
    two threads that import could wait for each other. Here two may compute the same, and the last
    is kept.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        value = vars(instance)[self._name] = self._compute(instance)
        return value
