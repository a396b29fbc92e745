"""`mark(added=)`: a parameter that a function is given later loses none of its results."""

from __future__ import annotations

import functools
import math
import pickle
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from beautyspot.errors import ConfigError
from beautyspot.spot import Spot
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made import findable

RUNS: list[Any] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    RUNS.clear()


@pytest.fixture
def spot(make_spot: Callable[..., Spot]) -> Spot:
    """Not strict: functions of one name, as the one was before and is now, would be refused."""
    return make_spot()


def before(text, size=1, *, tone="plain"):
    return text, size, tone


def in_front(temperature=0.0, text="", size=1, *, tone="plain"):
    RUNS.append(text)
    return text, size, tone, temperature


def in_the_middle(text, temperature=0.0, size=1, *, seed=None, tone="plain"):
    RUNS.append(text)
    return text, size, tone, temperature, seed


def at_the_end(text, size=1, temperature=0.0, *, tone="plain", seed=None):
    RUNS.append(text)
    return text, size, tone, temperature, seed


def required(text, size, temperature, *, tone="plain", seed):
    RUNS.append(text)
    return text, size, tone, temperature, seed


BOTH = {"temperature": 0.0, "seed": None}


@pytest.mark.parametrize("grown", [in_the_middle, at_the_end])
def test_results_of_the_function_before_are_found(spot: Spot, grown: Callable[..., Any]) -> None:
    old = spot.mark(before, name="ask")
    new = spot.mark(grown, name="ask", added=BOTH, version=None)
    stored = old("a"), old("b", 2), old("c", tone="loud")
    assert (new("a"), new("b", size=2), new("c", tone="loud")) == stored
    assert new("a", temperature=0.0, seed=None) == stored[0]
    assert RUNS == []
    assert new("a", temperature=0.5)[3] == 0.5
    assert new("a", seed=1)[4] == 1
    assert RUNS == ["a", "a"]


def test_a_parameter_without_a_default_and_one_in_front(spot: Spot) -> None:
    old = spot.mark(before, name="ask")
    one = spot.mark(required, name="ask", added=BOTH)
    two = spot.mark(in_front, name="ask", added={"temperature": 0.0})
    stored = old("a", 2)
    assert one("a", 2, 0.0, seed=None) == stored
    assert two(text="a", size=2) == stored


def test_equal_is_what_has_the_same_key(spot: Spot) -> None:
    old = spot.mark(before, name="ask")
    new = spot.mark(at_the_end, name="ask", added={"temperature": 0.0, "seed": None})
    same = spot.key(old, "a")
    assert spot.key(new, "a", temperature=0.0) == same
    keys = {spot.key(new, "a", temperature=value) for value in (0, False, -0.0, "0.0")}
    assert len(keys) == 4
    assert same not in keys
    holds = spot.mark(at_the_end, name="ask", added={"temperature": math.nan, "seed": None})
    assert spot.key(holds, "a", temperature=float("nan")) == same


def test_a_function_of_the_argument_counts_for_both(spot: Spot) -> None:
    old = spot.mark(before, name="ask")
    new = spot.mark(
        at_the_end, name="ask", added={"temperature": 0.04, "seed": None},
        key={"temperature": lambda value: round(value, 1)},
    )  # fmt: skip
    assert spot.key(new, "a", temperature=0.01) == spot.key(old, "a")
    assert spot.key(new, "a", temperature=0.1) != spot.key(old, "a")


def test_methods_partials_and_what_is_ignored(spot: Spot) -> None:
    @findable
    class Model:
        @spot.mark(name="model", ignore=("client",))
        def old(self, client, text):
            return text

        @spot.mark(name="model", ignore=("client",), added={"_Model__hot": 0.0})
        def new(self, client, __hot=0.0, text=""):
            return text, __hot

    model = Model()
    assert spot.key(model.new, 1, text="a") == spot.key(model.old, 2, "a")
    assert spot.key(model.new, 1, 0.5, text="a") != spot.key(model.old, 2, "a")
    half = spot.mark(functools.partial(at_the_end, "a"), name="ask", added=BOTH)
    cold = spot.mark(functools.partial(at_the_end, temperature=0.0), name="ask", added=BOTH)
    ask = spot.mark(before, name="ask")
    assert spot.key(half) == spot.key(cold, "a") == spot.key(ask, "a")


def test_the_parameter_is_shown_all_the_same(spot: Spot) -> None:
    new = spot.mark(in_the_middle, name="ask", added=BOTH, arguments=True)
    new("a")
    shown = spot.explain(new, "a").arguments
    assert shown["temperature"] == "0.0"
    assert shown["size"] == "1"
    record = spot.metadata.get(spot.key(new, "a"))
    assert record is not None
    assert "temperature=0.0" in (record.arguments or "")
    assert '"temperature"' in (record.arg_digests or "")
    assert spot.explain(new, "a", 0.5).differs == ("argument temperature",)


def retried(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def again(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return again


@retried
def retried_now(text, size=1, temperature=0.0, *, tone="plain", seed=None):
    return text


def test_above_a_decorator_that_passes_on_it_is_refused(spot: Spot) -> None:
    """An explicit one may be another call: the decorator may have a default of its own."""
    for function in (retried_now, retried(required)):
        with pytest.raises(ConfigError, match="write @spot.mark beneath that"):
            spot.mark(function, name="ask", added={"temperature": 0.0})


def with_rest(text, temperature=0.0, *rest, seed=None, **more):
    return text


@pytest.mark.parametrize(
    ("function", "options", "why"),
    [
        (at_the_end, {"added": {"temprature": 0.0}}, "temprature.*temperature"),
        (at_the_end, {"added": {"temperature": object()}}, "can't be in a key"),
        (at_the_end, {"added": {"temperature": 0.0}, "ignore": ("temperature",)}, "ignore="),
        (at_the_end, {"added": {"temperature": 0.0}, "ignore": ("temperature.x",)}, "ignore="),
        (at_the_end, {"added": {"temperature": 0.0}, "key": "all"}, "stands in"),
        (at_the_end, {"added": {"temperature": 0.0}, "key": lambda *_, **__: 1}, "stands in"),
        (at_the_end, {"added": {"temperature": 0.0}, "version": "auto"}, "follows the code"),
        (at_the_end, {"added": {"text": []}, "each": "text"}, "items of each="),
        (with_rest, {"added": {"more": {}}}, r"\*\*more adds nothing"),
        (with_rest, {"added": {"other": 0}}, "no parameter 'other'"),
        (max, {"added": {"key": None}}, "none that are known"),
        (at_the_end, {"added": ["temperature"]}, "a table"),
        (at_the_end, {"added": {1: 0.0}}, "a table"),
    ],
)
def test_what_can_not_be_told_apart_is_refused(
    spot: Spot, function: Any, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        spot.mark(function, **options)


def test_the_table_is_of_the_moment_of_the_mark_and_travels(spot: Spot) -> None:
    table: dict[str, Any] = {"seed": []}
    new = spot.mark(at_the_end, name="ask", added=MappingProxyType(table))
    known = spot.key(new, "a", seed=[])
    table["seed"].append(1)
    table["temperature"] = 0.0
    assert spot.key(new, "a", seed=[]) == known
    options = new.__beautyspot__.options  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(options)).added.keys() == {"seed"}


def test_rest_may_be_added(spot: Spot) -> None:
    before = spot.mark(lambda text: text, name="f", key={}, ignore=())
    after = spot.mark(lambda text, *rest: text, name="f", added={"rest": ()})
    assert spot.key(before, "a") == spot.key(after, "a") != spot.key(after, "a", 1)


# ----------------------------------------------------------------------------------- properties

VALUES = st.sampled_from([0, 0.0, -0.0, False, None, "", 1, True, "a"])
NAMES = ("a", "b", "c", "d")
SPOT = Spot("properties", metadata="memory", config=False)


@st.composite
def functions(draw: st.DrawFn) -> tuple[Callable[..., Any], dict[str, Any], bool]:
    """A function of four parameters, some of which were added, and whether it takes ``*rest``."""
    split = draw(st.integers(0, 4))
    rest = draw(st.booleans())
    # With *rest, what was added can only be given by keyword.
    may_be_added = NAMES[split:] if rest else NAMES
    names = draw(st.permutations(may_be_added))[: draw(st.integers(0, len(may_be_added)))]
    head = [f"{name}=0" for name in NAMES[:split]]
    star = ["*rest"] if rest else ["*"] * (split < 4)
    tail = [f"{name}=0" for name in NAMES[split:]]
    namespace: dict[str, Any] = {}
    exec(f"def f({', '.join([*head, *star, *tail])}): pass", namespace)
    return namespace["f"], {name: draw(VALUES) for name in names}, rest


@given(functions(), st.data())
@settings(max_examples=150, deadline=None)
def test_two_calls_never_share_a_key(
    function: tuple[Callable[..., Any], dict[str, Any], bool], data: st.DataObject
) -> None:
    plain, added, takes_more = function
    marked = SPOT.mark(plain, name="f", added=added)
    reference = SPOT.mark(plain, name="f")
    split = plain.__code__.co_argcount
    calls = []
    for _ in range(2):
        values = {name: data.draw(VALUES) for name in NAMES}
        more = data.draw(st.lists(VALUES, max_size=2)) if takes_more else []
        named = {name: values[name] for name in NAMES[split:]}
        calls.append(([*(values[name] for name in NAMES[:split]), *more], named))
    (one, one_named), (two, two_named) = calls
    told_apart = SPOT.key(reference, *one, **one_named) != SPOT.key(reference, *two, **two_named)
    assert (
        SPOT.key(marked, *one, **one_named) != SPOT.key(marked, *two, **two_named)
    ) == told_apart
