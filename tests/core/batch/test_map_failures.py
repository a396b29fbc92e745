"""What `spot.map` does when a call fails, or takes too long."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, until


@pytest.fixture
def ran() -> list[int]:
    return []


@pytest.fixture
def picky(spot: Spot, ran: list[int]) -> Callable[[int], int]:
    @spot.mark(ignore=("ran",))
    def picky(number: int) -> int:
        ran.append(number)
        if number % 10 == 7:
            raise ValueError(f"not {number}")
        return number

    return picky


def test_the_first_failure_ends_it_with_its_input(
    spot: Spot, picky: Callable[[int], int], ran: list[int]
) -> None:
    given: list[int] = []
    with pytest.raises(ValueError, match="not 7") as raised:
        list(spot.map(picky, range(10_000)))
    assert raised.value.__notes__[0].startswith("spot.map: the input was 7")
    results = spot.map(picky, range(10_000), concurrency=1)
    with pytest.raises(ValueError, match="not 7"):
        given.extend(results)
    assert given == [0, 1, 2, 3, 4, 5, 6]
    assert list(results) == []
    assert len(ran) < 1000
    assert {number for number in ran if number % 10 != 7} <= {
        number for number in range(1000) if spot.peek(picky, number) is not None
    }, "what ran was stored"


def test_what_runs_finishes_and_is_stored_and_nothing_new_begins(spot: Spot) -> None:
    gate, failed = Gate(), threading.Event()
    ran: list[int] = []

    @spot.mark(
        ignore=(
            "failed",
            "gate",
            "ran",
        )
    )
    def f(number: int) -> int:
        ran.append(number)
        if number == 1:
            assert gate.entered.wait(DEADLINE)
            failed.set()
            raise ValueError(number)
        if number == 0:
            gate.pass_through()
        return number

    opener = threading.Thread(target=lambda: (failed.wait(DEADLINE), gate.open.set()))
    opener.start()
    with closing(spot.map(f, range(1000), concurrency=2)) as results:
        given = [next(results)]
        with pytest.raises(ValueError, match="1"):
            given.extend(results)
    opener.join(DEADLINE)
    assert given == [0]
    assert spot.peek(f, 0) is not None
    assert len(ran) < 50


def test_failures_in_the_place_of_results(spot: Spot, picky: Callable[[int], int]) -> None:
    results = list(spot.map(picky, range(20), errors="return"))
    failed = [each for each in results if isinstance(each, bs.Failed)]
    assert [results.index(each) for each in failed] == [7, 17]
    assert [each.input for each in failed] == [7, 17]
    assert [str(each.error) for each in failed] == ["not 7", "not 17"]
    with pytest.raises(AttributeError):
        failed[0].input = 1  # type: ignore[misc]

    @spot.mark
    def two(left: int, right: str) -> int:
        raise ValueError

    (one,) = spot.map(two, [1], ["a"], errors="return")
    assert isinstance(one, bs.Failed)
    assert one.input == (1, "a")


@pytest.mark.parametrize("errors", ["return", "skip"])
def test_more_than_max_errors_end_it(spot: Spot, picky: Callable[[int], int], errors: Any) -> None:
    given: list[Any] = []
    with pytest.raises(ValueError, match="not 27") as raised:
        given.extend(spot.map(picky, range(100), errors=errors, max_errors=2, concurrency=1))
    note = "spot.map: the input was 27; 3 failed, more than max_errors=2"
    assert raised.value.__notes__ == [note]
    assert len(given) == (27 if errors == "return" else 25)
    assert len(list(spot.map(picky, range(30), errors=errors, max_errors=3))) >= 27


def test_the_note_shows_a_short_input_without_secrets(spot: Spot) -> None:
    @spot.mark
    def f(thing: Any) -> int:
        raise ValueError

    class Mute:
        def __repr__(self) -> str:
            raise RuntimeError

        def __beautyspot_key__(self) -> str:
            return "mute"

    for thing, shown in (
        ("x" * 10_000, "xxx"),
        ({"api_key": "hunter22"}, "***"),
        (Mute(), "Mute"),
        (list(range(10_000)), "..."),
    ):
        with pytest.raises(ValueError) as raised:  # noqa: PT011 - it has no message
            list(spot.map(f, [thing]))
        (note,) = raised.value.__notes__
        assert shown in note
        assert "hunter22" not in note
        assert len(note) < 500


# ------------------------------------------------------------------------------------- time-outs


def test_a_call_over_its_time_fails_and_is_stored_later(spot: Spot) -> None:
    gate = Gate()

    @spot.mark(ignore=("gate",))
    def f(number: int) -> int:
        if number == 0:
            gate.pass_through()
        return number

    results = list(spot.map(f, [0, 1, 2], timeout=1.0, errors="return", concurrency=1))
    assert results[1:] == [1, 2], "another thread takes its place"
    assert isinstance(results[0], bs.Failed)
    assert isinstance(results[0].error, TimeoutError)
    assert "timeout=1" in str(results[0].error)
    assert spot.peek(f, 0) is None
    gate.open.set()
    until(lambda: spot.peek(f, 0) is not None)


def test_tuples_for_a_function_of_several_arguments(spot: Spot) -> None:
    @spot.mark
    def joined(left: str, right: str) -> str:
        return left + right

    @spot.mark
    async def awaited(left: str, right: str) -> str:
        return left + right

    async def all_of(results: Any) -> list[Any]:
        return [result async for result in results]

    pairs = [("a", "b"), ("c", "d")]
    advice = r"spot.map calls .*joined with one argument of each iterable.*\*zip\(\*inputs\)"
    for inputs in ([pairs], [["a"], ["b"], ["c"]]):
        with pytest.raises(TypeError, match="positional argument") as raised:
            list(spot.map(joined, *inputs))
        assert any(re.search(advice, note) for note in raised.value.__notes__)
    for failed in spot.map(joined, pairs, errors="return"):
        assert isinstance(failed, bs.Failed)
        assert re.search(advice, failed.error.__notes__[0])
    with pytest.raises(TypeError, match="positional argument") as raised:
        asyncio.run(all_of(spot.map(awaited, pairs)))
    assert any("*zip(*inputs)" in note for note in raised.value.__notes__)
    assert list(spot.map(joined, *zip(*pairs, strict=True))) == ["ab", "cd"]


def test_a_type_error_of_the_function_is_its_own(spot: Spot) -> None:
    @spot.mark
    def total(numbers: tuple[Any, ...]) -> int:
        return sum(numbers)

    with pytest.raises(TypeError, match="unsupported operand") as raised:
        list(spot.map(total, [(1, 2), (1, "2")], concurrency=1))
    assert raised.value.__notes__ == ["spot.map: the input was (1, '2')"]
