"""Flights: who waits is woken once, and the end of a flight may come late and twice."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING

import pytest
from beautyspot.concurrency import single_flight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot


@pytest.fixture(autouse=True)
def nothing_led() -> Iterator[None]:
    """Who enters a flight by himself leads it until he says otherwise."""
    yield
    single_flight.lead(())


@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_call_leaves_nothing_behind(make_spot: Callable[..., Spot], save: str) -> None:
    """A saver may end a call before its caller's thread comes to that."""
    spot = make_spot(strict=True, save=save)
    marked = spot.mark(lambda x: x)
    before = _ours()  # of a test that was interrupted
    for x in range(300):
        marked(x)
        spot.flush() if x % 100 == 0 else None
    assert _ours() == before


def _ours() -> dict[str, object]:
    """What a call might leave, but for what tells which one was the last."""
    context = {var.name: value for var, value in contextvars.copy_context().items() if value}
    return {k: v for k, v in context.items() if "beautyspot" in k and "last_call" not in k}
