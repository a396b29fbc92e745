"""The metadata store keeps the contract: on a real server, and in a cluster of three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.store import MetadataStoreContract, ShortLeaseContract

if TYPE_CHECKING:
    from pathlib import Path


class Redis(MetadataStoreContract):
    """A namespace for each place."""

    lease_time = 60.0

    @pytest.fixture(autouse=True)
    def place(self, where: str, namespace: str) -> None:
        self.url, self.namespace = where, namespace

    def make(self, tmp_path: Path) -> RedisMetadataStore:
        namespace = f"{self.namespace}/{tmp_path.name}"
        return RedisMetadataStore(self.url, namespace=namespace, lease_time=self.lease_time)


class TestRedisMetadataStore(Redis):
    @pytest.fixture
    def where(self, redis_url: str) -> str:
        return redis_url


class TestShortLeases(TestRedisMetadataStore, ShortLeaseContract):
    """On a busy machine, others take their time: only what waits for the end of a lease is run."""

    lease_time = 0.5


@pytest.mark.slow
class TestInACluster(Redis):
    @pytest.fixture
    def where(self, redis_cluster: Any) -> str:
        url: str = redis_cluster.url
        return url
