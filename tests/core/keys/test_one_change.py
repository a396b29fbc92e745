"""Whatever a function can see of a standard value counts, and nothing else."""

from __future__ import annotations

import collections
import datetime as dt
import functools
import uuid
from dataclasses import dataclass
from types import SimpleNamespace

import one_change
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_change import Family

NUMBERS = st.integers(0, 2)
NAMES = st.sampled_from(["a", "b", "_c", "$d", ""])
ITEMS = st.dictionaries(NAMES, NUMBERS | NAMES, max_size=2)
ZONES = st.none() | st.tuples(NUMBERS, st.sampled_from("XY"))
UNSET = st.just(...)  # Ellipsis: the attribute is not set


def with_attributes(value, attributes):
    for name, item in attributes.items():
        if item is not ...:
            setattr(value, name, item)
    return value


class Plain:
    def __init__(self, size):
        self.size = size


class SubPlain(Plain):
    __slots__ = ("slot",)


@dataclass
class Data(Plain):
    size: int
    more: object = None


class Items(list):
    pass


class Part(functools.partial):
    pass


def shown(kind, size, **attributes):
    return with_attributes(kind(size), attributes)


def error(kind, args, **attributes):
    return with_attributes(kind(*args), attributes)


def time(kind, zone, **clock):
    tzinfo = zone and dt.timezone(dt.timedelta(hours=zone[0]), zone[1])
    day = (2024, 10, 27) if kind is dt.datetime else ()
    return kind(*day, 2, 30, 0, tzinfo=tzinfo, **clock)


FAMILIES = {
    "objects": Family(
        shown,
        {
            "kind": st.sampled_from([Plain, Data]),
            "size": NUMBERS,
            "more": NUMBERS,
            "note": UNSET | NUMBERS,
        },
    ),
    "objects with slots": Family(
        shown,
        {
            "kind": st.just(SubPlain),
            "size": NUMBERS,
            "slot": UNSET | NUMBERS,
        },
    ),
    "lists": Family(
        lambda items, **attributes: with_attributes(Items(items), attributes),
        {"items": st.lists(NUMBERS | NAMES, max_size=3), "note": UNSET | NUMBERS},
    ),
    "namespaces": Family(lambda items: SimpleNamespace(**items), {"items": ITEMS}),
    "partials": Family(
        lambda kind, function, args, keywords, **attributes: with_attributes(
            kind(function, *args, **keywords), attributes
        ),
        {
            "kind": st.sampled_from([functools.partial, Part]),
            "function": st.sampled_from([max, min]),
            "args": st.lists(NUMBERS, max_size=2),
            "keywords": st.dictionaries(st.sampled_from("ab"), NUMBERS, max_size=2),
            "note": UNSET | NUMBERS,
        },
    ),
    "times": Family(
        time,
        {
            "kind": st.sampled_from([dt.datetime, dt.time]),
            "zone": ZONES,
            "fold": st.integers(0, 1),
            "microsecond": NUMBERS,
        },
    ),
    "UUIDs": Family(
        lambda number, safe: uuid.UUID(int=number, is_safe=safe),
        {"number": NUMBERS, "safe": st.sampled_from(list(uuid.SafeUUID))},
    ),
    "queues": Family(
        collections.deque,
        {"iterable": st.lists(NUMBERS, max_size=2), "maxlen": st.sampled_from([None, 2, 3])},
    ),
    "default dicts": Family(
        lambda factory, items: collections.defaultdict(factory, items),
        {"factory": st.sampled_from([None, list, dict]), "items": ITEMS},
    ),
    "errors of the system": Family(
        error,
        {
            "kind": st.sampled_from([OSError, ImportError]),
            "args": st.lists(NUMBERS, min_size=2, max_size=2),
            "note": UNSET | NUMBERS,
        },
        lost=("copy",),
    ),
}


@pytest.mark.parametrize("name", FAMILIES)
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_each_single_change_counts(name, data):
    one_change.check(FAMILIES[name], data)
