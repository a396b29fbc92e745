"""What a forked child has to make anew, and how a child of `multiprocessing` learns of its end."""

from __future__ import annotations

import os
import sys
import weakref
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Forked(Protocol):
    """An object whose state belongs to one process: locks, threads, what they work on."""

    def reset_after_fork(self) -> None:
        """Put the object into the state of a new one; another thread may have held its locks."""


_all: Final[weakref.WeakSet[Forked]] = weakref.WeakSet()


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


def _reset_all() -> None:
    for made in list(_all):
        made.reset_after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_all)
