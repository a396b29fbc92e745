"""What a backend that lacks an ability says, and errors on their way to other processes."""

from __future__ import annotations

import pickle

import beautyspot as bs
import pytest


class Bare(bs.MetadataStoreBase):
    """A store that keeps nothing, and has no ability."""

    name = "bare"
    store_id = "0123456789abcdef"

    def get(self, key):
        return None

    def put(self, record):
        pass

    def delete(self, key):
        return False

    def scan(self, **filters):
        return iter(())


def test_a_store_without_counts_says_so() -> None:
    store = Bare()
    with pytest.raises(bs.NotSupportedError, match="bare"):
        store.add_counts([bs.Counts("app:f", 1)])
    with pytest.raises(bs.NotSupportedError, match="bare"):
        list(store.counts())
    assert store.function_totals() == []
    assert store.page() == bs.Page([], None)
    assert store.for_looking() is store


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
