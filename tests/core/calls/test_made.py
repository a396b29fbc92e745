"""Functions and classes that a program makes while it runs: marked, called, and as results."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

import numpy as np
import pydantic
import pytest
from beautyspot import Spot

from tests import made


def answer(default: int) -> Any:
    return pydantic.create_model("Answer", x=(int, default))


def test_each_function_gets_instances_of_its_own_class(make_spot: Callable[..., Spot]) -> None:
    def asking(model: Any) -> Any:
        def parse(x: int):  # type: ignore[no-untyped-def]
            return model(x=x)

        parse.__annotations__["return"] = model
        return spot.mark(parse)

    spot = make_spot(strict=True)
    for model in (answer(1), answer(2)):
        ask = asking(model)
        assert [type(ask(5)) for _ in range(2)] == [model, model]
    assert spot.stats()["hits"] == 2


class Twice:
    """Somebody's decorator that carries the name of what it wraps."""

    def __init__(self, func: Any, times: int) -> None:
        functools.update_wrapper(self, func)
        self.func, self.times = func, times

    def __call__(self, x: Any) -> Any:
        return self.times * self.func(x)


class Loud(functools.partial):  # type: ignore[type-arg]
    def __call__(self, x: Any) -> Any:  # type: ignore[override]
        return ("loud", self.func(x))


def renamed(n: int) -> Any:
    times = made.local(n)
    times.__module__, times.__qualname__ = __name__, "renamed"
    return times


@pytest.mark.parametrize(
    "pair",
    [
        (np.vectorize(made.plus), np.vectorize(made.minus)),
        (np.vectorize(made.local(1)), np.vectorize(made.local(2))),
        (Twice(made.plus, 1), Twice(made.plus, 2)),
        (Twice(made.plus, 1), made.plus),
        (Loud(made.plus), made.plus),
        (renamed(1), renamed(2)),
        (functools.lru_cache(renamed(1)), functools.lru_cache(renamed(2))),
        (functools.partial(renamed(1)), functools.partial(renamed(2))),
        (made.made("object"), made.made("object", state=1)),
    ],
)
def test_no_two_share_a_result(make_spot: Callable[..., Spot], pair: Any) -> None:
    spot = make_spot(strict=True)
    assert spot.key(pair[0], 3) == spot.key(pair[0], 3) != spot.key(pair[1], 3)
    call = spot.mark(lambda function, x: 1)
    assert spot.key(call, pair[0], 3) != spot.key(call, pair[1], 3)


def test_what_c_made_of_a_function_is_refused(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    for function, expected in ((made.plus, 4), (made.minus, 2)):
        assert spot.cached_run(np.frompyfunc(function, 1, 1), 3) == expected
    assert spot.stats()["bypassed"] == 2
    assert spot.cached_run(np.add, 3, 4) == spot.cached_run(np.add, 3, 4)
    assert spot.stats()["hits"] == 1


def test_a_wrapper_and_what_it_wraps_do_not_share_a_result(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True)
    module = types.ModuleType("with_wrappers")
    vars(module).update(__spec__=ModuleSpec(module.__name__, None), __file__="with_wrappers.py")
    vars(module).update(mark=spot.mark, wraps=functools.wraps)
    sys.modules[module.__name__] = module
    exec(compile(WRAPPERS, "with_wrappers.py", "exec"), vars(module))
    try:
        for function in (module.plain, module.marked, module.both):
            inner = function.__wrapped__
            assert (spot.cached_run(function, 1), spot.cached_run(inner, 1)) == (2, 1)
            assert function(1) == 2
    finally:
        del sys.modules[module.__name__]


WRAPPERS = """
def doubled(func):
    @wraps(func)
    def wrapper(x): return 2 * func(x)
    return wrapper

@doubled
def plain(x): return x

@doubled
@mark
def marked(x): return x

@doubled
@mark
@doubled
@mark
def nested(x): return x

def both(x): return 2 * x
both.__wrapped__ = mark(lambda x: x)
"""


@pytest.mark.parametrize("kind", ["itself", "another"])
def test_what_was_set_on_a_marked_function_counts(
    make_spot: Callable[..., Spot], kind: str
) -> None:
    spot = make_spot()

    def make(factor: int) -> Any:
        @spot.mark
        def helper(x: int) -> int:
            return x

        @spot.mark
        def scaled(x: int) -> int:
            held: Any = scaled if kind == "itself" else helper
            return x * int(held.factor)

        for each in (scaled, helper):
            each.factor = factor  # type: ignore[attr-defined]
        return scaled

    assert [make(factor)(10) for factor in (1, 2, 1)] == [10, 20, 10]
    assert spot.stats()["hits"] == 1
