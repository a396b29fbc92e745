"""A marked function gives what the function gives, and runs once: for every kind of function."""

from __future__ import annotations

import asyncio
import functools
import inspect
import linecache
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from beautyspot import Spot
from beautyspot.errors import SerializationError, UnstableKeyError
from kinds import RAN

from tests.made import findable


def add(a: int, b: int = 2, *, c: int = 3) -> tuple[int, int, int]:
    """Adds nothing."""
    RAN.append("add")
    return a, b, c


async def add_later(a: int, b: int = 2) -> tuple[int, int]:
    RAN.append("add_later")
    await asyncio.sleep(0)
    return a, b


class Adder:
    """Its state counts."""

    def __init__(self, base: int) -> None:
        self.base = base

    def method(self, x: int) -> int:
        RAN.append("method")
        return self.base + x

    async def method_later(self, x: int) -> int:
        RAN.append("method_later")
        return self.base + x

    def __call__(self, x: int) -> int:
        RAN.append("call")
        return self.base * x


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1,
        2**100,
        1.5,
        "text",
        b"bytes",
        (1, (2,)),
        {1: "a"},
        {1, 2},
        [],
        {},
        deque([1]),
    ],
    ids=repr,
)
def test_a_hit_is_equal_and_of_equal_type(spot: Spot, value: object) -> None:
    @spot.mark
    def give() -> object:
        RAN.append(1)
        return value

    first, second = give(), give()
    assert first == second == value
    assert type(second) is type(value)
    assert RAN == [1]


def test_a_coroutine_function_runs_once(spot: Spot) -> None:
    marked = spot.mark(add_later)
    assert asyncio.run(marked(1)) == asyncio.run(marked(a=1)) == (1, 2)
    assert RAN == ["add_later"]


def test_a_marked_function_is_a_function_as_before(spot: Spot) -> None:
    marked = spot.mark(add)
    assert marked.__wrapped__ is add
    assert marked.__name__ == "add"
    assert marked.__doc__ == "Adds nothing."
    assert inspect.signature(marked) == inspect.signature(add)
    assert inspect.isfunction(marked)


def test_a_marked_function_keeps_its_kind(spot: Spot) -> None:
    def generator():  # type: ignore[no-untyped-def]
        yield 1

    async def async_generator():  # type: ignore[no-untyped-def]
        yield 1

    assert inspect.iscoroutinefunction(spot.mark(add_later))
    assert inspect.isgeneratorfunction(spot.mark(generator))
    assert inspect.isasyncgenfunction(spot.mark(async_generator))
    assert not inspect.iscoroutinefunction(spot.mark(add))


def test_methods_count_their_object_by_its_state(spot: Spot) -> None:
    @findable
    class Marked(Adder):
        method = spot.mark(Adder.method)
        method_later = spot.mark(Adder.method_later)

    assert [Marked(1).method(1), Marked(1).method(1), Marked(2).method(1)] == [2, 2, 3]
    assert asyncio.run(Marked(1).method_later(1)) == asyncio.run(Marked(1).method_later(1)) == 2
    assert RAN == ["method", "method", "method_later"]


def test_class_and_static_methods_in_either_order(spot: Spot) -> None:
    @findable
    class Tools:
        @spot.mark
        @classmethod
        def one(cls, x: int) -> str:
            RAN.append("one")
            return f"{cls.__name__}{x}"

        @classmethod
        @spot.mark
        def two(cls, x: int) -> str:
            RAN.append("two")
            return f"{cls.__name__}{x}"

        @spot.mark
        @staticmethod
        def three(x: int) -> int:
            RAN.append("three")
            return x

        @staticmethod
        @spot.mark
        def four(x: int) -> int:
            RAN.append("four")
            return x

    @findable
    class Derived(Tools):
        pass

    for _ in range(2):
        assert [Tools.one(1), Tools().two(1), Tools.three(1), Tools().four(1)] == [
            "Tools1", "Tools1", 1, 1,
        ]  # fmt: skip
        assert Derived.one(1) == "Derived1"
    assert RAN == ["one", "two", "three", "four", "one"]


def test_callables_that_are_no_functions(spot: Spot) -> None:
    call_object = spot.mark(Adder(3))
    part = spot.mark(functools.partial(add, 1))
    bound = spot.mark(Adder(4).method)
    assert [call_object(2), call_object(2)] == [6, 6]
    assert [part(5), part(b=5)] == [(1, 5, 3)] * 2
    assert [bound(1), bound(1)] == [5, 5]
    assert RAN == ["call", "add", "method"]
    assert spot.mark(Adder(5))(2) == 10
    assert spot.mark(functools.partial(add, 2))(5) == (2, 5, 3)
    assert spot.mark(Adder(6).method)(1) == 7


def test_a_captured_variable_counts_as_it_is_at_the_call(spot: Spot) -> None:
    factor = 2

    @spot.mark
    def scaled(x: int) -> int:
        return x * factor

    assert scaled(10) == 20
    factor = 3
    assert scaled(10) == 30


def test_the_version_of_a_marked_function_counts_where_it_is_an_argument(spot: Spot) -> None:
    def apply(function: Any, x: int) -> Any:
        return function(x)

    def key(**options: Any) -> str:
        return spot.key(spot.mark(apply), spot.mark(**options)(add), 1)

    assert key(version=1) == key(version="1") != key(version=2)
    assert key() == key(version="auto") == key(ttl=5) != key(version=1)


def test_exceptions_are_raised_as_they_are_and_never_stored(spot: Spot) -> None:
    @spot.mark
    def fails(x: int) -> int:
        RAN.append(x)
        raise StopIteration("mine")

    for _ in range(2):
        with pytest.raises(StopIteration, match="mine") as caught:
            fails(1)
        assert caught.traceback[-1].name == "fails"
    assert RAN == [1, 1]


def test_wrong_arguments_are_the_functions_own_error(spot: Spot) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'd'"):
        spot.mark(add)(1, d=4)  # type: ignore[call-arg]


def test_the_version_is_part_of_the_key(spot: Spot) -> None:
    one, two = spot.mark(version="1")(add), spot.mark(version=2)(add)
    one(1), two(1), one(1), two(1)
    assert RAN == ["add", "add"]


def test_a_key_of_the_users_own(spot: Spot) -> None:
    marked = spot.mark(key=lambda a, b=2: f"id-{a}")(add)
    assert marked(1, 5) == marked(1, 6) == (1, 5, 3)
    assert marked(2) == (2, 2, 3)


def test_an_argument_can_count_by_its_file(spot: Spot, tmp_path: Path) -> None:
    from beautyspot.keys.generator import KeyGen

    @spot.mark(key={"path": KeyGen.from_file_content})
    def read(path: Path) -> str:
        RAN.append(path.name)
        return path.read_text()

    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("same")
    two.write_text("same")
    assert read(one) == read(two) == "same"
    one.write_text("changed")
    assert read(one) == "changed"
    assert RAN == ["one", "one"]


def test_arguments_can_be_left_out(spot: Spot) -> None:
    @spot.mark(ignore=("verbose",))
    def work(x: int, verbose: bool = False) -> int:
        RAN.append(verbose)
        return x

    assert work(1, verbose=True) == work(1) == 1
    assert RAN == [True]


def test_a_name_survives_moving_the_function(spot: Spot) -> None:
    before = spot.mark(name="task")(add)
    moved = FunctionType(add.__code__, {"RAN": RAN}, "moved", add.__defaults__)
    moved.__kwdefaults__ = {"c": 3}
    moved.__module__ = "elsewhere"
    after = spot.mark(name="task")(moved)
    before(1)
    after(1)
    assert RAN == ["add"]


def test_cache_if_keeps_what_it_likes(spot: Spot) -> None:
    @spot.mark(cache_if=bool)
    def found(x: int) -> list[int]:
        RAN.append(x)
        return [x] * x

    assert [found(0), found(0), found(1), found(1)] == [[], [], [1], [1]]
    assert RAN == [0, 0, 1]


def test_unstable_arguments_run_uncached(spot: Spot) -> None:
    with pytest.raises(UnstableKeyError, match=r"args\[0\]|x"):
        spot.mark(lambda x: 1)(iter(()))


def test_unstorable_results_are_refused(spot: Spot) -> None:
    with pytest.raises(SerializationError):
        spot.mark(lambda: object())()


@dataclass
class Answer:
    text: str
    score: float


def test_annotated_classes_are_restored(spot: Spot) -> None:
    @spot.mark
    def answers(n: int) -> list[Answer]:
        RAN.append(n)
        return [Answer("yes", 0.5)] * n

    assert answers(2) == answers(2) == [Answer("yes", 0.5)] * 2
    assert RAN == [2]


def test_registered_classes_are_restored(spot: Spot) -> None:
    spot.register(Answer)
    marked = spot.mark(lambda: (RAN.append(1), {"a": Answer("no", 1.0)})[1])
    assert marked() == marked() == {"a": Answer("no", 1.0)}
    assert RAN == [1]


def test_blobs_are_files_as_any_viewer_wants_them(spot: Spot) -> None:
    @spot.mark(save_blob=True, content_type="image/png")
    def draw(n: int) -> bytes:
        RAN.append(n)
        return b"\x89PNG" * n

    assert draw(2) == draw(2) == b"\x89PNG" * 2
    assert RAN == [2]
    record = spot.metadata.get(spot.key(draw, 2))
    assert record is not None
    assert (record.result_type, record.content_type) == ("FILE", "image/png")
    assert record.result_data is None
    files = [path for path in (spot.db_path.parent / "blobs").rglob("*") if path.is_file()]
    assert [file.read_bytes() for file in files] == [b"\x89PNG" * 2]
    assert files[0].suffix == ".png"


def test_large_results_become_blobs_by_themselves(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True, blob_threshold=100)
    marked = spot.mark(lambda n: "x" * n)
    kinds = {}
    for size in (10, 1000):
        assert marked(size) == marked(size) == "x" * size
        record = spot.metadata.get(spot.key(marked, size))
        assert record is not None
        kinds[size] = record.result_type
    assert kinds == {10: "DIRECT_BLOB", 1000: "FILE"}


def test_a_replaced_blob_is_removed(spot: Spot) -> None:
    draw = spot.mark(save_blob=True)(lambda: "x")
    draw()
    spot.refresh(draw)
    blobs = [path for path in (spot.db_path.parent / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) == 1


def test_cached_run_needs_no_decorator(spot: Spot) -> None:
    assert spot.cached_run(add, 1, b=5) == spot.cached_run(add, 1, 5) == (1, 5, 3)
    assert asyncio.run(spot.cached_run(add_later, 1)) == (1, 2)
    assert spot.cached_run(Adder(1).method, 1) == spot.cached_run(Adder(1).method, 1) == 2
    assert spot.cached_run(Adder(2).method, 1) == 3
    assert RAN == ["add", "add_later", "method", "method"]


def test_cached_run_keeps_the_options_of_a_marked_function(spot: Spot) -> None:
    marked = spot.mark(version="7")(add)
    spot.cached_run(marked, 1)
    marked(1)
    assert RAN == ["add"]


def test_marks_are_transparent_to_each_other(make_spot: Callable[..., Spot]) -> None:
    one, two = make_spot("one", strict=True), make_spot("two", strict=True)
    marked = one.mark(two.mark(add))
    assert marked(1) == marked(1) == (1, 2, 3)
    assert RAN == ["add"]
    assert one.key(marked, 1) == one.key(add, 1)


def test_a_class_defined_below_its_function_is_restored(spot: Spot) -> None:
    assert spot.mark(give_later)() == spot.mark(give_later)() == Later(1)


def give_later() -> Later:
    return Later(1)


@dataclass
class Later:
    x: int


NOTEBOOK = """
import beautyspot as bs
spot = bs.Spot("app", directory=DIRECTORY, config=False)
def helper(x): return x + 1
@spot.mark(version="auto")
def f(x): return helper(x)
first = f(1)
def helper(x): return x + 100
second = f(1)
"""


def test_a_helper_edited_at_the_prompt_is_another_version(tmp_path: Path) -> None:
    names: dict[str, Any] = {"DIRECTORY": str(tmp_path), "__name__": "__main__"}
    for number, cell in enumerate(NOTEBOOK.split("first = ")):
        text = cell if number == 0 else "first = " + cell
        linecache.cache[f"<cell {number}>"] = (len(text), None, text.splitlines(True), "")
        exec(compile(text, f"<cell {number}>", "exec"), names)
    assert (names["first"], names["second"]) == (2, 101)


# ---- what a function says that it returns is no part of a key, and nothing is built for one


def local(spot: Spot, returned: Any) -> Any:
    def make(text: str) -> Any:
        return [text]

    make.__annotations__["return"] = returned
    return spot.mark(make)


def test_functions_that_differ_in_it_alone_have_one_key(make_spot):
    spot = make_spot()
    keys = {spot.key(local(spot, returned), "a") for returned in (list, list[str], list[int], None)}
    assert len(keys) == 1
