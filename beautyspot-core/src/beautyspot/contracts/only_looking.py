"""A metadata store that is only looked at: what `MetadataStoreBase.for_looking` may give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from beautyspot.contracts.metadata import MetadataStoreBase
from beautyspot.errors import MetadataError, NotSupportedError
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beautyspot.contracts.counts import Counts
    from beautyspot.contracts.records import Invalidation, TaskRecord


_SHOWN: Final = 10
"""Names of stores in one message."""


class OnlyLooking(MetadataStoreBase):
    """Refuses each change by a `NotSupportedError`; it goes before the class that reads."""

    def put(self, record: TaskRecord) -> None:
        """Refused, as every change."""
        self._refuse(record)

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """Refused."""
        self._refuse(records)

    def delete(self, key: str) -> bool:
        """Refused."""
        self._refuse(key)

    def touch(self, used: Mapping[str, float]) -> None:
        """Refused."""
        self._refuse(used)

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """Refused."""
        self._refuse(counts)

    def remark(self, remarks: Mapping[str, str]) -> None:
        """Refused."""
        self._refuse(remarks)

    def note_invalidation(self, what: Invalidation) -> None:
        """Refused."""
        self._refuse(what)

    def _refuse(self, _what: object) -> NoReturn:
        raise NotSupportedError(
            f"{self!r:.200} was opened to look at it, and is not changed: take the store itself, "
            "not what its `for_looking()` gave"
        )

    def _has_no_id(self, others: Iterable[str] = (), name: str = "") -> MetadataError:
        """What to raise for the ID of a store that no Spot has used yet.

        Args:
            others: the names of stores that are there, of which some are shown, and the nearest.
            name: that of this one.
        """
        there = list(others)
        names = ", ".join([*map(repr, there[:_SHOWN]), *(["…"] if there[_SHOWN:] else [])])
        advice = f", or give another name: there are {names}" if names else ""
        return MetadataError(
            f"the store{name and f' {name!r}'} has no ID yet: a Spot that uses it gives it one"
            f"{advice}{names and '.'}{did_you_mean(name, there)}"
        )
