"""Ctrl-C, or a time-out by a signal, at any line of a write: the next one has its turn.

CPython looks for signals behind calls and at the ends of loops: so none comes in a `finally` before
the call that is its first.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest
from beautyspot.spot import Spot
from beautyspot_local.sqlite.database import Database

WRITE = Database.write.__code__
_LINES, _FIRST = inspect.getsourcelines(Database.write)
FINALLY = _FIRST + next(at for at, line in enumerate(_LINES) if line.strip() == "finally:")


def interrupt(call: Callable[[], Any], at: int, error: type[BaseException]) -> bool:
    """Raise an error at a line of a write, the `at`-th that it comes to; whether it came there."""
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if frame.f_code is WRITE and event == "line" and frame.f_lineno < FINALLY:
            lines += 1
            if lines == at:
                raise error
        return trace if frame.f_code is WRITE else None

    before = sys.gettrace()
    sys.settrace(lambda frame, event, arg: trace(frame, event, arg))
    try:
        call()
    except error:
        pass
    finally:
        sys.settrace(before)
    return lines >= at


@pytest.mark.parametrize("error", [KeyboardInterrupt, TimeoutError])
def test_an_interrupted_write_keeps_its_turn_from_nobody(
    make_spot: Callable[..., Spot], error: type[BaseException]
) -> None:
    spot = make_spot()
    marked = spot.mark(name="f")(lambda x: [x])
    marked(0)
    at = 1
    while interrupt(lambda: marked(at), at, error):
        assert marked(-at) == [-at]
        assert spot.flush(30)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(marked, at + 1000).result(30) == [at + 1000]
        assert spot.stats()["unsaved"] == 0
        at += 1
    assert at > 5
    assert threading.active_count() < 50
