"""What an object keeps of what follows from the rest of it, and does not count."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from email.message import Message
from http.cookiejar import CookieJar
from types import SimpleNamespace
from typing import Any
from urllib.request import Request

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pydantic
import pytest
from supported import canonical
from werkzeug.utils import cached_property as werkzeug_property

from tests.made import findable


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
def test_what_a_cached_property_keeps_does_not_count(make):
    before = canonical(make(2))
    computed, assigned = make(2), make(2)
    assert computed.area == 4
    assigned.area = 5
    assert canonical(computed) == canonical(assigned) == before
    assert canonical(make(3)) != before


def test_what_has_no_stable_form_may_be_kept():
    @findable
    class Service:
        @functools.cached_property
        def client(self):
            return iter(())

        @functools.cached_property
        def chat(self):
            return Plain(self)  # leads back, as the resources of an SDK do

    made = Service()
    before = canonical(made)
    made.client, made.chat
    assert canonical(made) == before


def test_a_slot_beside_a_getattr_of_ones_own_counts():
    @findable
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
    @findable
    class Cached(enum.Enum):
        A = 1

        @functools.cached_property
        def doubled(self):
            return self.value * 2

    before = canonical(Cached.A)
    assert Cached.A.doubled == 2
    assert canonical(Cached.A) == before


class NameSpace(SimpleNamespace):
    """One of the program's, called as the accessors of Polars are."""


class Spaced:
    names = NameSpace()

    def __init__(self, **names):
        self.names = NameSpace(**names)


def test_a_default_that_only_has_the_name_of_what_computes_counts():
    assert canonical(Spaced(a=1)) != canonical(Spaced(a=2))


class Counting:
    def __init__(self, hashes):
        self._hashes = hashes  # a number of its own, and no hash


class File:
    def __init__(self, content):
        self._hash = hash(content)  # all that is known of it

    def __hash__(self):
        return self._hash


def test_a_hash_that_an_object_keeps_counts():
    assert canonical(Counting(1)) != canonical(Counting(2))
    assert canonical(File(1)) != canonical(File(2))


def test_when_a_jar_of_cookies_was_asked_does_not_count():
    jar, headers = CookieJar(), Message()
    before = canonical(jar)
    jar.add_cookie_header(Request("http://a.example/"))
    assert canonical(jar) == before
    headers["Set-Cookie"] = "user=a"
    jar.extract_cookies(SimpleNamespace(info=lambda: headers), Request("http://a.example/"))
    assert len(jar) == 1
    assert canonical(jar) != before
