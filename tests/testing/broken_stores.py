"""A store in a dict, and copies of it that are broken on purpose: the suites have to find each.

`tests/testing/test_suites.py` runs the suites against these.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.contracts.key_value import KeyValueStore
from beautyspot.contracts.row_bytes import row_in
from beautyspot.contracts.selection import rank_of
from beautyspot.errors import MetadataError
from beautyspot_testing.key_value import KeyValueStoreContract
from beautyspot_testing.store import ShortLeaseContract

if TYPE_CHECKING:
    from pathlib import Path

PLACES: dict[str, dict[str, bytes]] = {}
LOCK = threading.RLock()


class DictStore(KeyValueStore):
    """Sound."""

    name = "dict"
    lease_time = 0.3
    found_by: ClassVar[str]
    """The test of the suite that has to find what is wrong with a copy."""

    def __init__(self, place: dict[str, bytes]) -> None:
        self._place: dict[str, bytes] | None = place

    def _open(self) -> dict[str, bytes]:
        if self._place is None:
            raise MetadataError("the store is closed: make a new one")
        return self._place

    def read(self, name: str) -> tuple[bytes, bytes] | None:
        data = self._open().get(name)
        return None if data is None else (data, data)

    def write(self, name: str, data: bytes, expected: Any) -> Any:
        with LOCK:
            if self._open().get(name) != expected:
                return None
            self._open()[name] = data
            return data

    def remove(self, name: str, expected: Any) -> bool:
        with LOCK:
            if expected is None or self._open().get(name) != expected:
                return False
            del self._open()[name]
            return True

    def names(self, prefix: str, after: str, limit: int) -> list[str]:
        with LOCK:
            names = sorted(self._open())
        return [name for name in names if name.startswith(prefix) and name > after][:limit]

    def close(self) -> None:
        self._place = None


# ------------------------------------------------------------------------------------------- rows


class LosesRows(DictStore):
    found_by = "test_many_are_found_at_once"

    def put(self, rows: Any) -> set[str]:
        return super().put([row for row in rows if not row.record.cache_key.endswith("3")])


class TearsRows(DictStore):
    found_by = "test_large_data_come_back"

    def write(self, name: str, data: bytes, expected: Any) -> Any:
        cut = name.startswith("r/") and len(data) > 700
        return super().write(name, data[: len(data) // 2] if cut else data, expected)


class ForgetsPrices(DictStore):
    found_by = "test_any_record_comes_back"

    def put(self, rows: Any) -> set[str]:
        return super().put([row._replace(record=row.record._replace(price=None)) for row in rows])


class DeletesWhatItDidNotSee(DictStore):
    found_by = "test_what_was_seen_is_removed_and_nothing_else"

    def delete(self, rows: Any) -> set[str]:
        present = {key: self.get(key) for key in rows}
        return super().delete({key: row.made_at for key, row in present.items() if row})


# --------------------------------------------------------------------------- which result stays


class LetsOlderWin(DictStore):
    found_by = "test_an_older_result_never_replaces_a_newer_one"

    def put(self, rows: Any) -> set[str]:
        late = [row._replace(record=row.record._replace(began_at=None)) for row in rows]
        return super().put(late)


# ------------------------------------------------------------------------------ invalidations


class ForgetsInvalidations(DictStore):
    found_by = "test_what_was_invalidated_while_it_ran_is_not_stored"

    def put(self, rows: Any) -> set[str]:
        return super().put([row._replace(covers=()) for row in rows])


class LooksBeforeItWritesAlone(DictStore):
    found_by = "test_any_history_holds"
    looked: Any = None

    def put(self, rows: Any) -> set[str]:
        self.looked = super()._covers()
        try:
            return super().put(rows)
        finally:
            self.looked = None

    def _covers(self) -> dict[str, Any]:
        return self.looked or super()._covers()


class SweepsMarkers(DictStore):
    found_by = "test_sweeping_leaves_what_is_needed"

    def sweep(self, older_than: float, *, dry_run: bool = False) -> int:
        with LOCK:
            dead = [name for name, data in self._open().items() if row_in("", data).dead]
            for name in dead if not dry_run else ():
                del self._open()[name]
        return len(dead)


# ------------------------------------------------------------------------------------- leases


class HasTwoHolders(DictStore):
    found_by = "test_one_token_at_a_time_has_a_lease"

    def _lease(self, key: str, token: str, **options: Any) -> Any:
        found = self.read(f"l/{key}")
        if found is not None:
            self.remove(f"l/{key}", found[1])
        return super()._lease(key, token, **options)


class NeverLetsGo(DictStore):
    found_by = "test_a_lease_that_is_renewed_stays_and_falls_then"
    lease_time = 0.05

    def _lease(self, key: str, token: str, **options: Any) -> Any:
        self.lease_time = 1e9
        try:
            return super()._lease(key, token, **options)
        finally:
            self.lease_time = type(self).lease_time


class KeepsTheLeaseOfWhatItStored(DictStore):
    found_by = "test_a_put_releases_the_lease_of_its_token"

    def _end(self, put: Any) -> None:
        """Nothing."""


class RejectsNothing(DictStore):
    found_by = "test_a_row_is_rejected_as_it_was_seen"

    def begin(self, keys: Any, token: str, *, rejected: Any = None) -> Any:
        return super().begin(keys, token)


class ReleasesOthers(DictStore):
    found_by = "test_nobody_else_releases_a_lease"

    def release(self, keys: Any, token: str) -> None:
        super().release(keys, token)
        for key in keys:
            if (found := self.read(f"l/{key}")) is not None:
                self.remove(f"l/{key}", found[1])


class NeverRenews(DictStore):
    found_by = "test_a_lease_that_is_renewed_stays_and_falls_then"

    def renew(self, keys: Any, token: str) -> set[str]:
        return set()


# ------------------------------------------------------------------------------------ listings


class SkipsRows(DictStore):
    found_by = "test_rows_come_in_the_order_of_their_keys"

    def names(self, prefix: str, after: str, limit: int) -> list[str]:
        names = super().names(prefix, after, limit)
        return names[:-2] + names[-1:] if len(names) == 7 else names


class RepeatsNames(DictStore):
    found_by = "test_rows_come_in_the_order_of_their_keys"

    def names(self, prefix: str, after: str, limit: int) -> list[str]:
        with LOCK:
            names = sorted(self._open())
        return [
            name for name in names if name.startswith(prefix) and name >= after and name != prefix
        ][:limit]


class LeavesOutRows(DictStore):
    found_by = "test_a_listing_is_filtered_and_sorted"

    def select(self, where: Any, order: Any, after: Any, limit: int) -> Any:
        rows = [row for row in self.all_rows() if where.covers(row) and row.size != 5]
        rows = sorted(rows, key=lambda row: rank_of(row, order))
        return [row for row in rows if after is None or rank_of(row, order) > after][:limit]


# --------------------------------------------------------------------------- the four operations


class WritesWhateverIsThere(DictStore):
    found_by = "test_bytes_are_replaced_only_where_they_are_expected"

    def write(self, name: str, data: bytes, expected: Any) -> Any:
        self._open()[name] = data
        return data


class ChangesWhileLooking(DictStore):
    found_by = "test_looking_changes_nothing"

    def _check_may_change(self) -> None:
        """Nothing."""


BROKEN = DictStore.__subclasses__()


class Suite(KeyValueStoreContract, ShortLeaseContract):
    """Both suites, for the store that `cls` names."""

    cls: type[DictStore] = DictStore

    def make(self, tmp_path: Path) -> DictStore:
        return self.cls(PLACES.setdefault(str(tmp_path), {}))
