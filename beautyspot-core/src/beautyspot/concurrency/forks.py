"""What a forked child has to make anew, and how a child of `multiprocessing` learns of its end."""

from __future__ import annotations

import os
import sys
import weakref
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Forked(Protocol):
    """An object whose state belongs to one process: locks, threads, what they work on."""

    def reset_after_fork(self) -> None:
        """Put the object into the state of a new one; another thread may have held its locks."""


class Ending(Protocol):
    """An object that has something to do before its process ends."""

    def end_of_child(self) -> None:
        """Do that, in a process which runs no `atexit`."""


_all: Final[weakref.WeakSet[Forked]] = weakref.WeakSet()

_ending: Final[weakref.WeakSet[Ending]] = weakref.WeakSet()
"""Those of which `multiprocessing` has not been told yet, in this process or one it came from."""


def reset_in_children(made: Forked) -> None:
    """Have `made` reset in each child that is forked while `made` exists."""
    _all.add(made)


def at_end_of_child(end: Callable[[], object]) -> bool:
    """Have `end` called when this process ends, if it is a child of `multiprocessing`.

    Such a process runs no `atexit`. False where `multiprocessing` is not imported yet, so that
    this is to be called again.
    """
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return False
    in_child = sys.modules["multiprocessing.process"].parent_process() is not None
    if in_child:  # pragma: no cover - children are not measured
        util.Finalize(None, end, exitpriority=10)
    return True


def end_in_children(made: Ending) -> None:
    """Have `made` told of the end of each child of `multiprocessing`, as long as `made` exists.

    That is of this process, if it is one, and of those that are forked from it. What a child was
    told before it begins its work it forgets then, but for what `register_after_fork` holds.
    """
    _ending.add(made)
    _tell_ending()
    _watch_end(made)


def _tell_ending() -> None:
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        with suppress(KeyError):  # it is empty
            while True:
                util.register_after_fork(_ending.pop(), _watch_end)


def _watch_end(made: Ending) -> None:
    at_end_of_child(partial(_end, weakref.ref(made)))


def _end(made: weakref.ref[Ending]) -> None:  # pragma: no cover - children are not measured
    found = made()
    if found is not None:
        found.end_of_child()


def _reset_all() -> None:
    for made in list(_all):
        made.reset_after_fork()
    _tell_ending()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_all)
