"""Single programs in which a marked function once gave something else than the function gives."""

from __future__ import annotations

import asyncio
import collections
import enum
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, make_dataclass
from typing import Any

import pydantic
import pytest
from beautyspot.spot import Spot
from kinds import RAN
from rows import HeldLease

DEADLINE = 30.0


@dataclass(frozen=True)
class Holder:
    """Callable objects that are equal and do different things."""

    value: object

    def __call__(self, x: int) -> tuple[str, int]:
        return type(self.value).__name__, x


class Later:
    async def __call__(self, x: int) -> list[int]:
        RAN.append(x)
        return [x]


def test_equal_callables_are_not_one_for_cached_run(spot: Spot) -> None:
    """A table of functions by equality took one for the other."""
    values: list[object] = [1, True, 1.0]
    names = [spot.cached_run(Holder(value), 7)[0] for value in values]
    assert names == ["int", "bool", "float"]


def test_objects_with_an_asynchronous_call_are_awaited_and_stored(spot: Spot) -> None:
    marked = spot.mark(Later())
    assert [asyncio.run(marked(1)), asyncio.run(marked(1))] == [[1], [1]]
    assert RAN == [1]


def _with_base(k: int) -> Any:
    class Base:
        factor = k

    class Made(Base):
        pass

    return Made


def _with_data(k: int) -> Any:
    class Made:
        factors = (k,)

    return Made


def _with_inner(k: int) -> Any:
    class Made:
        class Inner:
            factor = k

    return Made


def _with_metaclass(k: int) -> Any:
    class Meta(type):
        factor = k

    class Made(metaclass=Meta):
        pass

    return Made


MAKERS: dict[str, tuple[Callable[[int], Any], Callable[[Any], Any]]] = {
    "base": (_with_base, lambda cls: cls().factor),
    "data": (_with_data, lambda cls: cls().factors[0]),
    "inner class": (_with_inner, lambda cls: cls.Inner.factor),
    "metaclass": (_with_metaclass, lambda cls: type(cls).factor),
    "call of type": (lambda k: type("Made", (), {"table": {"k": k}}), lambda cls: cls.table["k"]),
    "enum": (lambda k: enum.Enum("Made", {"A": k}), lambda cls: cls.A.value),
    "member of an enum": (lambda k: enum.Enum("Made", {"A": k}).A, lambda member: member.value),
    "local member": (lambda k: _local_enum(k).A, lambda member: member.value),
    "named tuple": (
        lambda k: collections.namedtuple("Made", f"a{k}")(0),
        lambda row: int(row._fields[0][1:]),
    ),
    "model": (
        lambda k: pydantic.create_model("Made", x=(int, k)),
        lambda cls: cls.model_fields["x"].default,
    ),
    "dataclass": (lambda k: make_dataclass("Made", [("x", int, k)]), lambda cls: cls().x),
}


def _local_enum(k: int) -> Any:
    class Made(enum.Enum):
        A = k

    return Made


@pytest.mark.parametrize("made", MAKERS)
def test_classes_of_one_name_that_are_made_at_run_time_differ(
    make_spot: Callable[..., Spot], made: str
) -> None:
    make, look = MAKERS[made]
    spot = make_spot()
    marked = spot.mark(look)
    assert [marked(make(k)) for k in (1, 2, 1)] == [1, 2, 1]
    assert spot.stats()["misses"] == 2 * (made == "model"), "what else is made so is refused"


def test_an_argument_changed_while_a_task_waits_stores_nothing_wrong(spot: Spot) -> None:
    """The key was of the list as it was, the result of the list as it became."""

    @spot.mark
    async def total(numbers: list[int]) -> int:
        return sum(numbers)

    async def main() -> int:
        numbers = [1]

        async def change() -> None:
            numbers.append(10)

        await asyncio.gather(total(numbers), change())
        return await total([1])

    assert asyncio.run(main()) == 1


def test_an_argument_changed_while_a_thread_waits_stores_nothing_wrong(spot: Spot) -> None:
    numbers = [1]
    lease = HeldLease(spot.metadata, spot.key(total_of, numbers))
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(spot.cached_run(total_of, numbers)))
    thread.start()
    deadline = time.monotonic() + DEADLINE
    while not len(spot._engine.flights):
        assert time.monotonic() < deadline
    numbers.append(10)
    lease.release()
    thread.join(DEADLINE)
    assert results in ([1], [11])
    assert spot.cached_run(total_of, [1]) == 1


def total_of(numbers: list[int]) -> int:
    return sum(numbers)


def test_a_key_that_can_no_longer_be_made_stores_nothing(spot: Spot) -> None:
    @spot.mark
    def each(items: list[Any]) -> Iterator[int]:
        items.append(iter(()))
        yield 1

    assert list(each([])) == [1]
    assert spot.peek(each, []) is None


def test_refresh_runs_while_the_result_is_still_queued(make_spot: Callable[..., Spot]) -> None:
    """It joined the flight of the call before, whose result was on its way into the store."""
    spot = make_spot(strict=True, save="background")
    marked = spot.mark(counted)
    for n in range(20):
        before = len(RAN)
        marked(n)
        assert spot.refresh(marked, n) == before + 2
        assert marked(n) == before + 2


def counted(x: int) -> int:
    RAN.append(x)
    return len(RAN)


def test_refresh_does_not_join_a_run_that_began_before_it(spot: Spot) -> None:
    entered, gate = threading.Event(), threading.Event()

    @spot.mark(ignore=("entered", "gate"))
    def work(x: int) -> int:
        RAN.append(x)
        if len(RAN) == 1:
            entered.set()
            assert gate.wait(DEADLINE)
            return 1
        return 2

    refreshed: list[int] = []
    first = threading.Thread(target=work, args=(1,))
    second = threading.Thread(target=lambda: refreshed.append(spot.refresh(work, 1)))
    first.start()
    assert entered.wait(DEADLINE)
    second.start()
    deadline = time.monotonic() + DEADLINE
    while len([*spot._engine.flights]) < 2:
        assert time.monotonic() < deadline
    gate.set()
    first.join(DEADLINE)
    second.join(DEADLINE)
    assert refreshed == [2]
    assert work(1) == 2
    assert len(RAN) == 2


def test_cache_if_is_asked_about_streams_too(spot: Spot) -> None:
    @spot.mark(cache_if=lambda items: len(items) > 1)
    def items(n: int) -> Iterator[int]:
        RAN.append(n)
        yield from range(n)

    for n in (1, 2):
        assert list(items(n)) == list(items(n)) == list(range(n))
    assert RAN == [1, 1, 2]


def test_defaults_count_as_they_are_at_the_call(spot: Spot) -> None:
    box = [1]

    @spot.mark
    def boxed(x: int, items: list[int] = box, add: Callable[[int], int] = lambda n: n + 1) -> int:
        return add(x) + sum(items)

    assert boxed(1) == boxed(1) == 3
    box.append(5)
    assert boxed(1) == 8


def test_a_class_typed_at_a_prompt_counts_by_its_code(
    spot: Spot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell is edited in place; what its class holds stands in its code, and may well change."""
    marked = spot.mark(lambda cls: cls.number)
    monkeypatch.setitem(sys.modules, "cells", types.ModuleType("cells"))
    namespace = vars(sys.modules["cells"])
    for number, expected_runs in ((1, 1), (2, 2), (1, 2)):
        text = f"class Typed:\n    seen = []\n    number = {number}\n    def one(self): return 1\n"
        exec(compile(text, f"<cell {number}>", "exec"), namespace)
        namespace["Typed"].seen.append(object())
        assert marked(namespace["Typed"]) == number
        assert spot.stats()["misses"] == expected_runs
