"""The store that looks at what is in the server as it is, and changes nothing."""

from __future__ import annotations

from typing import Final

from beautyspot.contracts import OnlyLooking
from beautyspot.errors import MetadataError

from beautyspot_postgres import schema, texts
from beautyspot_postgres.reading import PostgresReader

_OTHERS: Final = "SELECT namespace FROM {schema}.stores ORDER BY namespace LIMIT 1000"


class LookingStore(OnlyLooking, PostgresReader):
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
            others = [texts.restored(name) for (name,) in self._asked(_OTHERS)]
            raise self._has_no_id(others, texts.restored(self._namespace))
        return str(found[0][0])
