"""What a cached property keeps counts where it was assigned, and not where it was computed."""

from __future__ import annotations

import copy
import enum
import functools
import pickle
import threading
from dataclasses import dataclass
from typing import Any

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pydantic
import pytest
from beautyspot import Spot
from beautyspot.keys.canonical import Without
from hypothesis import given
from hypothesis import strategies as st
from supported import canonical
from werkzeug.utils import cached_property as werkzeug_property


class Own(functools.cached_property):
    """A subclass with another name."""


class Plain:
    def __init__(self, size):
        self.size = size

    @functools.cached_property
    def area(self):
        return self.size**2


@dataclass
class Data:
    size: int

    @functools.cached_property
    def area(self):
        return self.size**2


@attrs.define(slots=False)
class Attrs:
    size: int

    @functools.cached_property
    def area(self):
        return self.size**2


@attrs.define
class Slotted:
    size: int

    @functools.cached_property
    def area(self):
        return self.size**2


class OfSlotted(Slotted):
    pass


class Model(pydantic.BaseModel):
    size: int

    @functools.cached_property
    def area(self):
        return self.size**2


class Computed(pydantic.BaseModel):
    size: int

    @pydantic.computed_field
    @functools.cached_property
    def area(self) -> int:
        return self.size**2


class Werkzeug(Plain):
    @werkzeug_property
    def area(self):
        return self.size**2


class OfOwn(Plain):
    @Own
    def area(self):
        return self.size**2


class Items(list):
    def __init__(self, size=0):
        super().__init__([0] * size)

    @functools.cached_property
    def area(self):
        return len(self) ** 2


class Array(np.ndarray):
    @functools.cached_property
    def area(self):
        return len(self) ** 2


class Frame(pd.DataFrame):
    @functools.cached_property
    def area(self):
        return len(self) ** 2


class PolarsFrame(pl.DataFrame):
    @functools.cached_property
    def area(self):
        return self.height**2


MAKERS: dict[str, Any] = {
    made.__name__: made
    for made in (*(Plain, Data, Attrs, Slotted, OfSlotted, Werkzeug, OfOwn, Items),)
} | {
    "Model": lambda size: Model(size=size),
    "Computed": lambda size: Computed(size=size),
    "Array": lambda size: np.zeros(size).view(Array),
    "Frame": lambda size: Frame({"a": [0] * size}),
    "PolarsFrame": lambda size: PolarsFrame({"a": [0] * size}),
}


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


@pytest.mark.filterwarnings("ignore:Pandas doesn't allow columns")
def test_only_what_was_assigned_counts(make):
    before = canonical(make(2))
    computed, assigned, other = make(2), make(2), make(2)
    assert computed.area == 4
    assigned.area, other.area = 5, 6
    assert canonical(computed) == before
    assert len({before, canonical(assigned), canonical(other)}) == 3
    assert canonical(Without(assigned, ("area",))) == before
    assigned.area = 4  # nobody can tell it from what is computed
    assert canonical(assigned) == before
    assert canonical(make(3)) != before


@pytest.mark.filterwarnings("ignore:Pandas doesn't allow columns")
def test_what_was_computed_of_another_state_counts(make):
    stale, fresh = make(3), make(3)
    stale.area = make(2).area
    assert fresh.area == 9
    assert canonical(stale) != canonical(fresh)


@pytest.mark.parametrize(
    "round_trip", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
@pytest.mark.parametrize("kind", [Plain, Data, Attrs, Werkzeug, Items])
def test_copies_of_both_agree(kind, round_trip):
    for area in (None, 5):
        made = kind(2)
        made.area if area is None else setattr(made, "area", area)
        assert canonical(round_trip(made)) == canonical(made)


SIZES = st.integers(1, 3)


@given(SIZES, SIZES, st.none() | st.integers(1, 9), st.none() | st.integers(1, 9))
def test_two_objects_have_one_text_where_they_show_the_same(size, other_size, area, other_area):
    pair = Plain(size), Plain(other_size)
    for made, given_area in zip(pair, (area, other_area), strict=True):
        made.area if given_area is None else setattr(made, "area", given_area)
    same = pair[0].size == pair[1].size and pair[0].area == pair[1].area
    assert (canonical(pair[0]) == canonical(pair[1])) == same


RAN = []


class Counting:
    def __init__(self, size):
        self.size = size

    @functools.cached_property
    def area(self):
        RAN.append(self.size)
        self.seen = True  # on a copy, when it is only compared
        return [self.size]


def test_a_property_is_computed_once_more_for_each_state():
    for size in (2, 3):
        for _ in range(3):
            made = Counting(size)
            assert made.area == [size]
            del made.seen
            canonical(made)
            canonical(made)
            assert "seen" not in vars(made)
    assert sorted(RAN) == [2] * 4 + [3] * 4
    for size in range(10, 1300):  # more states than are remembered
        made = Counting(size)
        made.area, made.seen = [size], False
        canonical(made)
    first = Counting(2)
    assert first.area == [2]
    del first.seen
    canonical(first)
    assert RAN.count(2) == 6
    ignored = Counting(4)
    assert ignored.area == [4]
    canonical(Without(ignored, ("area",)))
    assert RAN.count(4) == 1


ANSWERS = iter([1, 2])


class Failing:
    @functools.cached_property
    def answer(self):
        return next(ANSWERS)


def test_a_property_that_computes_from_elsewhere_or_fails_now():
    first, second, unread = Failing(), Failing(), Failing()
    assert first.answer == 1
    assert canonical(first) != canonical(unread)  # 2 is computed now
    second.answer = 3
    assert canonical(second) != canonical(unread)  # nothing is
    assert canonical(second) != canonical(first)


def test_what_has_no_stable_form_is_taken_for_computed():
    class Service:
        @functools.cached_property
        def client(self):
            return threading.Lock()

        @functools.cached_property
        def chat(self):
            return Plain(self)  # leads back, as the resources of an SDK do

    made = Service()
    before = canonical(made)
    made.client, made.chat
    assert canonical(made) == before


def test_properties_that_use_each_other():
    class Chained:
        def __init__(self, size):
            self.size = size

        @functools.cached_property
        def area(self):
            return self.size**2

        @functools.cached_property
        def volume(self):
            return self.area * self.size

    made = Chained(2)
    before = canonical(made)
    assert made.volume == 8
    assert canonical(made) == before
    other = Chained(2)
    other.area = 5
    assert canonical(other) != before
    assert other.volume == 10
    assert canonical(other) != before


def test_a_slot_beside_a_getattr_of_ones_own_counts():
    class Asked:
        __slots__ = ("size", "area")

        def __getattr__(self, name, defaults={"size": len}):  # noqa: B006 - as attrs has it
            return defaults[name]

    texts = set()
    for size in (1, 2):
        made = Asked()
        made.size = size
        texts.add(canonical(made))
    assert len(texts) == 2


def test_members_of_enums():
    class Cached(enum.Enum):
        A = 1

        @functools.cached_property
        def doubled(self):
            return self.value * 2

    before = canonical(Cached.A)
    assert Cached.A.doubled == 2
    assert canonical(Cached.A) == before
    Cached.A.doubled = 3
    assert canonical(Cached.A) != before


def test_a_method_sees_what_was_assigned(tmp_path):
    spot = Spot("app", directory=tmp_path, strict=True)

    class Shop:
        def __init__(self, place):
            self.place = place

        @functools.cached_property
        def rate(self):
            return 1

        @spot.mark
        def price(self):
            return self.rate * 10

    shops = [Shop("here") for _ in range(3)]
    shops[1].rate = 2
    assert [shop.price() for shop in shops * 2] == [10, 20, 10] * 2
    spot.shutdown()


ASKED = []
MARKED = []


def ask(text, how):
    ASKED.append(how)
    return f"{how} {text.text}"


class Text:
    def __init__(self, text):
        self.text = text

    @functools.cached_property
    def summary(self):
        return MARKED[0](self, "short")

    @functools.cached_property
    def title(self):
        self.text += "!"  # whenever it runs, the state is another one
        return MARKED[0](self, "title")


def test_a_property_that_calls_a_marked_function_with_its_object(tmp_path):
    spot = Spot("app", directory=tmp_path, strict=True)
    MARKED[:] = [spot.mark(ask)]
    text = Text("long")
    assert text.summary == "short long"
    assert [MARKED[0](text, "short") for _ in range(2)] == ["short long"] * 2
    assert ASKED == ["short"]  # also when it was computed again
    text = Text("long")
    assert text.title == "title long!"
    assert MARKED[0](text, "title") == "title long!"
    assert ASKED.count("title") <= 3  # it comes to an end
    spot.shutdown()
