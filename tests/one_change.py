"""Values that differ in exactly one thing that a function can see, made from a table of parts."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from beautyspot.keys.generator import canonical
from hypothesis import assume
from hypothesis import strategies as st

ROUND_TRIPS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}


@dataclass(frozen=True)
class Family:
    """Values of one kind.

    Args:
        build: makes a value of its parts, given by keyword.
        parts: the name of each part, and what it may be; two parts are equal if they compare so.
        lost: round trips after which a value is another one.
    """

    build: Callable[..., Any]
    parts: Mapping[str, st.SearchStrategy[Any]]
    lost: tuple[str, ...] = field(default=())


def check(family: Family, data: Any, canonical: Callable[[Any], str] = canonical) -> None:
    """Require one text for equal values, and another one where a single part is another."""
    parts = data.draw(st.fixed_dictionaries(dict(family.parts)))
    name = data.draw(st.sampled_from(sorted(parts)))
    other = {**parts, name: data.draw(family.parts[name])}
    assume(other[name] != parts[name])
    value = family.build(**parts)
    text = canonical(value)
    assert canonical(family.build(**parts)) == text
    assert canonical(family.build(**other)) != text
    for trip in ROUND_TRIPS.keys() - set(family.lost):
        assert canonical(ROUND_TRIPS[trip](value)) == text, trip
