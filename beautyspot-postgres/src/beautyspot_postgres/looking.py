"""The store that looks at what is in the server as it is, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from beautyspot.errors import MetadataError, NotSupportedError

from beautyspot_postgres import schema
from beautyspot_postgres.reading import PostgresReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beautyspot.contracts import Counts, TaskRecord


class LookingStore(PostgresReader):
    """Reads what is in the server; see the module."""

    def open(self) -> None:
        """See whether there is a schema that this release knows; none is made.

        Raises:
            SchemaError: a newer release made what this one can't use.
            MetadataError: there is none, or the server can't be asked.
        """
        if not schema.is_there(self._server):
            raise MetadataError(
                f"{self._server.url} has no schema {self._server.schema} yet: a Spot that uses it "
                "makes it, or give schema= as it was given there"
            )
        self._server.is_ready = True

    @property
    def store_id(self) -> str:
        """The ID in the server; there is none before a Spot has used the store."""
        found = self._asked(
            "SELECT store_id FROM {schema}.stores WHERE namespace = $1", self._namespace
        )
        if not found:
            raise MetadataError("the store has no ID yet: a Spot that uses it gives it one")
        return str(found[0][0])

    def put(self, record: TaskRecord) -> None:
        """Refused, as every change."""
        del record
        self._refuse()

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """Refused."""
        del records
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
