"""A signal's handler that comes at any moment of a call, and uses the Spot itself: it never hangs.

Python runs handlers of signals, and `__del__` of what the collector finds, as it enters a function
written in Python and after one written in C. At such moments a profiler calls a handler, in the
thread of the call. Nothing hangs, nothing is lost, and the results are right.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from broken import Broken, BrokenStore
from gates import DEADLINE, until
from moments import check_free, each_moment, handled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.spot import Spot


def work(x: int) -> int:
    return x * 2


def other(x: int) -> int:
    return x * 3


def check(made: Any, expected: Any) -> None:
    assert made == expected


HANDLERS: dict[str, Callable[[Spot, Any, Any, int], Any]] = {
    "the same call": lambda spot, marked, _, at: check(marked(at), 2 * at),
    "another call": lambda spot, _, second, at: check(second(at), 3 * at),
    "flush": lambda spot, _, second, at: (second(at), spot.flush()),
    "flush in time": lambda spot, _, second, at: spot.flush(DEADLINE),
    "stats": lambda spot, _, second, at: spot.stats(),
    "questions": lambda spot, marked, _, at: (spot.peek(marked, at), spot.explain(marked, at)),
}


@each_moment
@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("kind", HANDLERS)
def test_a_handler_comes_at_any_moment_of_a_call(
    make_spot: Callable[..., Spot], kind: str, save: str, stride: int
) -> None:
    spot, beside = make_spot(save=save), make_spot("app", strict=True)
    marked, second = spot.mark(work), spot.mark(other)
    marked(-1), second(-1)
    at, calls = 1, HANDLERS[kind]

    def call() -> None:
        check(marked(at), 2 * at)
        check(marked(at), 2 * at)
        spot.flush()

    while handled(call, at, lambda: calls(spot, marked, second, at)):
        assert spot.flush(DEADLINE)
        check_free(spot, beside, spot.key(marked, at))
        assert beside.peek(beside.mark(work), at) is not None
        at += stride
    assert at > 50


@each_moment
@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("ends", ["shutdown", "shutdown at once"])
def test_a_handler_ends_the_spot_at_any_moment(
    tmp_path: Path, ends: str, save: str, stride: int
) -> None:
    from beautyspot.concurrency import deferred
    from beautyspot.spot import Spot

    def shut(spot: Spot) -> None:
        spot.shutdown(wait=ends == "shutdown")

    at, more = 1, True
    while more:
        spot = Spot("app", directory=tmp_path, config=False, save=save)  # type: ignore[arg-type]
        marked = spot.mark(lambda x: 2 * x)

        def call(spot: Spot = spot, marked: Any = marked, at: int = at) -> None:
            check(marked(at), 2 * at)
            spot.flush()

        more = handled(call, at, lambda spot=spot: shut(spot))  # type: ignore[misc]
        spot.shutdown()
        deferred.finish()
        until(lambda spot=spot: not spot._engine.flights)  # type: ignore[misc]
        at += stride
    assert at > 50


class LockingStore(BrokenStore):
    """Has a lock of its own, which `delete` holds while a handler comes."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.handler: Callable[[], Any] = int
        self.waits = 0

    def delete(self, key: str) -> bool:
        with self.lock:
            self.handler()
            return super().delete(key)

    def put_many(self, records: Any) -> None:
        if not self.lock.acquire(timeout=1):
            self.waits += 1
            raise Broken
        self.lock.release()
        super().put_many(records)


def test_a_handler_that_interrupts_a_backend_waits_for_no_thread(
    make_spot: Callable[..., Spot],
) -> None:
    store = LockingStore()
    spot = make_spot(metadata=store, save="background")
    marked = spot.mark(work)
    marked(1)
    assert spot.flush(DEADLINE) is True
    store.handler = lambda: (check(marked(2), 4), check(spot.flush(), False))
    assert spot.invalidate(marked, 1) is True
    assert spot.flush(DEADLINE) is True
    assert (store.waits, store.totals().entries) == (0, 1)
