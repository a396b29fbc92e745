"""A lock that is free again when an interrupt has ended the code which held it.

What a signal's handler raises, such as `KeyboardInterrupt`, comes at a call's end at the earliest:
`lock.acquire()` may have got the lock, and the line after it never run. A `with` statement takes a
lock of `threading` without such a moment, but in Python 3.14, where it calls `__enter__` as any
other method. A `Condition` is never safe, and so no `Semaphore`, `Event` or `Queue`.
"""

from __future__ import annotations

import sys
from _thread import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info[:2] != (3, 14):
    Lock = RLock
else:

    class Lock(RLock):
        """A reentrant lock for `with`."""

        def __enter__(self) -> bool:
            # An iterator is asked for its next value without a look at signals. Nor is there one
            # when a function in Python returns.
            for got in iter(self.acquire, None):
                return got
            raise AssertionError("`acquire` gives a truth value, or raises")
