"""The store that looks at what is in the bucket as it is, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from beautyspot.errors import MetadataError, NotSupportedError

from beautyspot_s3.reading import S3Reader
from beautyspot_s3.table import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beautyspot.contracts import Counts, TaskRecord


class LookingStore(S3Reader):
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
            raise MetadataError("the store has no ID yet: a Spot that uses it gives it one")
        return table.store_id

    def put(self, record: TaskRecord) -> None:
        """Refused, as every change."""
        del record
        self._refuse()

    def delete(self, key: str) -> bool:
        """Refused."""
        del key
        self._refuse()

    def touch(self, used: Mapping[str, float]) -> None:
        """Refused."""
        del used
        self._refuse()

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """Refused."""
        del counts
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotSupportedError(
            "the store was opened to look at it, and is not changed: take the store itself, not "
            "what its `for_looking()` gave"
        )
