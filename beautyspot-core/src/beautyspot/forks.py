"""What a forked child makes anew: another thread of its parent may have held the locks."""

from __future__ import annotations

import os
import weakref
from typing import Final, Protocol


class Forked(Protocol):
    """What has a state that is of one process."""

    def reset_after_fork(self) -> None:
        """Begin as if it had just been made, in the child."""


_all: Final[weakref.WeakSet[Forked]] = weakref.WeakSet()


def reset_in_children(made: Forked) -> None:
    """Have `made` reset in each process that is forked while it is there."""
    _all.add(made)


def _reset_all() -> None:
    for made in list(_all):
        made.reset_after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_reset_all)
