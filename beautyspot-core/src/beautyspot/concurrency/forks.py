"""What a forked child has to make anew."""

from __future__ import annotations

import os
import weakref
from typing import Final, Protocol


class Forked(Protocol):
    """An object whose state belongs to one process: locks, threads, what they work on."""

    def reset_after_fork(self) -> None:
        """Put the object into the state of a new one; another thread may have held its locks."""


_all: Final[weakref.WeakSet[Forked]] = weakref.WeakSet()


def reset_in_children(made: Forked) -> None:
    """Have `made` reset in each child that is forked while `made` exists."""
    _all.add(made)


def _reset_all() -> None:
    for made in list(_all):
        made.reset_after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_all)
