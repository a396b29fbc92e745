"""Rows of a store, for tests: put as they are, whatever is there."""

from __future__ import annotations

import os

from beautyspot.contracts import MetadataStoreBase, TaskRecord
from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put

LATER = 2**62
"""A `since` after every invalidation."""


def put_rows(store: MetadataStoreBase, *records: TaskRecord) -> None:
    """Put rows in place of what is there, be that newer or not."""
    for record in records:
        found = store.get(record.cache_key)
        if found is not None:
            store.delete({found.cache_key: found.made_at})
        refused = store.put([Put(record, covers_of(record), LATER)])
        assert not refused, refused


def remove_row(store: MetadataStoreBase, key: str) -> None:
    """Remove a row, whatever it is."""
    found = store.get(key)
    assert found is not None
    assert store.delete({key: found.made_at})


def is_leased(store: MetadataStoreBase, key: str) -> bool:
    """Whether somebody else holds the lease of a key now."""
    token = "f" * 32
    leased = store.begin([key], token, rejected={key: float("inf")}).leased
    store.release(leased, token)
    return key not in leased


class HeldLease:
    """The lease of a key, whose holder is nobody of the program.

    Args:
        store: gives it; it must be free.
        key: of a call.
    """

    def __init__(self, store: MetadataStoreBase, key: str) -> None:
        self._store, self._key, self._token = store, key, os.urandom(16).hex()
        begun = store.begin([key], self._token, rejected={key: float("inf")})
        assert key in begun.leased

    def release(self) -> None:
        self._store.release([self._key], self._token)
