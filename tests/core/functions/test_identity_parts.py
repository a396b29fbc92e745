"""What tells one callable argument from another."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from beautyspot.functions.identity import function_parts

HERE = __name__


def plain(x: int) -> int:
    return x


class Plain:
    def method(self) -> None: ...

    def __call__(self) -> None: ...


def adder(n: int) -> Callable[[int], int]:
    return lambda x: x + n


def test_what_its_name_leads_back_to_is_its_name():
    assert function_parts(plain) == [f"{HERE}:plain"]
    assert function_parts(Plain) == [f"{HERE}:Plain"]
    assert function_parts(Plain.method) == [f"{HERE}:Plain.method"]
    assert function_parts(len) == ["builtins:len"]
    assert function_parts(Plain()) == [f"{HERE}:Plain.__call__"]


def test_two_lambdas_differ():
    plus, minus = lambda x: x + 1, lambda x: x - 1
    assert function_parts(plus) != function_parts(minus)
    assert function_parts(plus) == function_parts(plus)


def test_two_closures_of_one_factory_differ_by_what_they_captured():
    one, two = function_parts(adder(1)), function_parts(adder(2))
    identifier, code, values, links, defaults, keyword_defaults = one
    assert identifier == f"{HERE}:adder.<locals>.<lambda>"
    assert isinstance(code, str)
    assert len(code) == 32
    assert (values, links, defaults, keyword_defaults) == ({"n": 1}, {}, None, None)
    assert one[1] == two[1]
    assert one != two
    assert one == function_parts(adder(1))


def test_defaults_count():
    one, two = [lambda x, n=n, *, k=n: (x, n, k) for n in (1, 2)]
    assert function_parts(one)[4:] == [(1,), {"k": 1}]
    assert function_parts(two)[4:] == [(2,), {"k": 2}]


def test_captured_functions_with_a_name_stay_values():
    def local() -> int:
        return plain(helper(1))

    helper = plain
    assert function_parts(local)[2] == {"helper": plain}


def test_a_function_that_captures_itself_comes_to_an_end():
    def down(n: int) -> int:
        return n and down(n - 1)

    assert function_parts(down)[2:] == [{}, {}, None, None]


def test_functions_that_capture_each_other_come_to_an_end():
    def even(n: int) -> bool:
        return n == 0 or odd(n - 1)

    def odd(n: int) -> bool:
        return n != 0 and even(n - 1)

    parts = function_parts(even)
    assert parts[2:4] == [{}, {"odd": 1}]
    row = parts[6]
    assert isinstance(row, list)
    assert (
        row[0]
        == f"{HERE}:{test_functions_that_capture_each_other_come_to_an_end.__name__}.<locals>.odd"
    )
    assert row[2:4] == [{}, {"even": 0}]
    assert len(parts) == 7


def test_captured_local_functions_count_with_what_they_captured():
    def twice(func: Any) -> Any:
        return lambda x: func(func(x))

    one, two = function_parts(twice(adder(1))), function_parts(twice(adder(2)))
    assert one[:6] == two[:6]
    assert one != two


def test_one_function_captured_under_two_names_has_one_row():
    helper = adder(1)
    other = helper

    def local() -> Any:
        return helper, other

    parts = function_parts(local)
    assert parts[3] == {"helper": 1, "other": 1}
    assert len(parts) == 7


def test_classes_of_one_factory_differ():
    def make(captured: int, attribute: int) -> Any:
        class Made:
            number = attribute
            text: str = "t"
            also = Plain

            def method(self) -> int:
                return captured

            def itself(self) -> Any:
                return Made, __class__  # type: ignore[name-defined]

        return Made

    parts = function_parts(make(1, 2))
    assert parts[2] == {".also": Plain, ".number": 2, ".text": "t", "method.captured": 1}
    assert parts[3] == {}
    assert parts != function_parts(make(3, 2))
    assert parts != function_parts(make(1, 3))
    assert parts == function_parts(make(1, 2))


def test_our_wrappers_are_no_captures_of_a_class():
    namespace: dict[str, Any] = {"__name__": "beautyspot.calls.wrappers", "functools": functools}
    exec(
        "def mark(func):\n"
        "    @functools.wraps(func)\n"
        "    def wrapper(*args): return func(*args)\n"
        "    wrapper.__beautyspot__ = 'task'\n"
        "    return wrapper\n",
        namespace,
    )

    def make(number: int, mark: Any) -> Any:
        class Made:
            @mark
            def method(self) -> int:
                return number

            @functools.lru_cache  # noqa: B019 - never called
            @mark
            def cached(self) -> int:
                return number

        return Made

    marked, plain = make(1, namespace["mark"]), make(1, lambda func: func)
    assert function_parts(marked)[2] == {"cached.number": 1, "method.number": 1}
    assert function_parts(marked)[2:] == function_parts(plain)[2:]
    cached = [function_parts(vars(cls)["cached"])[1] for cls in (marked, plain)]
    assert cached[0] == cached[1]  # the code of our wrapper changes with our releases


def test_a_local_class_and_a_function_may_capture_each_other():
    class Local:
        def method(self) -> Any:
            return use

    def use() -> Any:
        return Local

    assert function_parts(Local)[3] == {"method.use": 1}
    assert function_parts(use)[3] == {"Local": 1}


def test_an_object_of_a_local_class_is_told_by_the_class():
    class Local:
        def __call__(self) -> None: ...

    parts = function_parts(Local())
    assert str(parts[0]).endswith("Local.__call__")
    assert parts[1] == function_parts(Local)[1]


def test_cache_objects_are_told_by_what_they_wrap():
    one, two = functools.lru_cache(adder(1)), functools.lru_cache(adder(2))
    assert function_parts(one)[2] == {"n": 1}
    assert function_parts(two)[2] == {"n": 2}
