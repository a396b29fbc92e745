"""The lessons about values: what went wrong in libraries like this, each a test of a Spot."""

from __future__ import annotations

import asyncio
import collections
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from kinds import RAN
from rows import put_rows


class Level:
    def __init__(self, number: int) -> None:
        self.number = number


def level(number: int) -> Level:
    RAN.append(number)
    return Level(number)


def test_a_type_that_is_written_in_another_way_by_now_is_never_misread(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    """An earlier version wrote text, this one reads code points: 3 became 51."""
    old = make_spot()
    old.register(Level, encode=lambda value: str(value.number), decode=lambda t: Level(int(t)))
    assert old.mark(level)(3).number == 3
    old.shutdown()
    new = make_spot(on_error=troubles.append)
    new.register(
        Level,
        encode=lambda value: [value.number],
        decode=lambda form: Level(*form),
        name="level, as a list",
    )
    assert new.mark(level)(3).number == 3
    assert RAN == [3, 3]
    assert {trouble.operation for trouble in troubles} == {"look up"}


def test_a_class_whose_fields_have_changed_is_computed_again(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    @dataclass
    class Before:
        a: int

    @dataclass
    class After:
        a: int
        b: int = 5

    for cls in (Before, After):
        spot = make_spot(on_error=troubles.append)
        spot.register(cls, name="Answer")
        made = spot.mark(name="make", ignore=("cls",))(lambda: cls(1))  # noqa: B023 - called at once
        assert type(made()) is cls
        assert made() == cls(1)
        assert spot.stats()["misses"] == 1
        spot.shutdown()


def _bits(data: bytes) -> Iterator[bytes]:
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << (position % 8)
        yield bytes(flipped)


def test_a_flipped_bit_is_a_miss_wherever_it_is(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    marked = spot.mark(lambda: [1, "text", (2.5, None)])
    marked()
    key = spot.key(marked)
    record = spot.metadata.get(key)
    assert record is not None
    assert record.result_data is not None
    for data in _bits(record.result_data):
        put_rows(spot.metadata, record._replace(result_data=data))
        assert spot.peek(marked) is None
        assert marked() == [1, "text", (2.5, None)]


@pytest.mark.parametrize("save_blob", [False, True])
def test_two_results_that_were_swapped_are_misses(
    make_spot: Callable[..., Spot], save_blob: bool
) -> None:
    spot = make_spot()
    marked = spot.mark(save_blob=save_blob)(lambda x: f"of {x}")
    marked(1), marked(2)
    with sqlite3.connect(spot.db_path) as database:
        for column in ("result_data", "result_value"):
            (one,), (two,) = database.execute(f"SELECT {column} FROM tasks ORDER BY cache_key")
            first, second = sorted([spot.key(marked, 1), spot.key(marked, 2)])
            update = f"UPDATE tasks SET {column} = ? WHERE cache_key = ?"
            database.execute(update, (two, first))
            database.execute(update, (one, second))
    database.close()
    other = make_spot()
    assert [other.mark(save_blob=save_blob)(marked.__wrapped__)(x) for x in (1, 2)] == [
        "of 1",
        "of 2",
    ]


@pytest.mark.parametrize(
    "value",
    [
        (1, (2, [3])), {1: "a", 2.5: "b", None: "c", (1, 2): "d", b"e": "f"},
        {True: "g"}, {1, 2}, frozenset({1}),
        collections.OrderedDict(b=1, a=2), collections.Counter("aab"),
        [(1,), {2}], 2**100, b"", bytearray(b"a"),
    ],
    ids=repr,
)  # fmt: skip
def test_containers_come_back_as_what_they_were_and_are_hits(spot: Spot, value: object) -> None:
    marked = spot.mark(name="give", ignore=("value",))(lambda: (RAN.append(1), value)[1])
    assert marked() == marked() == value
    assert type(marked()) is type(value)
    assert repr(marked()) == repr(value)
    assert RAN == [1]


def test_dicts_with_integer_keys_are_hits_as_arguments_and_as_results(spot: Spot) -> None:
    @spot.mark
    def same(table: dict[Any, str]) -> dict[Any, str]:
        RAN.append(1)
        return table

    for _ in range(2):
        assert same({1: "a"}) == {1: "a"}
        assert same({"1": "a"}) == {"1": "a"}
    assert len(RAN) == 2


def test_none_is_a_result(spot: Spot) -> None:
    nothing = spot.mark(lambda x: RAN.append(x))
    assert [nothing(1), nothing(1)] == [None, None]
    assert RAN == [1]


def test_a_result_that_can_not_be_stored_reaches_its_caller_every_time(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot()

    @spot.mark
    def costly(x: int) -> object:
        RAN.append(x)
        return Level(x), (n for n in range(x))

    for _ in range(2):
        got, numbers = costly(3)  # type: ignore[misc]
        assert (got.number, list(numbers)) == (3, [0, 1, 2])
    assert RAN == [3, 3]
    assert caplog.text.count("can't be stored") == 1


def test_a_generator_is_a_stream_on_every_call(spot: Spot) -> None:
    @spot.mark
    def numbers(n: int) -> Iterator[int]:
        RAN.append(n)
        yield from range(n)
        return "end"

    assert [list(numbers(3)) for _ in range(3)] == [[0, 1, 2]] * 3
    assert RAN == [3]


def test_an_async_generator_is_a_stream_on_every_call(spot: Spot) -> None:
    @spot.mark
    async def numbers(n: int) -> AsyncIterator[int]:
        RAN.append(n)
        for number in range(n):
            yield number

    async def collect() -> list[int]:
        return [number async for number in numbers(3)]

    assert [asyncio.run(collect()) for _ in range(3)] == [[0, 1, 2]] * 3
    assert RAN == [3]


def test_an_iterator_that_a_function_returns_is_never_given_twice(
    make_spot: Callable[..., Spot],
) -> None:
    marked = make_spot().mark(lambda n: iter(range(n)))
    assert [list(marked(3)) for _ in range(3)] == [[0, 1, 2]] * 3


@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("save_blob", [False, True])
def test_what_a_caller_changes_is_his_own(
    make_spot: Callable[..., Spot], save: str, save_blob: bool
) -> None:
    spot = make_spot(strict=True, save=save)

    @spot.mark(save_blob=save_blob)
    def table() -> dict[str, list[int]]:
        RAN.append(1)
        return {"a": [1]}

    for _ in range(3):
        got = table()
        assert got == {"a": [1]}
        got["a"].append(2)
        got["b"] = []
    assert RAN == [1]


def test_what_a_caller_changes_of_a_stream_is_his_own(spot: Spot) -> None:
    @spot.mark
    def lists() -> Iterator[list[int]]:
        for n in range(2):
            yield [n]

    for _ in range(3):
        for n, item in enumerate(lists()):
            assert item == [n]
            item.append(9)
