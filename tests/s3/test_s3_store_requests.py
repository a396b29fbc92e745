"""How many requests a call takes: what S3 bills. A change of these numbers is told to the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import beautyspot as bs
import pytest
from beautyspot_s3 import S3MetadataStore, S3Storage
from beautyspot_s3.examination import REQUESTS
from servers import s3proxy, seaweedfs


class Double:
    """A function of a Spot, and the requests that its calls make."""

    def __init__(self, spot: bs.Spot, asked: list[str]) -> None:
        self.function = spot.mark(lambda number: number * 2, name="double")
        self._asked = asked

    def costs(self, call: Any, *args: Any) -> dict[str, int]:
        """The requests of a call."""
        self._asked.clear()
        call(*args)
        return dict(Counter(self._asked))


@pytest.fixture
def spot(mocked: Any) -> Iterator[bs.Spot]:
    store = S3MetadataStore("bucket", "cache", namespace="app", client=mocked)
    with bs.Spot("app", metadata=store, strict=True) as spot:
        yield spot
    store.close()


@pytest.fixture
def double(spot: bs.Spot, asked: list[str]) -> Double:
    double = Double(spot, asked)
    double.function(0)  # the first one opens the store, and probes the server
    return double


MISS = {"GetObject rows": 2, "GetObject meta": 3, "PutObject leases": 2, "PutObject rows": 1}


def test_a_hit_is_one_get(double: Double) -> None:
    assert double.costs(double.function, 0) == {"GetObject rows": 1}


def test_a_miss(double: Double) -> None:
    assert double.costs(double.function, 1) == MISS
    writes = sum(number for kind, number in MISS.items() if kind.startswith("Put"))
    assert f"a miss is {sum(MISS.values())}, of which {writes} write" in REQUESTS


def test_a_miss_of_a_key_that_was_computed_before(spot: bs.Spot, double: Double) -> None:
    """Its released lease is still there."""
    spot.invalidate(double.function, 0)
    again = {**MISS, "PutObject leases": 3, "GetObject leases": 1}
    assert double.costs(double.function, 0) == again


def test_a_miss_with_a_price_is_counted_first(spot: bs.Spot, double: Double) -> None:
    priced = spot.mark(lambda number: number, name="priced", price=lambda result: 0.5)
    assert double.costs(priced, 1) == {**MISS, "PutObject counts": 1}
    assert double.costs(priced, 2) == {**MISS, "PutObject counts": 1}


def test_an_invalidation(spot: bs.Spot, double: Double) -> None:
    assert double.costs(spot.invalidate, double.function, 0) == {
        "GetObject meta": 1,
        "PutObject meta": 1,
        "GetObject rows": 1,
        "PutObject rows": 1,
    }


def test_an_invalidation_of_what_is_not_there(spot: bs.Spot, double: Double) -> None:
    assert double.costs(spot.invalidate, double.function, 7) == {
        "GetObject meta": 1,
        "PutObject meta": 1,
        "GetObject rows": 2,
        "PutObject rows": 1,  # a tombstone, for calls that are under way elsewhere
    }


def test_an_invalidation_of_all_results_of_a_function(spot: bs.Spot, double: Double) -> None:
    for number in range(1, 5):
        double.function(number)
    cost = double.costs(spot.invalidate_all, double.function)
    lists = cost.pop("ListObjectsV2")
    assert lists == 3, "rows, those of long keys, last uses"
    assert cost == {
        "GetObject meta": 1,
        "PutObject meta": 1,
        "GetObject rows": 5 + 5,
        "PutObject rows": 5,
    }


def test_a_list_of_hits_is_one_get_each(spot: bs.Spot, double: Double) -> None:
    for number in range(4):
        double.function(number)
    cost = double.costs(lambda: list(spot.map(double.function, range(4))))
    assert cost == {"GetObject rows": 4}


def test_to_open_a_store_is_one_get(mocked: Any, double: Double, asked: list[str]) -> None:
    store = S3MetadataStore("bucket", "cache", namespace="app", client=mocked)
    asked.clear()
    store.open()
    assert asked == ["GetObject meta"]


def test_the_first_miss_of_a_process_probes_the_server(
    mocked: Any, spot: bs.Spot, asked: list[str]
) -> None:
    double = Double(spot, asked)
    cost = double.costs(double.function, 0)
    assert cost["PutObject leases"] - MISS["PutObject leases"] == 3
    assert double.costs(double.function, 1) == MISS


def test_the_end_of_a_program_writes_uses_and_counts(mocked: Any, asked: list[str]) -> None:
    store = S3MetadataStore("bucket", "cache", namespace="app", client=mocked)
    with bs.Spot("app", metadata=store, strict=True) as spot:
        double = Double(spot, asked)
        double.function(0)
        double.function(0)
        asked.clear()
    assert dict(Counter(asked)) == {"PutObject used": 1, "PutObject counts": 1}
    store.close()


def test_a_prune(spot: bs.Spot, double: Double) -> None:
    for number in range(1, 40):
        double.function(number)
    cost = double.costs(lambda: spot.prune(older_than=0.0, expired=False))
    assert spot.metadata.totals().entries == 0
    assert cost["GetObject rows"] == 40 + 40, "they are listed, and looked at before they go"
    assert cost["PutObject rows"] == 40
    assert cost["PutObject leases"] + cost["GetObject leases"] <= 40 * 5
    assert cost["ListObjectsV2"] == 3


@pytest.mark.server
def test_a_small_body_is_sent_with_its_head(server: seaweedfs.Server) -> None:
    """Only for a large one it is worth a round trip to ask first."""
    asks: dict[str, bool] = {}

    def note(request: s3proxy.Request, send: s3proxy.Send) -> s3proxy.Answer:
        asks[request.key.split("/")[-2]] = "Expect" in request.headers
        return send(request)

    with s3proxy.S3Proxy(server) as proxy:
        options: Any = {"endpoint_url": proxy.url, "region_name": "us-east-1"}
        options |= server.admin.options()
        proxy.on("PUT", "", note, times=None)
        store = S3MetadataStore(seaweedfs.BUCKET, "expect", namespace="app", **options)
        storage = S3Storage(seaweedfs.BUCKET, "expect", **options)
        with bs.Spot("app", metadata=store, strict=True) as spot:
            spot.mark(abs)(-1)
        storage.save("small/x", bytes(2**20))
        storage.save("large/x", bytes(2**20 + 1))
        for one in (store, storage):
            one.close()
    assert {name for name, asked in asks.items() if asked} == {"large"}
    assert {"rows", "leases", "small"} < {*asks}
