"""Locks, where a thread that holds one may be interrupted by code that needs it, too.

Python runs the handlers of signals in the midst of the main thread's code, and what a collector
finds (`__del__`) in any thread's: as a function is called, after one written in C, and where a loop
begins anew. They may call whatever the interrupted code is part of. So there are two kinds:

- Most of our locks are held for a few steps in which nothing is called, looped or made that a
  collector counts: nobody comes in between. These are plain ones.
- The others are made by `reentrant`. What they guard can be used wherever their holder calls
  something. And who was interrupted while he held one waits for no other thread, since that one
  may wait for the lock: see `inside`.

`submit` is for the locks of `concurrent.futures`, which are plain, and held while threads start.
"""

from __future__ import annotations

import sys
import threading
import weakref
from contextlib import suppress
from operator import call
from typing import TYPE_CHECKING

from beautyspot.concurrency import deferred

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from types import CodeType, FrameType

_all: set[weakref.ref[threading.RLock]] = set()
_is_owned: Callable[[threading.RLock], bool] = type(threading.RLock())._is_owned  # type: ignore[attr-defined] # as `threading.Condition` asks


def reentrant() -> threading.RLock:
    """A lock whose holder is known."""
    lock = threading.RLock()
    _all.add(weakref.ref(lock, _all.discard))
    return lock


def holds(lock: threading.RLock) -> bool:
    """Whether this thread has it already."""
    return _is_owned(lock)


def inside(besides: threading.RLock | None = None) -> bool:
    """Whether this code interrupts some that holds a lock: then it must not wait for others.

    A lock that the code holds on its own way here is `besides`.
    """
    every = _all.copy()
    if besides is not None:
        every.discard(weakref.ref(besides))
    # In C, for there may be thousands, of all Spots.
    return any(map(_is_owned, filter(None, map(call, every)))) or _is_submitting()


def submit(executor: Executor, work: Callable[[], object]) -> None:
    """Have an executor do some work; by way of another thread, where this one is just at that.

    Raises:
        RuntimeError: the executor takes none any more.
    """
    if _is_submitting():
        deferred.later(lambda: _submit(executor, work))
    else:
        executor.submit(work)


def _submit(executor: Executor, work: Callable[[], object]) -> None:
    with suppress(RuntimeError):
        executor.submit(work)


def _is_submitting() -> bool:
    """Whether this thread is inside of an executor of threads, which holds locks of its own."""
    module = sys.modules.get("concurrent.futures.thread")
    if module is None:
        return False
    pool = module.ThreadPoolExecutor
    codes: tuple[CodeType, ...] = (pool.submit.__code__, pool.shutdown.__code__)
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False
