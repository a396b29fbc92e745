"""The metadata store keeps the contract: on a real server, and in a cluster of three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.testing.metadata import MetadataStoreContract
from beautyspot_redis import RedisMetadataStore

if TYPE_CHECKING:
    from pathlib import Path


class Redis(MetadataStoreContract):
    """A namespace for each place."""

    url: str
    namespace: str

    def options(self, tmp_path: Path) -> dict[str, Any]:
        namespace = f"{self.namespace}/{tmp_path.name}"
        return {"url": self.url, "namespace": namespace, "lease_time": 2.0}

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
    @pytest.fixture(autouse=True)
    def place(self, redis_url: str, namespace: str) -> None:
        self.url, self.namespace = redis_url, namespace


@pytest.mark.slow
class TestWithMemory(Redis):
    """With a memory tier whose answers are never too old for a test to see it."""

    shared_between_processes = False
    persistent = False

    @pytest.fixture(autouse=True)
    def place(self, redis_url: str, namespace: str) -> None:
        self.url, self.namespace = redis_url, namespace

    def options(self, tmp_path: Path) -> dict[str, Any]:
        return {**super().options(tmp_path), "memory": 10_000_000, "memory_age": "1h"}


@pytest.mark.slow
class TestInACluster(Redis):
    @pytest.fixture(autouse=True)
    def place(self, redis_cluster: Any, namespace: str) -> None:
        self.url, self.namespace = redis_cluster.url, namespace
