"""A signal's handler that comes at any moment of a call, and uses the Spot itself: it never hangs.

Python runs handlers of signals, and `__del__` of what the collector finds, as it enters a function
written in Python and after one written in C. At such moments a profiler calls a handler, in the
thread of the call. Nothing hangs, nothing is lost, and the results are right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
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
