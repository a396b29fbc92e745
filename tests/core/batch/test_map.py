"""`spot.map` over plain functions: what it gives, in which order, and what it calls for that."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, until
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture
def ran() -> list[Any]:
    return []


@pytest.fixture
def double(spot: Spot, ran: list[Any]) -> Callable[[int], int]:
    @spot.mark(ignore=("ran",))
    def double(number: int) -> int:
        ran.append(number)
        return 2 * number

    return double


def test_several_iterables_are_zipped(spot: Spot) -> None:
    @spot.mark
    def add(left: int, right: int, more: int = 0) -> int:
        return left + right + more

    assert list(spot.map(add, [1, 2, 3], itertools.count(10))) == [11, 13, 15]
    assert list(spot.map(partial(add, more=100), [1], [2])) == [103]
    assert list(spot.map(partial(add, 5), [1, 2])) == [6, 7]
    assert spot.peek(add, 5, 2) is not None, "a partial of a marked function keeps its key"


def test_nothing_is_read_before_it_is_asked_for(spot: Spot, double: Callable[[int], int]) -> None:
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in itertools.count():
            read.append(number)
            yield number

    results = spot.map(double, numbers())
    assert read == []
    with closing(results):
        assert next(results) == 0
        ahead = len(read)
        assert ahead <= 300
        for _ in range(600):
            next(results)
        assert len(read) <= 601 + 300


def test_no_more_calls_at_once_than_it_is_told(spot: Spot) -> None:
    now, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(3)

    @spot.mark(
        ignore=(
            "both",
            "lock",
            "most",
            "now",
        )
    )
    def f(number: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        both.wait(DEADLINE)
        with lock:
            now -= 1
        return number

    assert list(spot.map(f, range(9), concurrency=3)) == list(range(9))
    assert most == 3


def test_hits_wait_for_no_worker(spot: Spot) -> None:
    gate = Gate()

    @spot.mark(ignore=("gate",))
    def f(number: int) -> int:
        if not number:
            gate.pass_through()
        return number

    @spot.mark(ignore=("gate",), save_blob=True)
    def blob(number: int) -> int:
        if not number:
            gate.pass_through()
        return number

    for function in (f, blob):
        gate.open.clear()
        function(1)
        with closing(spot.map(function, [0, 1], concurrency=1, ordered=False)) as results:
            assert next(results) == 1
            assert gate.entered.wait(DEADLINE)
            gate.open.set()
            assert list(results) == [0]


def test_equal_inputs_under_way_run_once(spot: Spot, ran: list[Any]) -> None:
    gate = Gate()

    @spot.mark(
        ignore=(
            "gate",
            "ran",
        ),
        cache_if=lambda result: False,
    )  # each of them gets a copy of what is not stored
    def f(number: int) -> list[int]:
        ran.append(number)
        gate.pass_through()
        return [number]

    with closing(spot.map(f, [1, 1, 1, 2], ordered=False, concurrency=4)) as results:
        opener = threading.Thread(target=lambda: (until(lambda: len(ran) == 2), gate.open.set()))
        opener.start()
        found = list(results)
        opener.join(DEADLINE)
    assert sorted(found) == [[1], [1], [1], [2]]
    assert len({id(each) for each in found}) == 4
    assert sorted(ran) == [1, 2]


def test_an_input_that_is_read_after_an_invalidation_gets_nothing_older(
    spot: Spot, ran: list[Any]
) -> None:
    gate = Gate()

    @spot.mark(ignore=("gate", "ran"))
    def f(number: int) -> int:
        ran.append(number)
        runs = len(ran)
        if number == 0:
            gate.pass_through()
        return runs

    def inputs() -> Iterator[int]:
        yield from range(10)
        assert gate.entered.wait(DEADLINE)
        yield 0
        spot.invalidate(f, 0)
        yield from [0] * 10
        gate.open.set()

    found = list(spot.map(f, inputs()))
    assert ran.count(0) == 2
    assert len(set(found[-10:])) == 1
    assert found[-1] != found[0]


def test_an_error_of_an_iterable_comes_after_the_results_before_it(
    spot: Spot, double: Callable[[int], int]
) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        yield 2
        raise LookupError("no more")

    results = spot.map(double, numbers())
    assert [next(results), next(results)] == [2, 4]
    with pytest.raises(LookupError, match="no more"):
        next(results)
    assert list(results) == []


@settings(max_examples=40, deadline=None)
@given(
    inputs=st.lists(st.integers(0, 12), max_size=60),
    stored=st.sets(st.integers(0, 12)),
    ordered=st.booleans(),
    concurrency=st.integers(1, 5),
    errors=st.sampled_from(["return", "skip"]),
)
def test_it_gives_what_a_loop_would(
    inputs: list[int], stored: set[int], ordered: bool, concurrency: int, errors: str
) -> None:
    ran: Counter[int] = Counter()
    with bs.Spot("app", metadata="memory", storage="memory", config=False, strict=True) as spot:

        @spot.mark(ignore=("ran",))
        def f(number: int) -> list[int]:
            ran[number] += 1
            if number % 5 == 3:
                raise ValueError(number)
            return [number]

        for number in stored:
            if number % 5 != 3:
                f(number)
        options: Any = {"ordered": ordered, "concurrency": concurrency, "errors": errors}
        results = [
            -each.input if isinstance(each, bs.Failed) else each[0]
            for each in spot.map(f, inputs, **options)
        ]
    fails = {number for number in inputs if number % 5 == 3}
    expected = [-number if number in fails else number for number in inputs]
    if errors == "skip":
        expected = [number for number in expected if number >= 0]
    assert (results if ordered else sorted(results)) == (expected if ordered else sorted(expected))
    assert all(ran[number] == 1 for number in {*inputs, *stored} - fails if number % 5 != 3)
