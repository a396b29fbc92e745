"""The store that looks at what is in the bucket as it is, and changes nothing."""

from __future__ import annotations

from beautyspot.contracts import OnlyLooking

from beautyspot_s3.names import namespace_of
from beautyspot_s3.reading import S3Reader
from beautyspot_s3.table import DamagedError


class LookingStore(OnlyLooking, S3Reader):
    """Reads what is in the bucket; see the module."""

    def open(self) -> None:
        """See whether the bucket can be read, and what the store says of itself."""
        try:
            self._translated(self._meta.look)
        except DamagedError:
            self.damaged = True  # the rows may be there all the same
        self._is_open = True

    @property
    def store_id(self) -> str:
        """The ID in the bucket; there is none before a Spot has used the store."""
        table = self._asked(self._meta.look)
        if table is None:
            found = self._asked(lambda: self._objects.folders(self._names.stores, most=1000))
            raise self._has_no_id(map(namespace_of, found), self._names.namespace)
        return table.store_id
