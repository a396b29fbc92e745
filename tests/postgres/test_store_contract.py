"""The metadata store keeps the contract, on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.metadata import MetadataStoreContract

if TYPE_CHECKING:
    from pathlib import Path


class TestPostgresMetadataStore(MetadataStoreContract):
    """A namespace for each place."""

    url: str
    namespace: str
    lease_time: float

    @pytest.fixture(autouse=True)
    def place(self, postgres_url: str, namespace: str, request: pytest.FixtureRequest) -> None:
        self.url, self.namespace = postgres_url, namespace
        # Short only where a test waits for its end: on a busy machine, others take their time.
        self.lease_time = 0.5 if "is_killed" in request.node.name else 60.0

    def options(self, tmp_path: Path) -> dict[str, Any]:
        namespace = f"{self.namespace}/{tmp_path.name}"
        return {"url": self.url, "namespace": namespace, "lease_time": self.lease_time}

    def make_brief(self, tmp_path: Path) -> PostgresMetadataStore:
        return PostgresMetadataStore(**{**self.options(tmp_path), "lease_time": 0.6})

    def make(self, tmp_path: Path) -> PostgresMetadataStore:
        return PostgresMetadataStore(**self.options(tmp_path))

    def source(self, tmp_path: Path) -> str:
        return (
            "from beautyspot_postgres import PostgresMetadataStore\n"
            f"store = PostgresMetadataStore(**{self.options(tmp_path)!r})"
        )
