"""The part of the suite of metadata stores that is about leases."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar, TypeVar

import pytest

from beautyspot.contracts import Lease, MetadataStoreBase
from beautyspot.errors import NotSupportedError
from beautyspot.testing.processes import Child
from beautyspot.testing.records import HOSTILE_KEYS, KEYS
from beautyspot.testing.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")


class LeaseContract(Switches):
    """What the leases of a metadata store must do; part of `MetadataStoreContract`.

    Class attributes:
        leases: whether `try_lease` works.
        persistent: whether a second `make` with one `tmp_path` returns another instance for the
            same place, which keeps its records while no instance exists.
        shared_between_processes: whether other processes may use the place at the same time. If
            so, define `source`.
    """

    leases: ClassVar[bool] = True
    persistent: ClassVar[bool] = True
    shared_between_processes: ClassVar[bool] = True

    def make(self, tmp_path: Path) -> MetadataStoreBase:
        """A store with a place of its own for each `tmp_path`; it is not open yet."""
        raise NotImplementedError("return the store to test")

    def source(self, tmp_path: Path) -> str:
        """Python source that makes the same store and calls it `store`, for another process."""
        raise NotImplementedError("return the source that makes it")

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[MetadataStoreBase]:
        """An open store, closed afterwards."""
        store = self.make(tmp_path)
        store.open()
        yield store
        store.close()

    def test_a_lease_excludes(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        lease = store.try_lease(KEYS[0])
        assert isinstance(lease, Lease)
        assert store.try_lease(KEYS[0]) is None, "a key has one lease at a time"
        other = _take(store, KEYS[1], "another key is free")
        lease.release()
        again = _take(store, KEYS[0], "a released key is free")
        lease.release()
        assert store.try_lease(KEYS[0]) is None, "a second release must not free the next holder's"
        again.release()
        other.release()

    def test_as_many_leases_as_it_says_are_held_at_once(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        assert store.most_leases >= 1
        keys = [f"{number:032x}" for number in range(store.most_leases)]
        leases = [_take(store, key, "another key is free") for key in keys]
        assert all(store.try_lease(key) is None for key in keys[:3])
        for lease in leases:
            lease.release()

    @pytest.mark.parametrize("key", HOSTILE_KEYS, ids=range(len(HOSTILE_KEYS)))
    def test_any_key_may_be_leased(self, store: MetadataStoreBase, key: str) -> None:
        self._needs("leases")
        lease = _take(store, key, "any text is a key")
        assert store.try_lease(key) is None
        lease.release()

    def test_a_lease_excludes_other_instances(
        self, store: MetadataStoreBase, tmp_path: Path
    ) -> None:
        self._needs("leases", "persistent")
        other = self.make(tmp_path)
        lease = _take(store, KEYS[0], "no instance holds it")
        assert other.try_lease(KEYS[0]) is None
        lease.release()
        taken = _take(other, KEYS[0], "the first instance released it")
        assert store.try_lease(KEYS[0]) is None
        taken.release()
        other.close()

    def test_of_many_threads_one_gets_the_lease(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        barrier = threading.Barrier(8)

        def work(_: int) -> list[Lease]:
            barrier.wait()
            leases = [store.try_lease(key) for key in KEYS]
            return [lease for lease in leases if lease is not None]

        with ThreadPoolExecutor(8) as pool:
            leases = [lease for taken in pool.map(work, range(8)) for lease in taken]
        assert len(leases) == len(KEYS), "each key has one holder"
        for lease in leases:
            lease.release()

    def test_a_store_without_leases_says_so(self, store: MetadataStoreBase) -> None:
        assert type(store).leases is self.leases
        if not self.leases:
            with pytest.raises(NotSupportedError):
                store.try_lease(KEYS[0])

    def test_a_lease_falls_when_its_process_is_killed(
        self, store: MetadataStoreBase, tmp_path: Path
    ) -> None:
        self._needs("leases", "shared_between_processes")
        code = f"lease = store.try_lease({KEYS[0]!r}); assert lease; say('held'); wait()"
        with self.process(tmp_path, code) as child:
            assert child.heard() == "held"
            assert store.try_lease(KEYS[0]) is None, "another process holds it"
            child.kill()
            lease = _soon(store, lambda: store.try_lease(KEYS[0]))
            assert lease is not None, "the lease of a dead process is free"
            lease.release()

    def test_who_holds_a_lease_is_a_text(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        lease = _take(store, KEYS[0], "no instance holds it")
        assert isinstance(store.lease_holder(KEYS[0]), str)
        lease.release()
        assert store.lease_holder(KEYS[0]) == ""

    def test_waits_are_told_to_other_instances(
        self, store: MetadataStoreBase, tmp_path: Path
    ) -> None:
        self._shares_waits(store)
        other = self.make(tmp_path)
        assert _shared(other, {}) == {}
        assert _shared(store, {KEYS[0]: {KEYS[1], KEYS[2]}}) == {}, "its own are no others'"
        assert _shared(other, {KEYS[3]: set(HOSTILE_KEYS)}) == {KEYS[0]: {KEYS[1], KEYS[2]}}
        assert _shared(store, {KEYS[4]: {KEYS[5]}}) == {KEYS[3]: set(HOSTILE_KEYS)}
        assert _shared(other, {}) == {KEYS[4]: {KEYS[5]}}, "the last that it told, and no more"
        assert _shared(store, {}) == {}
        assert _shared(other, {}) == {}
        other.close()

    def test_waits_of_a_process_that_is_killed_are_forgotten(
        self, store: MetadataStoreBase, tmp_path: Path
    ) -> None:
        self._shares_waits(store)
        code = f"store.share_waits({{{KEYS[0]!r}: [{KEYS[1]!r}]}}); say('told'); wait()"
        with self.process(tmp_path, code) as child:
            assert child.heard() == "told"
            assert _shared(store, {}) == {KEYS[0]: {KEYS[1]}}
            child.kill()
            assert _soon(store, lambda: not _shared(store, {}))

    def _shares_waits(self, store: MetadataStoreBase) -> None:
        self._needs("leases", "persistent", "shared_between_processes")
        if type(store).share_waits is MetadataStoreBase.share_waits:
            pytest.skip("the store has no `share_waits`")

    def process(self, tmp_path: Path, code: str) -> Child:
        """A process that runs `code` on a store of the same place."""
        return Child(f"{self.source(tmp_path)}\n{code}")


def _shared(store: MetadataStoreBase, waits: dict[str, set[str]]) -> dict[str, set[str]]:
    return {key: set(held) for key, held in store.share_waits(waits).items()}


def _soon(store: MetadataStoreBase, ask: Callable[[], T]) -> T:
    """What `ask` gives as soon as it is something; at the latest after two lease times."""
    ends = time.monotonic() + (2 * store.lease_time if math.isfinite(store.lease_time) else 0.0)
    while not (answer := ask()) and time.monotonic() < ends:
        time.sleep(min(0.05, store.lease_time / 10))  # nothing tells when a dead one's lease falls
    return answer


def _take(store: MetadataStoreBase, key: str, why: str) -> Lease:
    lease = store.try_lease(key)
    assert lease is not None, why
    return lease
