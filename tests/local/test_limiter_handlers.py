"""A signal's handler that comes at any moment of a limiter's work, and asks the same limiter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import beautyspot_local
import pytest
from beautyspot_local import SharedTokenBucket, TokenBucket
from beautyspot_local.limiter import _Locked
from beautyspot_local.timeline import Timeline
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
def test_what_a_handler_takes_is_charged(tmp_path: Path, make: Callable[..., Any]) -> None:
    clock = Clock()
    bucket = make(tmp_path, clock)
    at = 1

    def call() -> None:
        first = bucket.reserve(2)
        bucket.settle(first, 1)
        bucket.release(bucket.reserve(3))
        bucket.reserve(1)

    while handled(call, at, lambda: bucket.reserve(1), OURS):
        clock.time += 100.0
        at += 1
        assert bucket.busy_for() == 0
        call(), bucket.reserve(1)
        assert bucket.busy_for() == pytest.approx(3.0)
        clock.time += 100.0
    assert at > 20


@pytest.mark.parametrize("make", [one, shared])
def test_nothing_that_a_handler_takes_is_lost(tmp_path: Path, make: Callable[..., Any]) -> None:
    clock = Clock()
    bucket = make(tmp_path, clock)
    bucket.reserve(1)
    at = 1
    while handled(
        lambda: (bucket.reserve(1), bucket.reserve(1)), at, lambda: bucket.reserve(2), OURS
    ):
        assert bucket.busy_for() == pytest.approx(5.0), at
        clock.time += 100.0
        bucket.reserve(1)
        at += 1


@pytest.mark.parametrize("make", [one, shared])
def test_a_handler_may_pause(tmp_path: Path, make: Callable[..., Any]) -> None:
    clock = Clock()
    bucket = make(tmp_path, clock)
    at = 1
    while handled(lambda: bucket.tat, at, lambda: bucket.pause(7), OURS):
        assert bucket.wait_for(1) == pytest.approx(7.0), at
        clock.time += 100.0
        at += 1


def test_who_interrupts_a_change_is_given_a_copy_and_charged_afterwards() -> None:
    clock = Clock()
    line = _Locked(Timeline(clock(), 10.0), clock)
    with line as own:
        before = own.tat
        with line as copy:
            assert copy is not own
            copy.charge(3.0)
            copy.pause(7.0)
        assert own.tat == before, "nothing changes under the one that is interrupted"
    with line as own:
        assert own.tat >= before + 3.0
        assert own.pause_left() == 7.0
