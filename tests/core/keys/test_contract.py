"""Our key generators keep the contract."""

from __future__ import annotations

from types import NoneType
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.generator import KeyGen
from beautyspot_testing.keygen import KeyGenContract


class TestKeyGen(KeyGenContract):
    def make(self):
        return KeyGen()


class Picky(KeyGen):
    """Takes what every generator takes, and refuses the rest."""

    def canonical(self, value):
        if type(value) not in (NoneType, bool, int, float, str, list, tuple, dict):
            raise UnstableKeyError("refused", path="value")
        return super().canonical(value)


class TestPicky(KeyGenContract):
    def make(self):
        return Picky()

    def source(self):
        return None


class ByType(bs.KeyGenBase):
    """Tells values apart by their types and lengths alone."""

    name = "by type"

    def canonical(self, value: Any) -> str:
        if type(value) is object:
            raise UnstableKeyError("value is an object: leave it out", path="value")
        return f"{type(value).__name__} {len(value) if hasattr(value, '__len__') else ''}"


def size(items, more="ab"):
    items.append(0) if items == [0] else None
    return len(items)


def test_what_another_key_generation_says_is_what_counts(make_spot, caplog):
    spot = make_spot(keygen=ByType)
    marked = spot.mark(size)
    assert [marked([1]), marked([2]), marked([1, 2]), marked([3], more="cd")] == [1, 1, 2, 1]
    assert [marked("ab"), marked("cd")] == [2, 2]
    assert (spot.stats()["hits"], spot.stats()["entries"]) == (3, 3)
    assert spot.explain(marked, [1, 2, 3]).differs == ("argument items",)
    assert spot.mark(added={"more": "xy"})(size)([1]) == 1
    assert spot.stats()["entries"] == 4, "the key without the parameter"
    assert spot.mark(key=lambda items, more="": (items, more))(size)([5]) == 1
    assert not caplog.records


def test_what_it_says_may_not_change_while_the_function_runs(make_spot, caplog):
    spot = make_spot(keygen=ByType)
    assert [spot.mark(size)([0]), spot.mark(size)([0])] == [2, 2]
    assert spot.stats()["entries"] == 0
    assert "`items` changed while `size` ran" in caplog.text


def test_its_refusal_names_the_argument(make_spot, caplog):
    spot = make_spot(keygen=ByType)
    assert spot.mark(lambda items: 1)(object()) == 1
    assert 'if no result depends on items, write mark(ignore=("items",))' in caplog.text
    with pytest.raises(UnstableKeyError) as refused:
        spot.key(spot.mark(size), object())
    assert refused.value.path == "items"


def test_code_in_arguments_counts_with_version_auto(make_spot):
    marked = make_spot(keygen=ByType).mark(version="auto")(lambda function, x: function(x))
    assert [marked(lambda x: x + 1, 1), marked(lambda x: x + 2, 1)] == [2, 3]
