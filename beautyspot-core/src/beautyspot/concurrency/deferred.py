"""What Spots have still to do when they are gone: in threads of its own, and all before the end.

A collector of cycles may come anywhere, also into code that holds a lock, of ours as of `threading`
or `logging`. What it runs there must wait for no other thread: that one may wait for the very lock.
So a thread is begun here by `_thread`, which waits for nothing; `Thread.start` waits for the new
thread to be known, under a lock of `threading`.
"""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency.forks import at_end_of_child

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 8
"""Threads at work at once."""

_left: deque[Callable[[], object]] = deque()
_at_work: dict[_thread.LockType, None] = {}  # each is free once its thread has ended
_watched: list[bool] = []


def later(work: Callable[[], object]) -> None:
    """Have work done by a thread. This takes no lock, and waits for nothing.

    Where no thread can be begun it is done by the next one that can, or at the process's end.
    """
    _left.append(work)
    _watch_process_end()
    _begin()


def _watch_process_end() -> None:
    if not _watched and at_end_of_child(finish):
        _watched.append(True)


def _begin() -> None:
    if len(_at_work) >= MOST:
        return  # who ends looks once more
    running = _thread.allocate_lock()
    running.acquire()
    _at_work[running] = None
    try:
        _thread.start_new_thread(_launch, (running,))
    except RuntimeError:
        _at_work.pop(running)


def _launch(running: _thread.LockType) -> None:
    """Begin an ordinary thread, which has a name and is waited for: nothing is interrupted here."""
    try:
        threading.Thread(
            target=_work, args=(running,), name="beautyspot-shutdown", daemon=False
        ).start()
    except RuntimeError:  # the interpreter ends
        _work(running)


def _work(running: _thread.LockType) -> None:
    try:
        while _left:
            _do_next()
    finally:
        _at_work.pop(running, None)
        if _left:  # what came after the last look, or an error
            _begin()
        running.release()


def _do_next() -> None:
    try:
        work = _left.popleft()
    except IndexError:  # another one was faster
        return
    work()


@atexit.register
def finish() -> None:
    """Do here what is left, and wait for what is being done."""
    while _left or _at_work:
        try:
            _do_next()
        except Exception as error:  # as at exit: the others are done all the same
            sys.excepthook(type(error), error, error.__traceback__)
        for running in [] if _left else list(_at_work):
            with running:
                pass


def _reset_after_fork() -> None:
    """It is the parent's to do."""
    _left.clear()
    _at_work.clear()
    _watched.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_after_fork)
