"""Flights: a call that is over leaves nothing behind."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_call_leaves_nothing_behind(make_spot: Callable[..., Spot], save: str) -> None:
    """A saver may end a call before its caller's thread comes to that."""
    contextvars.Context().run(_check_leaves_nothing, make_spot, save)


def _check_leaves_nothing(make_spot: Callable[..., Spot], save: str) -> None:
    spot = make_spot(strict=True, save=save)
    marked = spot.mark(lambda x: x)
    for x in range(300):
        marked(x)
        spot.flush() if x % 100 == 0 else None
    assert _ours() == {}


def _ours() -> dict[str, object]:
    """What a call might leave, but for what tells which one was the last."""
    context = {var.name: value for var, value in contextvars.copy_context().items() if value}
    return {k: v for k, v in context.items() if "beautyspot" in k and "last_call" not in k}
