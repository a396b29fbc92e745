"""The metadata store keeps the contract: on a mocked bucket, and on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from beautyspot.testing.metadata import MetadataStoreContract
from beautyspot_s3 import S3MetadataStore
from servers import seaweedfs


@pytest.fixture(scope="module")
def shared(server: seaweedfs.Server) -> Iterator[Any]:
    """One client for all tests: making one takes longer than most of them."""
    store = S3MetadataStore(seaweedfs.BUCKET, **_options(server))
    yield store._place.client
    store.close()


class TestOnMoto(MetadataStoreContract):
    """A namespace for each place. It is of this process alone, and proves nothing of atomicity."""

    leases = False
    shared_between_processes = False

    @pytest.fixture(autouse=True)
    def place(self, mocked: Any) -> None:
        self.client = mocked

    def make(self, tmp_path: Path) -> S3MetadataStore:
        return S3MetadataStore("bucket", "app", namespace=str(tmp_path), client=self.client)


@pytest.mark.slow
@pytest.mark.server
class TestOnAServer(MetadataStoreContract):
    """The same on SeaweedFS."""

    leases = False

    @pytest.fixture(autouse=True)
    def place(self, server: seaweedfs.Server, shared: Any) -> None:
        self.server, self.client = server, shared

    def make(self, tmp_path: Path) -> S3MetadataStore:
        return S3MetadataStore(seaweedfs.BUCKET, namespace=str(tmp_path), client=self.client)

    def source(self, tmp_path: Path) -> str:
        options = {"namespace": str(tmp_path), **_options(self.server)}
        return (
            "from beautyspot_s3 import S3MetadataStore\n"
            f"store = S3MetadataStore({seaweedfs.BUCKET!r}, **{options!r})"
        )


def _options(server: seaweedfs.Server) -> dict[str, Any]:
    return {"endpoint_url": server.url, "region_name": "us-east-1", **server.admin.options()}
