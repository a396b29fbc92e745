"""Threads that others wait for, as messages name them."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Final

_OURS: Final = str(Path(__file__).parent.parent)
_LIBRARY: Final = os.path.dirname(os.__file__)  # noqa: PTH120 - as code names its file


def name_of(ident: int) -> str:
    """What to call the thread of an identifier."""
    for thread in threading.enumerate():
        if thread.ident == ident:
            return f"thread {thread.name!r}"
    return "a thread"


def place_of(ident: int) -> str:
    """Where a thread is in the user's code; "" where it is in none."""
    frame = sys._current_frames().get(ident)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith((_OURS, _LIBRARY, "<frozen")):
            return f"{code.co_filename}:{frame.f_lineno} in {code.co_qualname}"
        frame = frame.f_back
    return ""
