"""The metadata store keeps the contract: on a real server, and in a cluster of three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.metadata import MetadataStoreContract

if TYPE_CHECKING:
    from pathlib import Path


class Redis(MetadataStoreContract):
    """A namespace for each place."""

    url: str
    namespace: str
    lease_time: float

    @pytest.fixture(autouse=True)
    def place(self, where: str, namespace: str, request: pytest.FixtureRequest) -> None:
        self.url, self.namespace = where, namespace
        # Short only where a test waits for its end: on a busy machine, others take their time.
        self.lease_time = 0.5 if "is_killed" in request.node.name else 60.0

    def options(self, tmp_path: Path) -> dict[str, Any]:
        namespace = f"{self.namespace}/{tmp_path.name}"
        return {"url": self.url, "namespace": namespace, "lease_time": self.lease_time}

    def make_brief(self, tmp_path: Path) -> RedisMetadataStore:
        return RedisMetadataStore(**{**self.options(tmp_path), "lease_time": 0.2})

    def make(self, tmp_path: Path) -> RedisMetadataStore:
        return RedisMetadataStore(**self.options(tmp_path))

    def source(self, tmp_path: Path) -> str:
        return (
            "from beautyspot_redis import RedisMetadataStore\n"
            f"store = RedisMetadataStore(**{self.options(tmp_path)!r})"
        )


class TestRedisMetadataStore(Redis):
    @pytest.fixture
    def where(self, redis_url: str) -> str:
        return redis_url


@pytest.mark.slow
class TestInACluster(Redis):
    @pytest.fixture
    def where(self, redis_cluster: Any) -> str:
        url: str = redis_cluster.url
        return url
