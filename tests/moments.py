"""The moments of a call of ours at which Python may run other code, and what that leaves behind."""

from __future__ import annotations

import gc
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import beautyspot
import pytest
from beautyspot.spot import Spot
from beautyspot_local.sqlite.store import SqliteMetadataStore
from gates import until
from rows import is_leased

each_moment = pytest.mark.parametrize("stride", [23, pytest.param(1, marks=pytest.mark.slow)])
"""A test takes one in so many moments of a call; each of them only where it may be slow."""

OURS = str(Path(beautyspot.__file__).parent)
BETWEEN = 3
"""How far below our own functions those of the standard library are interrupted, too."""


CALLBACKS = {"_weakrefset", "hypothesis.internal.conjecture.junkdrawer"}
"""Modules whose functions are called as an object goes, or the collector runs: Python swallows what
these raise."""


def is_ours(frame: FrameType | None, place: str = OURS) -> bool:
    if frame is not None and frame.f_globals.get("__name__") in CALLBACKS:
        return False
    for _ in range(BETWEEN):
        if frame is None:
            return False
        if frame.f_code.co_filename.startswith(place):
            return True
        frame = frame.f_back
    return False


def is_final(frame: FrameType | None) -> bool:
    """Whether this is done as an object goes: Python swallows what that raises."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


def check_free(spot: Spot, other: Spot, key: str) -> None:
    until(lambda: len(spot._engine.flights) == 0)
    for store in (store_of(spot), store_of(other)):
        until(lambda store=store: not is_leased(store, key))  # type: ignore[misc]
    check_unlocked(spot)


def check_unlocked(spot: Spot) -> None:
    path = store_of(spot)._database.path
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def store_of(spot: Spot) -> SqliteMetadataStore:
    store = spot.metadata
    assert isinstance(store, SqliteMetadataStore)
    return store


class Handler:
    """A profiler that calls `handle` at one moment of the calls of ours: the `at`-th."""

    def __init__(self, at: int, handle: Callable[[], Any], place: str) -> None:
        self.at = at
        self.place = place
        self.met = 0
        self.handle = handle

    @property
    def came(self) -> bool:
        return self.met >= self.at

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        if event == "c_return" and getattr(arg, "__name__", "") == "__enter__":
            return  # since Python 3.14 profilers see it, and Python looks for no signal there
        if event in ("call", "c_return") and not self.came and is_ours(frame, self.place):
            self.met += 1
            if self.came:
                sys.setprofile(None)
                self.handle()


class Interrupt(Handler):
    """The handler of Ctrl-C, where what it raises is not swallowed."""

    def __init__(self, at: int, place: str) -> None:
        super().__init__(at, self.interrupt, place)

    def interrupt(self) -> None:
        raise KeyboardInterrupt

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        if not is_final(frame):
            super().__call__(frame, event, arg)


def interrupted(call: Callable[[], Any], at: int, place: str = OURS) -> bool:
    """Interrupt `call` at a moment; False where it was over before that."""
    interrupt = Interrupt(at, place)
    gc.disable()  # what it finds may be another test's
    try:
        sys.setprofile(interrupt)
        call()
    except KeyboardInterrupt:
        assert interrupt.came
        return True
    except ZeroDivisionError:
        pass
    finally:
        sys.setprofile(None)
        gc.enable()
    assert not interrupt.came, "the interrupt was swallowed"
    return False
