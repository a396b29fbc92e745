"""What a forked child has to make anew, and what is done before a process ends its threads."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - ends executors after what is told of the end here
import os
import sys
import threading
import weakref
from contextlib import suppress
from typing import Any, Final, Protocol


class Forked(Protocol):
    """An object whose state belongs to one process: locks, threads, what they work on."""

    def reset_after_fork(self) -> None:
        """Put the object into the state of a new one; another thread may have held its locks."""


class Ending(Protocol):
    """An object that has something to do before its process ends."""

    def before_end(self) -> None:
        """Do that, while threads can still use executors."""


_all: Final[weakref.WeakSet[Forked]] = weakref.WeakSet()
_ending: Final[weakref.WeakSet[Ending]] = weakref.WeakSet()


def reset_in_children(made: Forked) -> None:
    """Have `made` reset in each child that is forked while `made` exists."""
    _all.add(made)


def tell_of_end(made: Ending) -> None:
    """Have `made` told of the end of this process, and of each child that is forked from it.

    That is any end that Python is told of, those of the children of `multiprocessing` included.
    """
    _ending.add(made)


def is_child() -> bool:
    """Whether this process is a child of `multiprocessing`. Such a process runs no `atexit`."""
    process: Any = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _reset_all() -> None:
    for made in list(_all):
        made.reset_after_fork()


def _tell_all() -> None:
    for made in list(_ending):
        made.before_end()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_all)
with suppress(RuntimeError):  # the interpreter ends
    threading._register_atexit(_tell_all)  # type: ignore[attr-defined]
