"""The metadata store keeps the contract: on a mocked bucket, and on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from beautyspot_s3 import S3MetadataStore
from beautyspot_testing.key_value import KeyValueStoreContract
from beautyspot_testing.records import a_record
from beautyspot_testing.store import MetadataStoreContract, ShortLeaseContract, stored
from servers import seaweedfs


@pytest.fixture(scope="module")
def shared(server: seaweedfs.Server) -> Iterator[Any]:
    """One client for all tests: making one takes longer than most of them."""
    options: Any = {"endpoint_url": server.url, "region_name": "us-east-1"}
    store = S3MetadataStore(seaweedfs.BUCKET, **options, **server.admin.options())
    yield store._bucket.client
    store.close()


class TestOnMoto(KeyValueStoreContract, ShortLeaseContract):
    """A namespace for each place. It is of this process alone, and proves nothing of atomicity."""

    heeds_removals = True

    @pytest.fixture(autouse=True)
    def place(self, mocked: Any, request: pytest.FixtureRequest) -> None:
        self.client, self.test = mocked, request.node.name

    def make(self, tmp_path: Path) -> S3MetadataStore:
        # Short only where a test is about its end: a mocked bucket takes its time.
        lease_time = 1.0 if "a_lease_that_is" in self.test else 60.0
        options: Any = {"namespace": str(tmp_path)[-60:], "client": self.client}
        store = S3MetadataStore("bucket", "app", lease_time=lease_time, **options)
        if "history" in self.test:  # else it finds that out
            store._removes = self.heeds_removals
        return store


class TestWithoutConditionsOfRemovals(TestOnMoto):
    """At a server that removes whatever is there, such as MinIO."""

    heeds_removals = False

    @pytest.fixture(autouse=True)
    def removing(self, mocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        real = mocked._make_api_call

        def removing(operation: str, params: Any) -> Any:
            if operation == "DeleteObject":
                params = {name: value for name, value in params.items() if name != "IfMatch"}
            return real(operation, params)

        monkeypatch.setattr(mocked, "_make_api_call", removing)


@pytest.mark.server
class TestOnAServer(MetadataStoreContract):
    """The same on SeaweedFS; histories say nothing more there, as their operations come in turn."""

    @pytest.fixture(autouse=True)
    def place(self, shared: Any) -> None:
        self.client = shared

    def make(self, tmp_path: Path) -> S3MetadataStore:
        options: Any = {"namespace": str(tmp_path)[-60:], "client": self.client}
        return S3MetadataStore(seaweedfs.BUCKET, "app", **options)


@pytest.mark.slow
@pytest.mark.server
def test_five_thousand_rows_are_listed_page_by_page(shared: Any, tmp_path: Path) -> None:
    """Also where the server lists by folders, and in many pages."""
    options: Any = {"namespace": str(tmp_path)[-60:], "client": shared}
    store = S3MetadataStore(seaweedfs.BUCKET, "app", **options)
    keys = sorted(f"{number * 7919 % 5003:032x}" for number in range(5000))
    assert stored(store, *(a_record(key, used_at=None) for key in keys)) == set()
    store.delete(dict.fromkeys(keys[::10], a_record().made_at))
    left = [key for number, key in enumerate(keys) if number % 10]
    assert [record.cache_key for record in store.all_rows()] == left
    assert [record.cache_key for record in store.rows(left[1000], 2000)] == left[1001:3001]
    assert store.sweep(0.0, dry_run=True) == 0
    store.close()
