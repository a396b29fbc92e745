"""`spot.count`: how many calls would run."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from beautyspot.errors import ConfigError, ItemsError
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from broken import BrokenStore
from rows import put_rows


def double(x: Any) -> Any:
    return [x, x]


async def double_async(x: Any) -> Any:
    return [x, x]


async def await_(made: Awaitable[Any]) -> Any:
    return await made


@pytest.mark.parametrize("function", [double, double_async])
def test_what_is_not_stored_counts_and_equal_calls_once(spot: Spot, function: Any) -> None:
    f = spot.mark(function, name="f")
    made = f(1)
    if inspect.isawaitable(made):
        asyncio.run(await_(made))
    assert spot.count(f, [1, 2, 3, 2, 2]) == 2
    assert spot.count(f, range(3000)) == 2999
    assert spot.count(f, []) == 0
    before = spot.stats()
    assert spot.count(f, [1]) == 0
    assert spot.stats() == before
    assert (before["misses"], before["hits"]) == (1, 0)


def test_the_map_runs_as_many_as_were_counted(spot: Spot) -> None:
    f = spot.mark(double)
    f(3)
    assert spot.count(f, range(10)) == 9
    list(spot.map(f, range(10)))
    assert spot.count(f, range(10)) == 0
    assert spot.stats()["misses"] == 10


def test_a_function_of_several_and_one_that_is_not_marked(spot: Spot) -> None:
    def add(a: int, b: int) -> int:
        return a + b

    spot.cached_run(add, 1, 10)
    assert spot.count(add, range(1000), [9, 10, 11]) == 2


def test_what_has_expired_counts(spot: Spot) -> None:
    f = spot.mark(double, ttl=100)
    f(1)
    now = spot._engine.cache.store.clock()
    spot._engine.cache.store.clock = lambda: now + 101
    assert spot.count(f, [1]) == 1


def test_what_waits_to_be_stored_is_none(make_spot: Callable[..., Spot]) -> None:
    store = BrokenStore("put")
    spot = make_spot(metadata=store)
    f = spot.mark(double)
    f(1)
    assert spot.count(f, [1, 2]) == 1
    assert store.get(spot.key(f, 1)) is None


def test_what_is_damaged_counts_and_what_is_a_blob_is_believed(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    spot = make_spot(on_error=troubles.append)
    f = spot.mark(double)
    g = spot.mark(double, name="g", save_blob=True)
    f(1)
    g(1)
    record = spot.metadata.get(spot.key(f, 1))
    assert record is not None
    assert record.result_data is not None
    put_rows(spot.metadata, record._replace(result_data=record.result_data + b"!"))
    assert spot.count(f, [1]) == 1
    assert [trouble.operation for trouble in troubles] == ["look up"]
    assert spot.count(g, [1]) == 0


def test_what_is_stored_under_an_earlier_name_is_there(spot: Spot) -> None:
    spot.mark(double, name="before")(1)
    f = spot.mark(double, name="after", renamed_from="before")
    assert spot.count(f, [1, 2]) == 1


def test_an_iterator_is_left_to_the_map(spot: Spot) -> None:
    f, inputs = spot.mark(double), iter([1, 2])
    with pytest.raises(ConfigError, match="the map that follows would get nothing: give a list"):
        spot.count(f, inputs)
    assert list(inputs) == [1, 2]


def test_an_error_that_is_a_result_is_stored(spot: Spot) -> None:
    @spot.mark(cache_errors=(KeyError,))
    def f(x: int) -> int:
        raise KeyError(x)

    with pytest.raises(KeyError):
        f(1)
    assert spot.count(f, [1, 2]) == 1


def test_items_are_counted_of_a_function_that_takes_them(spot: Spot) -> None:
    @spot.mark(each="texts")
    def embed(texts: list[str]) -> list[int]:
        return [len(text) for text in texts]

    embed(["a", "b"])
    assert spot.count(embed, [["a", "c"], ["c", "d"], ["a"]]) == 2
    for wrong in (["a", "b"], [3]):
        with pytest.raises(ItemsError, match=r"as texts=.* write \[items\] in the place of items"):
            spot.count(embed, wrong)
    assert spot.stats()["misses"] == 2


def test_while_the_store_fails_all_would_run(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    store = BrokenStore()
    spot = make_spot(metadata=store, on_error=troubles.append)
    f = spot.mark(double)
    f(1)
    store.broken.add("find")
    assert spot.count(f, [1, 2]) == 2
    assert [trouble.operation for trouble in troubles] == ["look up"]


def test_arguments_that_a_function_of_a_list_does_not_take_count_as_a_call(spot: Spot) -> None:
    @spot.mark(each="texts")
    def embed(texts: list[str]) -> list[int]:
        return [len(text) for text in texts]

    assert spot.count(embed, [["a"], ["b"]], [1, 2]) == 2
