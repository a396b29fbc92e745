"""A signal's handler that comes at any moment of a limiter's work, and asks the same limiter."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import beautyspot_local
import pytest
from beautyspot.errors import NotSupportedError
from beautyspot_local import SharedTokenBucket, TokenBucket
from moments import handled

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = str(Path(beautyspot_local.__file__).parent)


class Clock:
    """Stands still, and is turned by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def one(path: Path, clock: Clock) -> TokenBucket:
    del path
    return TokenBucket("1/s", 10, clock=clock)


def shared(path: Path, clock: Clock) -> SharedTokenBucket:
    return SharedTokenBucket("1/s", 10, path=path / "limit", clock=clock)


@pytest.mark.parametrize("make", [one, shared])
def test_a_handler_is_served_or_refused_and_breaks_nothing(
    tmp_path: Path, make: Callable[..., Any]
) -> None:
    clock = Clock()
    bucket = make(tmp_path, clock)
    bucket.reserve(1)
    taken: list[int] = []

    def ask() -> None:
        with suppress(NotSupportedError):  # it interrupts a change of the limiter
            bucket.reserve(2)
            taken.append(2)

    at = 1
    while handled(lambda: (bucket.reserve(1), bucket.reserve(1)), at, ask, OURS):
        assert bucket.busy_for() == pytest.approx(3.0 + sum(taken)), at
        clock.time += 100.0
        bucket.reserve(1)
        taken.clear()
        at += 1
    assert at > 5


def test_a_handler_that_is_refused_learns_why(tmp_path: Path) -> None:
    for make in (one, shared):
        bucket = make(tmp_path, Clock())

        def interrupted(bucket: Any = bucket) -> float:
            return float(bucket.busy_for())

        bucket._clock = interrupted
        with pytest.raises(NotSupportedError, match="call nothing that is limited"):
            bucket.busy_for()
