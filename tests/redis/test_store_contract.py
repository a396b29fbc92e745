"""The metadata store keeps the contract, on a real server; on a named one too, see `conftest`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from beautyspot.testing.metadata import MetadataStoreContract
from beautyspot_redis import RedisMetadataStore

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = {"lease_time": 2.0}


class TestRedisMetadataStore(MetadataStoreContract):
    @pytest.fixture(autouse=True)
    def place(self, redis_url: str, namespace: str) -> None:
        self.url, self.namespace = redis_url, namespace

    def options(self, tmp_path: Path) -> dict[str, object]:
        return {"url": self.url, "namespace": f"{self.namespace}/{tmp_path.name}", **OPTIONS}

    def make(self, tmp_path: Path) -> RedisMetadataStore:
        return RedisMetadataStore(**self.options(tmp_path))

    def source(self, tmp_path: Path) -> str:
        return (
            "from beautyspot_redis import RedisMetadataStore\n"
            f"store = RedisMetadataStore(**{self.options(tmp_path)!r})"
        )
