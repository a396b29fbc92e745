"""Functions of a list, ``mark(each=)``: every item has a key and a result of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


class State:
    """What the functions share with their test; global, since what is captured counts as input."""

    ran: list[Any]
    answer: Any


STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.ran, STATE.answer = [], None


def embed(texts: list[str], model: str = "small") -> list[str]:
    STATE.ran.append(texts)
    return [f"{model} {text}" for text in texts]


async def embed_later(texts: list[str], model: str = "small") -> list[str]:
    await asyncio.sleep(0)
    return embed(texts, model)


KINDS = ("sync", "async")


def marked(spot: Spot, kind: str, **options: Any) -> Callable[..., Any]:
    """`embed`, which is called in the same way whatever its kind is."""
    options = {"each": "texts", **options}
    if kind == "sync":
        return spot.mark(**options)(embed)
    later = spot.mark(**options)(embed_later)
    return lambda *args, **kwargs: asyncio.run(later(*args, **kwargs))


# ------------------------------------------------------------------------------- what is paid for


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_is_paid_for_once(spot: Spot, kind: str) -> None:
    function = marked(spot, kind)
    assert function(["a", "b"]) == ["small a", "small b"]
    assert function(["b", "c"]) == ["small b", "small c"]
    assert STATE.ran == [["a", "b"], ["c"]]
    stats = spot.stats()
    assert (stats["hits"], stats["misses"], stats["entries"]) == (1, 3, 3)


@given(st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=6), st.integers(1, 5))
def test_the_answer_is_in_the_order_asked_for(calls: list[list[int]], batch: int) -> None:
    from beautyspot.testing import memory_spot

    ran: list[list[int]] = []
    with memory_spot() as spot:

        @spot.mark(each="numbers", batch=batch, ignore=("ran",))
        def double(numbers: list[int]) -> list[int]:
            ran.append(numbers)
            return [2 * number for number in numbers]

        for numbers in calls:
            assert double(numbers) == [2 * number for number in numbers]
    sent = [number for numbers in ran for number in numbers]
    assert sorted(sent) == sorted({number for numbers in calls for number in numbers})
    assert all(0 < len(numbers) <= batch for numbers in ran)
