"""The part of the suite of metadata stores that is about leases which fall unless renewed."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest

from beautyspot_testing.metadata_leases import PATIENCE, LeaseContract
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beautyspot.contracts import Lease, MetadataStoreBase


class FallingContract(LeaseContract):
    """What a store must do whose leases hold for a time; part of `MetadataStoreContract`.

    Such a store states its `lease_time`. Give the suite `make_brief` as well.
    """

    def make_brief(self, tmp_path: Path) -> MetadataStoreBase | None:
        """As `make`, at a place of its own, but its leases hold for a fraction of a second.

        None, as here, where the leases of the store hold as long as their process lives.
        """
        del tmp_path
        return None

    def lapse(self, store: MetadataStoreBase) -> None:
        """Let a fifth of a lease's time pass. Override it where a test sets the store's clock."""
        time.sleep(store.lease_time / 5)

    @pytest.fixture
    def brief(self, tmp_path: Path) -> Iterator[MetadataStoreBase]:
        """An open store whose leases fall soon, closed afterwards."""
        self._needs("leases")
        store = self.make_brief(tmp_path)
        if store is None:
            pytest.skip("its leases hold as long as their process lives")
        store.open()
        yield store
        store.close()

    def test_for_how_long_a_lease_holds(self, store: MetadataStoreBase, tmp_path: Path) -> None:
        self._needs("leases")
        assert store.lease_time > 0
        brief = self.make_brief(tmp_path)
        assert (brief is None) == (store.lease_time == math.inf), "`make_brief` is to say so, too"
        if brief is not None:
            brief.close()

    def test_leases_that_may_fall_have_tokens(self, brief: MetadataStoreBase) -> None:
        leases = [_taken(brief, key) for key in KEYS[:3]]
        leases[0].release()
        leases.append(_taken(brief, KEYS[0]))
        assert all(lease.token for lease in leases)
        assert len({lease.token for lease in leases}) == 4, "each has had another one"

    def test_a_lease_falls_unless_it_is_renewed(self, brief: MetadataStoreBase) -> None:
        kept, left = _taken(brief, KEYS[0]), _taken(brief, KEYS[1])
        deadline = time.monotonic() + PATIENCE
        while brief.leased([KEYS[1]]):
            assert not brief.renew([kept]), "it was renewed in time"
            self.lapse(brief)
            assert time.monotonic() < deadline, "it has to fall"
        assert list(brief.leased(KEYS)) == [KEYS[0]]
        assert [*brief.renew([kept, left])] == [left], "what fell was lost"
        kept.release()
        left.release()

    def test_a_lease_that_was_lost_leaves_its_successor(self, brief: MetadataStoreBase) -> None:
        lost = self._fallen(brief)
        next_one = _taken(brief, KEYS[0])
        assert [*brief.renew([lost])] == [lost], "it must not take the lease back"
        lost.release()
        assert brief.try_lease(KEYS[0]) is None, "the lease of the next holder stays"
        next_one.release()

    def test_the_row_of_a_lost_lease_is_stored(self, brief: MetadataStoreBase) -> None:
        generation = brief.generation() if type(brief).invalidations else 0
        began = brief.now()
        lost = self._fallen(brief)
        next_one = brief.begin(KEYS[0])
        assert next_one is not None
        assert brief.put_valid(a_record(KEYS[0], began_at=began), generation), "it was paid for"
        lost.release()
        next_one.lease.release()
        assert brief.find(KEYS[0]) is not None

    def _fallen(self, brief: MetadataStoreBase) -> Lease:
        """A lease that was lost."""
        lease = _taken(brief, KEYS[0])
        deadline = time.monotonic() + PATIENCE
        while brief.leased([KEYS[0]]):
            self.lapse(brief)
            assert time.monotonic() < deadline, "it has to fall"
        return lease


def _taken(store: MetadataStoreBase, key: str) -> Lease:
    lease = store.try_lease(key)
    assert lease is not None, "nobody has it"
    return lease
