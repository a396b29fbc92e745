"""Who holds what others wait for, and what a closed event loop leaves of it.

A thread that ends unwinds its calls, and so gives back what they hold. A task does not, where its
event loop is closed before it ends: nothing resumes it, and it lives as long as anything refers to
it. So what a task holds (a flight and its lease, a place under a cap) is noted under its loop, and
misses, and those who wait for such things, end what closed loops have left.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency.waiting import running_loop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

held: Final[dict[AbstractEventLoop, dict[object, Callable[[], object]]]] = {}
"""By event loop: what its tasks hold, and what ends that."""


def hold(what: object, end: Callable[[], object]) -> None:
    """Have `end` called, in whatever thread, where the running loop is closed before `let_go`.

    Where no event loop runs here, nothing is noted.
    """
    loop = running_loop()
    if loop is not None:
        held.setdefault(loop, {})[what] = end


def let_go(what: object) -> None:
    """Note that something is held no more."""
    for of_loop in list(held.values()):
        of_loop.pop(what, None)


def end_orphans() -> None:
    """End what is held by tasks whose event loop was closed.

    Not to be called within a lock: the code of a task that beautyspot started is closed, too.
    """
    for loop in list(held):
        if loop.is_closed():
            for end in list(held.pop(loop, {}).values()):
                with suppress(Exception):  # what the user's function makes of its end
                    end()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=held.clear)  # it is the parent's
