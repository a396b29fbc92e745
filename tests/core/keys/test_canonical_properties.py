"""Distinct inputs, distinct texts; the same inputs, the same text."""

from __future__ import annotations

import copy
import datetime as dt
import json
import math
from collections import OrderedDict, deque
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal

from beautyspot.keys.generator import canonical
from hypothesis import example, given, settings
from hypothesis import strategies as st


@dataclass
class Box:
    x: object
    y: object = None


class Thing:
    def __init__(self, **state):
        self.__dict__.update(state)


class Text(str):
    pass


class Items(list):
    pass


CHARACTERS = st.characters(categories=["L", "N", "P", "S", "Z", "Cc", "Cs"])
FLAT = (
    st.none() | st.booleans() | st.integers() | st.integers(-(2**3000), 2**3000) | st.floats()
    | st.text(CHARACTERS, max_size=5) | st.binary(max_size=5) | st.complex_numbers()
    | st.sampled_from(["$tuple", "$dict", "$object", "$fold", "\ud83d", "\ude00", "x" * 2000])
    | st.decimals(allow_nan=False) | st.just(Decimal("NaN"))
    | st.fractions() | st.dates() | st.datetimes() | st.timedeltas() | st.uuids()
    | st.datetimes(timezones=st.timezones(), allow_imaginary=True)
)  # fmt: skip
HASHABLE = st.recursive(FLAT, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
NAMES = st.sampled_from(["a", "b", "$a", "$tuple", "é"])


def containers(inner):
    lists = st.lists(inner, max_size=3)
    texts = st.dictionaries(st.text(CHARACTERS, max_size=3) | NAMES, inner, max_size=3)
    return (
        lists | lists.map(tuple) | lists.map(deque) | lists.map(Items) | texts
        | st.dictionaries(HASHABLE, inner, max_size=3) | texts.map(OrderedDict)
        | st.sets(HASHABLE, max_size=3) | st.frozensets(HASHABLE, max_size=3)
        | st.builds(Box, inner, inner) | st.dictionaries(NAMES, inner).map(lambda d: Thing(**d))
    )  # fmt: skip


VALUES = st.recursive(FLAT | FLAT.map(lambda v: Text(v) if isinstance(v, str) else v), containers)


def number(value):
    return "nan" if math.isnan(value) else repr(value)


def spelt(value):
    """A value as nested tuples that are equal exactly where values are the same."""
    kind = type(value)
    if kind is float:
        return kind, number(value)
    if kind is complex:
        return kind, number(value.real), number(value.imag)
    if isinstance(value, Decimal):
        return kind, str(value)
    if isinstance(value, dt.datetime):
        zone = getattr(value.tzinfo, "key", None)
        return kind, value.replace(tzinfo=None).isoformat(), zone, value.fold
    if isinstance(value, OrderedDict):
        return kind, tuple((k, spelt(v)) for k, v in value.items())
    return spelt_container(kind, value)


def spelt_container(kind, value):
    if isinstance(value, dict):
        return kind, bag((spelt(k), spelt(v)) for k, v in value.items())
    if isinstance(value, set | frozenset):
        return kind, bag(map(spelt, value))
    if isinstance(value, list | tuple | deque):
        return kind, tuple(map(spelt, value))
    if is_dataclass(value):
        return kind, tuple(spelt(getattr(value, f.name)) for f in fields(value))
    if isinstance(value, Thing):
        return kind, spelt(vars(value))
    return kind, value


def bag(items):
    counts = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return frozenset(counts.items())


def mutations(value):
    """Values that are nearly `value`."""
    copied = copy.deepcopy(value)
    text = canonical(value)
    wrapped = [
        [copied],
        (copied,),
        {"$tuple": [copied]},
        {"a": copied},
        Box(copied),
        Thing(x=copied),
    ]
    return st.sampled_from([copied, text, json.loads(text), *wrapped])


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_texts_agree_exactly_where_values_are_the_same(data):
    one = data.draw(VALUES)
    other = data.draw(VALUES | mutations(one))
    assert (canonical(one) == canonical(other)) == (spelt(one) == spelt(other))


@settings(deadline=None, max_examples=60)
@given(VALUES)
@example("\ud83d\ude00")
@example({"\ud800": 1, "b\udfff": 2})
def test_a_text_is_json_in_unicode(value):
    text = canonical(value)
    text.encode()
    json.loads(text)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text().filter(lambda k: k[:1] != "$"), inner)
    ),
)


@settings(deadline=None, max_examples=100)
@given(PLAIN)
def test_what_json_has_is_written_as_json_writes_it(value):
    text = canonical(value)
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if "$" not in text:
        assert json.loads(text) == value
        assert text == plain or not plain.isascii()


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(-(2**2100), 2**2100) | st.floats() | st.text() | st.none() | st.booleans())
)
def test_the_fast_way_for_flat_arrays_writes_what_the_slow_one_does(items):
    parts = [canonical(item) for item in items]
    if sum(map(len, parts)) + 8 * len(parts) < 8000:  # longer ones are folded
        assert canonical(items) == f"[{','.join(parts)}]"
        names = [f"k{number:03}" for number in range(len(items))]
        members = [f'"{name}":{part}' for name, part in zip(names, parts, strict=True)]
        assert canonical(dict(zip(names, items, strict=True))) == f"{{{','.join(members)}}}"
