"""The lessons about keys: what went wrong in libraries like this one, each as a test of a Spot."""

from __future__ import annotations

import collections
import datetime as dt
import functools
import io
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from beautyspot import KeyGen, UnstableKeyError
from beautyspot.spot import Spot
from kinds import RAN

from tests.made import findable


def increment(x: int) -> int:
    return x + 1


def double(x: int) -> int:
    return x * 2


def factory(n: int) -> Callable[[int], int]:
    return lambda x: x * n


class Multiplier:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def m(self, x: int) -> int:
        RAN.append((self.factor, x))
        return self.factor * x


class Row(NamedTuple):
    a: int


@dataclass
class Record:
    a: int


FUNCTIONS: list[Callable[[int], int]] = [
    increment, double, factory(3), factory(4), lambda x: x + 5, lambda x: x + 6,
    functools.partial(max, 100), functools.partial(max, 200), Multiplier(7).m, Multiplier(8).m,
]  # fmt: skip


def test_functions_partials_methods_closures_and_lambdas_as_arguments_do_not_collide(
    spot: Spot,
) -> None:
    @spot.mark
    def apply(function: Callable[[int], int], x: int) -> int:
        return function(x)

    for _ in range(2):
        assert [apply(function, 10) for function in FUNCTIONS] == [
            11, 20, 30, 40, 15, 16, 100, 200, 70, 80,
        ]  # fmt: skip


class Scale:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def of(self, x: int) -> int:
        return self.factor * x

    __call__ = of


BOUND = [lambda n: Scale(n).of, Scale, lambda n: functools.partial(pow, n), lambda n: [n].count]


@pytest.mark.parametrize("make", BOUND)
@pytest.mark.parametrize("marked_beneath", [False, True])
def test_what_lru_cache_wraps_counts_with_what_is_bound_to_it(
    spot: Spot, make: Callable[[int], Callable[[int], int]], marked_beneath: bool
) -> None:
    def cached(n: int) -> Callable[[int], int]:
        return functools.lru_cache(spot.mark(make(n)) if marked_beneath else make(n))

    expected = [make(n)(2) for n in (2, 3)]
    apply = spot.mark(lambda function: function(2))
    assert [spot.mark(cached(n))(2) for n in (2, 3)] == expected
    assert [apply(cached(n)) for n in (2, 3)] == expected
    assert spot.key(apply, cached(2)) == spot.key(apply, cached(2))


@pytest.mark.parametrize("make", BOUND)
def test_what_is_marked_counts_as_an_argument_with_what_is_bound_to_it(
    spot: Spot, make: Callable[[int], Callable[[int], int]]
) -> None:
    apply = spot.mark(lambda function: function(2))
    assert [apply(spot.mark(make(n))) for n in (2, 3)] == [make(n)(2) for n in (2, 3)]
    assert spot.key(apply, spot.mark(make(2))) == spot.key(apply, make(2))


def test_lambdas_closures_and_methods_that_are_marked_do_not_collide(spot: Spot) -> None:
    for _ in range(2):
        assert [spot.cached_run(function, 10) for function in FUNCTIONS] == [
            11, 20, 30, 40, 15, 16, 100, 200, 70, 80,
        ]  # fmt: skip


def test_one_decorator_object_on_two_functions_keeps_them_apart(spot: Spot) -> None:
    decorate = spot.mark(version="1", tags=("t",))
    a, b = decorate(increment), decorate(double)
    assert (a(1), b(1)) == (2, 2)
    assert (a(5), b(5)) == (6, 10)


def _temporaries() -> list[tuple[str, Callable[[int], Any], Callable[[Any], object]]]:
    import numpy as np
    import pandas as pd
    from PIL import Image

    return [
        ("frame", lambda n: pd.DataFrame({"a": [n]}), lambda frame: int(frame["a"].iloc[0])),
        ("array", lambda n: np.array([n]), lambda array: int(array[0])),
        ("image", lambda n: Image.new("L", (1, 1), n), lambda image: image.getpixel((0, 0))),
        ("memoryview", lambda n: memoryview(bytes([n])), lambda view: view[0]),
        ("object", Multiplier, lambda thing: thing.factor),
        ("bound method", lambda n: Multiplier(n).m, lambda method: method(1)),
        ("iterator", lambda n: iter([n]), next),
        ("generator", lambda n: (n for _ in range(1)), next),
        ("BytesIO", lambda n: io.BytesIO(bytes([n])), lambda file: file.getvalue()[0]),
        ("StringIO", lambda n: io.StringIO(str(n)), lambda file: int(file.getvalue())),
        ("map", lambda n: map(int, [n]), next),
        ("deque", lambda n: collections.deque([n]), lambda items: items[0]),
    ]


@pytest.mark.parametrize("case", _temporaries(), ids=lambda case: case[0])
def test_no_key_is_made_of_an_address(make_spot: Callable[..., Spot], case: Any) -> None:
    """Each argument dies before the next is made, often at the same address."""
    _, make, look = case
    marked = make_spot().mark(look)
    assert [marked(make(n)) for n in range(20)] == list(range(20))
    assert [marked(make(n)) for n in range(20)] == list(range(20))


def test_values_and_their_texts_have_keys_of_their_own(spot: Spot) -> None:
    day = dt.date(2020, 1, 2)
    values: list[Any] = [
        day, str(day), dt.datetime.combine(day, dt.time()),
        Decimal("1.5"), "1.5", 1.5, range(3), "range(0, 3)",
        [0, 1, 2], Row(1), (1,), Record(1), {"a": 1},
        {1: 1}, {"1": 1}, b"a", "a", True, 1, None, "None",
    ]  # fmt: skip
    marked = spot.mark(lambda value: type(value).__name__)
    names = [type(value).__name__ for value in values]
    assert [marked(value) for value in values] == names
    assert [marked(value) for value in values] == names
    assert spot.stats()["misses"] == len(values)


def test_self_counts(spot: Spot) -> None:
    m = spot.mark(Multiplier.m)
    assert [m(Multiplier(100), 1), m(Multiplier(1), 1), m(Multiplier(100), 1)] == [100, 1, 100]
    assert RAN == [(100, 1), (1, 1)]


def test_a_subclass_with_equal_state_is_another_self(spot: Spot) -> None:
    @findable
    class Tripled(Multiplier):
        def m(self, x: int) -> int:
            return 3 * super().m(x)

    m = spot.mark(lambda thing, x: thing.m(x))
    assert [m(Multiplier(2), 1), m(Tripled(2), 1)] == [2, 6]


def test_an_override_and_the_method_beneath_it_do_not_share_results(spot: Spot) -> None:
    @findable
    class Base:
        @spot.mark
        def m(self, x: int) -> str:
            return f"base {x}"

    @findable
    class Derived(Base):
        @spot.mark
        def m(self, x: int) -> str:
            return f"derived of {super().m(x)}"

    for _ in range(2):
        assert Derived().m(1) == "derived of base 1"
        assert Base().m(1) == "base 1"


def test_an_id_and_a_version_are_joined_without_ambiguity(spot: Spot) -> None:
    keys = {
        spot.key(spot.mark(key=key, version=version, name=name)(increment), 1)
        for key in ("a", "a:v1", "a:", ":v1", "")
        for version in (None, "", "v1", ":v1", "a:v1")
        for name in ("f", "f:a", "f:a:v1")
    }
    assert len(keys) == 5 * 5 * 3


def test_every_spelling_of_one_call_runs_once(spot: Spot) -> None:
    @spot.mark
    def f(a: int, b: int = 2) -> int:
        RAN.append((a, b))
        return a + b

    assert [f(1), f(1, 2), f(1, b=2), f(a=1, b=2), f(b=2, a=1)] == [3] * 5
    assert RAN == [(1, 2)]


CHILD = """
    import json, pathlib, sys
    import beautyspot

    spot = beautyspot.Spot("app", directory=sys.argv[1], config=False, strict=True)

    @spot.mark(name="f")
    def f(*args, **kwargs):
        return 0

    calls = {
        "set": lambda: spot.key(f, {"a", "bb", "ccc"}, frozenset({(1, "x"), (2, "y")})),
        "dict": lambda: spot.key(f, {"b": 1, "a": {"d", "e"}}),
        "path": lambda: spot.key(f, pathlib.PurePosixPath("a/b")),
        "many": lambda: spot.key(
            f, 1, 1.5, "x", b"x", None, True, (1, [2]), {1: "a"}, 2**80, a=1, b=2,
        ),
    }
    print(json.dumps({name: call() for name, call in calls.items()}))
"""


KEYS = {
    "set": "e56edca0681e1dfaff76e0f5b19930b7",
    "dict": "e29a2856b6dd73d6901891437e60b9e0",
    "path": "36132c1a8ffc50e6c481619d06e21f78",
    "many": "b1ac5bbf8c52d20644477d8ca0989847",
}


def _keys(python: str, seed: int, directory: Path) -> dict[str, str]:
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    command = [python, "-c", textwrap.dedent(CHILD), str(directory)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    keys: dict[str, str] = json.loads(done.stdout)
    return keys


@pytest.mark.parametrize("seed", [1, 2])
def test_keys_do_not_follow_the_hash_seed_the_machine_or_the_python(
    tmp_path: Path, seed: int
) -> None:
    """The same under every Python that runs this, for a shared cache to hit."""
    assert _keys(sys.executable, seed, tmp_path) == KEYS


def test_an_object_with_a_lock_has_no_key_that_changes(spot: Spot) -> None:
    @findable
    class Client:
        def __init__(self) -> None:
            self.lock = iter(())

        def ask(self, x: int) -> int:
            return x

    with pytest.raises(UnstableKeyError, match=r"self\.lock"):
        spot.key(Client.ask, Client(), 1)
    told = spot.mark(ignore=("self.lock",))(Client.ask)
    assert spot.key(told, Client(), 1) == spot.key(told, Client(), 1)


@pytest.mark.parametrize("of", [KeyGen.from_file_content, KeyGen.from_path_stat])
def test_a_file_that_changes_is_another_argument(
    spot: Spot, tmp_path: Path, of: Callable[[Any], str]
) -> None:
    @spot.mark(key={"path": of})
    def read(path: Path) -> str:
        RAN.append(path)
        return path.read_text()

    file = tmp_path / "file"
    file.write_text("one")
    assert [read(file), read(file)] == ["one", "one"]
    file.write_text("two, longer")
    assert [read(file), read(file)] == ["two, longer"] * 2
    assert len(RAN) == 2


def test_a_variable_that_has_no_value_yet_counts_once_it_has(spot):
    def outer(value):
        @spot.mark
        def times(x):
            return y * x if x else 0

        assert times(0) == 0, "the first call comes before the variable has a value"
        y = value
        return times(1)

    assert [outer(1), outer(2)] == [1, 2]


def test_a_key_function_for_bytes_is_asked_at_every_call(make_spot, tmp_path):
    keygen = KeyGen()
    keygen.register(bytes, lambda path: KeyGen.from_file_content(os.fsdecode(path)))
    file = tmp_path / "file"
    spot = make_spot(keygen=keygen)
    read = spot.mark(name="read")(lambda path: Path(os.fsdecode(path)).read_text())
    seen = []
    for text in ("one", "two"):
        file.write_text(text)
        seen.append(read(os.fsencode(file)))
    assert seen == ["one", "two"]
