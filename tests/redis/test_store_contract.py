"""The metadata store keeps the contract: on a real server, and in a cluster of three."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.store import ShortLeaseContract


class TestRedisMetadataStore(ShortLeaseContract):
    """A namespace for each place."""

    @pytest.fixture
    def where(self, redis_url: str) -> str:
        return redis_url

    @pytest.fixture(autouse=True)
    def place(self, where: str, namespace: str, request: pytest.FixtureRequest) -> None:
        self.url, self.namespace = where, namespace
        # Short only where a test is about its end: a busy machine takes its time.
        self.lease_time = 0.5 if "a_lease_that_is" in request.node.name else 60.0

    def make(self, tmp_path: Path) -> RedisMetadataStore:
        namespace = f"{self.namespace}/{tmp_path.name}"
        return RedisMetadataStore(self.url, namespace=namespace, lease_time=self.lease_time)


@pytest.mark.slow
class TestInACluster(TestRedisMetadataStore):
    @pytest.fixture
    def where(self, redis_cluster: Any) -> str:
        url: str = redis_cluster.url
        return url
