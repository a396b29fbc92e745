"""What a backend that lacks an ability says, and errors on their way to other processes."""

from __future__ import annotations

import pickle

import beautyspot as bs
import pytest
from beautyspot.contracts.records import found_in
from core.inspecting.stored import DictStore, row
from rows import put_rows


def test_a_store_of_primitives_alone_has_the_rest_of_the_base_class() -> None:
    store = DictStore()
    put_rows(store, row(1), row(2))
    assert [each.cache_key for each in store.all_rows()] == [row(1).cache_key, row(2).cache_key]
    assert [each.entries for each in store.function_totals()] == [2]
    assert store.find_many([row(1).cache_key, "f" * 32]) == {row(1).cache_key: found_in(row(1))}
    store.touch({row(1).cache_key: 1.0})
    store.add_counts([bs.Counts("app:f", 1)])
    store.remark({"unit": "USD"})
    assert (store.counters, list(store.counts()), dict(store.remarks())) == (False, [], {})
    assert (store.sweep(0), store.own_storage()) == (0, None)


def test_types_that_can_not_be_stored_say_so() -> None:
    class Keys(bs.TypeSupport):
        name = "keys"
        classes = ("x:Y",)

        def key(self, value: object) -> object:
            return 1

    with pytest.raises(bs.NotSupportedError, match="keys"):
        Keys().decode(1)


def test_an_error_keeps_its_candidates_in_another_process() -> None:
    error = pickle.loads(pickle.dumps(bs.RecordNotFound("several", candidates=("a", "b"))))
    assert str(error) == "several"
    assert error.candidates == ("a", "b")
