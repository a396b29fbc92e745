"""`S3Leasing`: the part of a metadata store in a bucket that gives leases."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.contracts import Beginning, Lease

from beautyspot_s3 import rows
from beautyspot_s3.conditions import Conditions
from beautyspot_s3.leases import LeaseKeeper
from beautyspot_s3.listing import beginning_of
from beautyspot_s3.putting import Putter
from beautyspot_s3.reading import LARGE, S3Reader
from beautyspot_s3.several import side_by_side

if TYPE_CHECKING:
    from collections.abc import Collection

    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Found
    from beautyspot_s3.place import Place


class S3Leasing(S3Reader):
    """A store that gives leases, as `leases` describes.

    Args:
        place, names, timeout: as `S3Reader` has them.
        lease_time: seconds for which a lease holds.
    """

    leases: ClassVar[bool] = True
    pause_per_key = 0.02

    def __init__(self, place: Place, names: Names, timeout: float, lease_time: float) -> None:
        super().__init__(place, names, timeout)
        self.lease_time = lease_time
        conditions = Conditions(self._objects, names, self._where)
        self._keeper = LeaseKeeper(
            self._objects, names, conditions, self._clock, lease_time, self._translated
        )
        self._putter = Putter(self._objects, names, self._meta, self._latest, self._keeper.end)

    def _latest(self) -> float:
        """The most that the server's clock may show."""
        told = self._clock.latest()
        return self.now() if told is None else told

    def try_lease(self, key: str) -> Lease | None:
        """Write its object; see the base class."""
        return self._asked(lambda: self._keeper.take(key))

    def begin(self, key: str) -> Beginning | None:
        """Take the lease, and look then, side by side; see the base class."""
        return self.begin_many([key]).get(key)

    def begin_many(self, keys: Collection[str]) -> dict[str, Beginning]:
        """The same for several keys; see the base class."""
        return self._asked(lambda: self._begun(list(dict.fromkeys(keys))))

    def _begun(self, keys: list[str]) -> dict[str, Beginning]:
        leases = self._keeper.take_all(keys)
        if not leases:
            return {}
        try:
            questions: list[Any] = [self._meta.now]
            questions += [partial(self._looked, key, len(keys) == 1) for key in leases]
            table, *found = side_by_side(lambda question: question(), questions)
            now = self.now()  # what is seen was there before it, and is older
        except BaseException:
            self._keeper.release_all(leases.values())
            raise
        begun: dict[str, Beginning] = {}
        for (key, lease), one in zip(leases.items(), found, strict=True):
            self._putter.begin(key, one, now)
            row = self._read(key, one)
            seen = None if row is None else rows.found(row)
            begun[key] = Beginning(lease, seen, table.generation, now)
        return begun

    def _looked(self, key: str, whole: bool) -> Found | None:
        """What stands in the place of a row; of many, without large data."""
        name = self._names.row(key)
        return self._objects.get(name) if whole else beginning_of(self._objects, name, LARGE)

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Write their objects anew, side by side; see the base class."""
        return self._asked(lambda: self._keeper.renew(leases))

    def leased(self, keys: Collection[str]) -> set[str]:
        """Read their objects, side by side; see the base class."""
        return self._asked(lambda: self._keeper.leased(keys))

    def lease_holder(self, key: str) -> str:
        """As its object says; see the base class."""
        return self._asked(lambda: self._keeper.holder(key))
