"""What a forked child makes anew: another thread of its parent may have held the locks.

And how a child of `multiprocessing` is told of its end.
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Forked(Protocol):
    """What has a state that is of one process."""

    def reset_after_fork(self) -> None:
        """Begin as if it had just been made, in the child."""


_all: Final[weakref.WeakSet[Forked]] = weakref.WeakSet()


def reset_in_children(made: Forked) -> None:
    """Have `made` reset in each process that is forked while it is there."""
    _all.add(made)


def at_end_of_child(end: Callable[[], object]) -> bool:
    """Have `end` called when this process ends, if it is one that runs no `atexit`.

    Such are the children of `multiprocessing`. False while that is not imported: to be asked again.
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
