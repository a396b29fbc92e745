"""SIGTERM while a map runs: it ends in order, as at Ctrl-C, where the program has no other plan.

By default SIGTERM ends a process at once, and what its calls would have returned is lost.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STATUS: Final = 128 + 15
"""The exit status of a process that SIGTERM ended, as shells show it."""

_running: Final[dict[object, int]] = {}
"""The maps that run in the main thread, each with its process."""


@contextmanager
def ends_in_order() -> Iterator[None]:
    """In the block, SIGTERM raises `SystemExit` in the main thread, if nothing else is set."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    token = object()
    _running[token] = os.getpid()
    try:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            with suppress(ValueError, OSError):  # in a subinterpreter, say
                signal.signal(signal.SIGTERM, _end)
        yield
    finally:
        _running.pop(token, None)
        if not _running:
            _put_back()


def _put_back() -> None:
    if signal.getsignal(signal.SIGTERM) is _end:
        with suppress(ValueError, OSError):  # in another thread: `_end` does it when it is called
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    if os.getpid() in _running.values():
        raise SystemExit(STATUS)
    _put_back()
    os.kill(os.getpid(), number)
