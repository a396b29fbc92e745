"""What the other threads are just doing, told by their stacks."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType, FrameType


def others_inside(modules: frozenset[str], waiting: frozenset[CodeType]) -> bool:
    """Whether another thread is in a function of `modules`, or in what that has called.

    A thread that is in none of `waiting` itself is inside; one that is there stands at a lock.
    It costs those threads nothing, so that it is for what is asked once in a while.
    """
    # Between two threads of Python code this is one look: nobody moves while it is taken.
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    return any(
        frame.f_code not in waiting and _is_inside(frame, modules) for frame in frames.values()
    )


def _is_inside(frame: FrameType | None, modules: frozenset[str]) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") in modules:
            return True
        frame = frame.f_back
    return False
