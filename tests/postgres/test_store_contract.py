"""The metadata store keeps the contract, on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.store import MetadataStoreContract, ShortLeaseContract

if TYPE_CHECKING:
    from pathlib import Path


class TestPostgresMetadataStore(MetadataStoreContract):
    """A namespace for each place."""

    url: str
    namespace: str
    lease_time = 60.0

    @pytest.fixture(autouse=True)
    def place(self, postgres_url: str, namespace: str) -> None:
        self.url, self.namespace = postgres_url, namespace

    def make(self, tmp_path: Path) -> PostgresMetadataStore:
        namespace = f"{self.namespace}/{tmp_path.name}"
        return PostgresMetadataStore(self.url, namespace=namespace, lease_time=self.lease_time)


class TestShortLeases(TestPostgresMetadataStore, ShortLeaseContract):
    """Leases that fall while a test waits."""

    lease_time = 0.6
