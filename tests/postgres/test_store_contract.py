"""The metadata store keeps the contract, on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.store import ShortLeaseContract


class TestPostgresMetadataStore(ShortLeaseContract):
    """A namespace for each place."""

    @pytest.fixture(autouse=True)
    def place(self, postgres_url: str, namespace: str, request: pytest.FixtureRequest) -> None:
        self.url, self.namespace = postgres_url, namespace
        # Short only where a test is about its end: a busy machine takes its time.
        self.lease_time = 0.6 if "a_lease_that_is" in request.node.name else 60.0

    def make(self, tmp_path: Path) -> PostgresMetadataStore:
        namespace = f"{self.namespace}/{tmp_path.name}"
        return PostgresMetadataStore(self.url, namespace=namespace, lease_time=self.lease_time)
