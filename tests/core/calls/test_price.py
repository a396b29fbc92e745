"""What executions cost, by `mark(price=)`, and what hits spare of it."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from beautyspot.spot import Spot
from kinds import called


def work(x: int) -> list[int]:
    return [x]


async def work_async(x: int) -> list[int]:
    return [x]


def stream(x: int) -> Iterator[int]:
    yield x
    yield 10 * x


async def stream_async(x: int) -> AsyncIterator[int]:
    yield x
    yield 10 * x


def stored_price(spot: Spot, marked: Any, x: int) -> float | None:
    record = spot.metadata.get(spot.key(marked, x))
    assert record is not None
    return record.price


@pytest.mark.parametrize(
    ("function", "price"), [(work, 3), (work_async, 3), (stream, 33), (stream_async, 33)]
)
def test_a_price_is_stored_and_spared(
    spot: Spot, function: Callable[..., Any], price: float
) -> None:
    marked = spot.mark(price=sum)(function)
    for _ in range(3):
        called(marked, 3)
    assert stored_price(spot, marked, 3) == price
    stats = spot.stats()
    assert (stats["money_spent"], stats["money_saved"]) == (price, 2 * price)
    assert stats["seconds_saved"] > 0


@pytest.mark.parametrize("given", [2.5, Decimal("2.5"), Fraction(5, 2), np.float32(2.5)])
def test_a_price_may_be_any_number(spot: Spot, given: Any) -> None:
    marked = spot.mark(price=lambda result: given)(work)
    marked(1)
    assert stored_price(spot, marked, 1) == 2.5


@pytest.mark.parametrize(
    "given",
    [None, True, "2.5", math.nan, math.inf, -1, 10**400, Decimal("sNaN"), [1], work],
    ids=lambda given: f"{given!s:.9}",
)
def test_another_answer_is_no_price_and_said_once(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    spot = make_spot()
    marked = spot.mark(price=lambda result: given)(work)
    assert (marked(1), marked(2)) == ([1], [2])
    assert stored_price(spot, marked, 1) is None
    assert spot.stats()["money_spent"] == 0
    (told,) = [record.getMessage() for record in caplog.records]
    assert re.search("price for .*work: .*return what the call cost, as a finite number", told)


def test_a_price_that_raises_costs_no_result(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot()
    marked = spot.mark(price=lambda result: result["usage"])(work)
    items = spot.mark(price=lambda result: result["usage"])(stream)
    assert (marked(1), marked(2), list(items(1))) == ([1], [2], [1, 10])
    assert spot.stats()["entries"] == 3
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


@pytest.mark.parametrize("options", [{"cache_if": lambda result: False}, {"mode": "readonly"}])
def test_what_is_not_stored_has_cost_its_price(spot: Spot, options: dict[str, Any]) -> None:
    marked = spot.mark(price=sum, **options)(work)
    items = spot.mark(price=sum, **options)(stream)
    marked(2), list(items(2))
    spent = 2 if "mode" in options else 24
    assert (spot.stats()["money_spent"], spot.stats()["entries"]) == (spent, 0)
