"""The part of the suite of metadata stores that is about leases."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar, TypeVar

import pytest
from beautyspot.contracts import Beginning, Invalidation, Lease, MetadataStoreBase, in_full
from beautyspot.errors import NotSupportedError

from beautyspot_testing.records import HOSTILE_KEYS, KEYS, a_record
from beautyspot_testing.shared import Child, Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds after which a test gives up."""


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
            for take in (store.try_lease, store.begin):
                with pytest.raises(NotSupportedError):
                    take(KEYS[0])

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

    # --------------------------------------------------------------------------- to begin a call

    def test_to_begin_takes_the_lease(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        before = store.now()
        begun = store.begin(KEYS[0])
        after = store.now()
        assert isinstance(begun, Beginning)
        assert isinstance(begun.lease, Lease)
        assert begun.found is None, "nothing is stored"
        assert before <= begun.now <= after, "what `now` gives"
        assert store.begin(KEYS[0]) is None, "a key has one lease at a time"
        assert store.try_lease(KEYS[0]) is None
        begun.lease.release()
        _take(store, KEYS[0], "a released key is free").release()

    def test_to_begin_tells_what_is_stored(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        for record in (a_record(KEYS[0]), a_record(KEYS[1], expires_at=2.0**33)):
            store.put(record)
            begun = _begun(store, record.cache_key)
            found = store.find(record.cache_key)
            assert begun.found is not None
            assert found is not None
            assert in_full(begun.found) == in_full(found), "what `find` gives"
            begun.lease.release()

    def test_to_begin_tells_the_generation(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        if not type(store).invalidations:
            begun = _begun(store, KEYS[0])
            assert begun.generation == 0
            begun.lease.release()
            return
        for _ in "12":
            begun = _begun(store, KEYS[0])
            assert begun.generation == store.generation()
            begun.lease.release()
            store.note_invalidation(Invalidation(cache_key=KEYS[1]))

    @pytest.mark.parametrize("key", HOSTILE_KEYS, ids=range(len(HOSTILE_KEYS)))
    def test_any_key_may_be_begun(self, store: MetadataStoreBase, key: str) -> None:
        self._needs("leases")
        store.put(a_record(key))
        begun = _begun(store, key)
        assert begun.found is not None
        assert list(store.leased([key])) == [key]
        begun.lease.release()

    def test_many_are_begun_but_for_what_others_have(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        store.put_many([a_record(KEYS[0]), a_record(KEYS[1])])
        held = _take(store, KEYS[1], "nobody has it")
        begun = store.begin_many(KEYS[:3])
        assert set(begun) == {KEYS[0], KEYS[2]}
        assert begun[KEYS[0]].found is not None
        assert begun[KEYS[2]].found is None
        assert not store.begin_many(KEYS[:3]), "others have all of them by now"
        for each in (held, *[beginning.lease for beginning in begun.values()]):
            each.release()
        assert not store.begin_many([])
        assert not store.leased(KEYS[:3])

    def test_a_put_leaves_the_key_to_the_next(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        begun = _begun(store, KEYS[0])
        assert store.put_valid(a_record(KEYS[0], began_at=begun.now), begun.generation)
        assert not store.renew([begun.lease]), "what was released with the row was not lost"
        begun.lease.release()
        again = _begun(store, KEYS[0])
        assert again.found is not None
        begun.lease.release()
        assert store.try_lease(KEYS[0]) is None, "a second release must not free the next holder's"
        again.lease.release()

    def test_puts_leave_their_keys_to_the_next(self, store: MetadataStoreBase) -> None:
        self._needs("leases")
        begun = store.begin_many(KEYS[:3])
        rows = [(a_record(key, began_at=one.now), one.generation) for key, one in begun.items()]
        assert not store.put_many_valid(rows)
        assert not store.renew([one.lease for one in begun.values()])
        for one in begun.values():
            one.lease.release()
        assert not store.leased(KEYS[:3])

    # ------------------------------------------------------------------------ what is leased now

    def test_what_is_leased_is_told(self, store: MetadataStoreBase, tmp_path: Path) -> None:
        self._needs("leases")
        assert not store.leased(KEYS)
        assert not store.leased([])
        leases = [_take(store, key, "nobody has it") for key in KEYS[3:6]]
        asking = self.make(tmp_path) if self.persistent else store
        assert set(asking.leased(KEYS)) == set(KEYS[3:6]), "by whomever"
        for lease in leases:
            lease.release()
        assert not asking.leased(KEYS)
        if asking is not store:
            asking.close()

    def test_what_is_released_is_told(self, store: MetadataStoreBase, tmp_path: Path) -> None:
        self._needs("leases")
        if store.next_releases(0.0) is None:
            pytest.skip("the store can't tell")
        other = self.make(tmp_path)
        leases = [_take(other, key, "nobody has it") for key in (*KEYS[:3], *HOSTILE_KEYS)]
        assert not store.begin_many([*KEYS[:3], *HOSTILE_KEYS]), "calls wait from here on"
        for lease in leases[1:]:
            lease.release()
        heard = _heard(store, len(leases) - 1)
        assert heard == {*KEYS[1:3], *HOSTILE_KEYS}, "released, and no other"
        store.stop_listening()
        assert store.next_releases(0.0) is not None, "it may listen again"
        begun = _begun(other, KEYS[1])
        assert store.begin(KEYS[1]) is None
        other.put_valid(a_record(KEYS[1], began_at=begun.now), begun.generation)
        begun.lease.release()
        leases[0].release()
        assert _heard(store, 2) == {KEYS[0], KEYS[1]}, "released with a row, too"
        store.stop_listening()
        other.close()

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


def _begun(store: MetadataStoreBase, key: str) -> Beginning:
    begun = store.begin(key)
    assert begun is not None, "nobody has the lease"
    return begun


def _heard(store: MetadataStoreBase, count: int) -> set[str]:
    """What the store tells, until so many keys are released."""
    heard: set[str] = set()
    deadline = time.monotonic() + PATIENCE
    while len(heard) < count and time.monotonic() < deadline:
        heard.update(store.next_releases(1.0) or ())
    return heard


def _take(store: MetadataStoreBase, key: str, why: str) -> Lease:
    lease = store.try_lease(key)
    assert lease is not None, why
    return lease
