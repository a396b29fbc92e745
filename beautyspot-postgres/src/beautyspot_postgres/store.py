"""`PostgresMetadataStore`: the metadata store that many machines share."""

from __future__ import annotations

from beautyspot.contracts import MetadataStoreBase


class PostgresMetadataStore(MetadataStoreBase):
    """A metadata store in Postgres."""

    name = "postgres"
    schemes = ("postgres", "postgresql")
