"""The metadata store keeps the contract: on a mocked bucket, and on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from beautyspot_s3 import S3MetadataStore
from beautyspot_testing.metadata import MetadataStoreContract
from servers import seaweedfs


@pytest.fixture(scope="module")
def shared(server: seaweedfs.Server) -> Iterator[Any]:
    """One client for all tests: making one takes longer than most of them."""
    store = S3MetadataStore(seaweedfs.BUCKET, **_options(server))
    yield store._place.client
    store.close()


class TestOnMoto(MetadataStoreContract):
    """A namespace for each place. It is of this process alone, and proves nothing of atomicity."""

    shared_between_processes = False

    @pytest.fixture(autouse=True)
    def place(self, mocked: Any, request: pytest.FixtureRequest) -> None:
        self.client = mocked
        # Long where it has to outlast a hundred requests, which come in turn.
        self.brief_time = 8.0 if "unless_it_is_renewed" in request.node.name else 1.0

    def make(self, tmp_path: Path) -> S3MetadataStore:
        options: Any = {"namespace": str(tmp_path), "client": self.client}
        return _with_few_leases(S3MetadataStore("bucket", "app", **options))

    def make_brief(self, tmp_path: Path) -> S3MetadataStore:
        options: Any = {
            "namespace": str(tmp_path),
            "client": self.client,
            "lease_time": self.brief_time,
        }
        return S3MetadataStore("bucket", "app", **options)


@pytest.mark.slow
@pytest.mark.server
class TestOnAServer(MetadataStoreContract):
    """The same on SeaweedFS."""

    @pytest.fixture(autouse=True)
    def place(self, server: seaweedfs.Server, shared: Any, request: pytest.FixtureRequest) -> None:
        self.server, self.client = server, shared
        # Short only where a test waits for its end: on a busy machine, others take their time.
        self.lease_time = 0.5 if "is_killed" in request.node.name else 60.0

    def options(self, tmp_path: Path) -> dict[str, Any]:
        return {"namespace": str(tmp_path), "lease_time": self.lease_time}

    def make(self, tmp_path: Path) -> S3MetadataStore:
        options = {**self.options(tmp_path), "client": self.client}
        return _with_few_leases(S3MetadataStore(seaweedfs.BUCKET, **options))

    def make_brief(self, tmp_path: Path) -> S3MetadataStore:
        options = {**self.options(tmp_path), "lease_time": 0.5}
        return S3MetadataStore(seaweedfs.BUCKET, client=self.client, **options)

    def source(self, tmp_path: Path) -> str:
        options = {**self.options(tmp_path), **_options(self.server)}
        return (
            "from beautyspot_s3 import S3MetadataStore\n"
            f"store = S3MetadataStore({seaweedfs.BUCKET!r}, **{options!r})"
        )


def _with_few_leases(store: S3MetadataStore) -> S3MetadataStore:
    store.most_leases = 20  # which a test takes one after the other
    return store


def _options(server: seaweedfs.Server) -> dict[str, Any]:
    return {"endpoint_url": server.url, "region_name": "us-east-1", **server.admin.options()}
