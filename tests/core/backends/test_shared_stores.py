"""A metadata store that machines share: which storage goes with it, and signed results only."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot.spot import Spot
from beautyspot_local import LocalStorage
from broken import BrokenStorage
from kinds import RAN

KEY = "0123456789abcdef0123456789abcdef"


class Shared(MemoryMetadataStore):
    """As if it were on a server."""

    name = "shared"
    remote = True
    largest_data = 4096


class Signed(MemoryMetadataStore):
    name = "signed"

    def __init__(self, *, signed: bool = True) -> None:
        super().__init__()
        self.demands_signing = signed


def repeated(times: int) -> str:
    RAN.append(times)
    return "x" * times


@pytest.mark.parametrize(
    ("storage", "source"),
    [
        ("local", "argument"),
        ("memory", "argument"),
        (MemoryStorage, "argument"),
        ({"use": "local", "shared": False}, "argument"),
        (MemoryStorage(), "argument"),
    ],
)
def test_a_storage_of_one_machine_is_refused(
    make_spot: Callable[..., Spot], storage: object, source: str
) -> None:
    with pytest.raises(bs.ConfigError) as caught:
        make_spot(metadata=Shared, storage=storage)
    said = str(caught.value)
    assert f"(from: {source}) is of this machine alone" in said
    assert 'storage="s3://bucket/prefix"' in said
    assert "?shared=true" in said


def test_a_folder_of_all_machines_takes_large_results(
    make_spot: Callable[..., Spot], tmp_path: Path
) -> None:
    url = f"{(tmp_path / 'nfs').as_uri()}?shared=true"
    spot = make_spot(metadata=Shared, storage=url, strict=True)
    assert spot.storage.remote
    f = spot.mark(repeated)
    assert f(5000) == f(5000) == "x" * 5000
    assert RAN == [5000]
    record = spot.metadata.get(spot.key(f, 5000))
    assert record is not None
    assert record.result_type == "FILE"  # over what a row holds, though under the threshold
    assert not LocalStorage(tmp_path).remote


def test_without_a_storage_rows_hold_what_they_can(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    seen: list[object] = []
    spot = make_spot(metadata=Shared, blob_threshold=10, observers=[seen.append])
    f = spot.mark(repeated)
    assert f(4000) == f(4000) == "x" * 4000
    with caplog.at_level(logging.WARNING, logger="beautyspot"):
        for _ in range(2):
            assert f(5000) == "x" * 5000
            assert f(6000) == "x" * 6000
    assert RAN == [4000, 5000, 6000, 5000, 6000]
    [record] = caplog.records
    said = record.getMessage()
    assert "it is over 0.00390625 MiB" in said
    assert 'storage="s3://bucket/prefix"' in said
    assert "The value is returned, and not cached" in said
    refused = [event for event in seen if isinstance(event, bs.Refused)]
    assert [event.by for event in refused] == ["too large"] * 4
    assert not (tmp_path / "cache" / "blobs").exists()
    assert spot.flush()


def test_what_needs_a_storage_is_refused_where_it_is_decorated(
    make_spot: Callable[..., Spot],
) -> None:
    spot = make_spot(metadata=Shared)
    with pytest.raises(bs.ConfigError, match=r"mark\(save_blob=True\) needs a storage.*s3://"):
        spot.mark(save_blob=True)
    with pytest.raises(bs.ConfigError, match="s3://"):
        _ = spot.storage


def test_a_storage_that_fails_leaves_what_no_row_holds_in_memory(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    class Everywhere(BrokenStorage):
        remote = True

    storage = Everywhere("save")
    spot = make_spot(metadata=Shared, storage=storage, blob_threshold=10)
    f = spot.mark(repeated)
    with caplog.at_level(logging.WARNING, logger="beautyspot"):
        assert f(100) == "x" * 100  # its row takes it
        assert f(5000) == f(5000) == "x" * 5000
        assert not spot.flush()
    assert RAN == [100, 5000]
    assert spot.metadata.get(spot.key(f, 5000)) is None
    assert spot.metadata.get(spot.key(f, 100)) is not None
    storage.broken.clear()
    assert spot.flush()
    record = spot.metadata.get(spot.key(f, 5000))
    assert record is not None
    assert record.result_type == "FILE"
    assert f(5000) == "x" * 5000
    assert RAN == [100, 5000]


@pytest.mark.parametrize("metadata", [Signed, {"use": Signed}, Signed()])
def test_a_store_may_demand_signatures(make_spot: Callable[..., Spot], metadata: Any) -> None:
    with pytest.raises(bs.ConfigError) as caught:
        make_spot(metadata=metadata)
    said = str(caught.value)
    assert "the metadata store 'signed'" in said
    assert "BEAUTYSPOT_SIGNING_KEY" in said
    assert "give all who use the store the same one" in said
    spot = make_spot(metadata=metadata, signing_key=KEY)
    assert spot.mark(repeated)(3) == "xxx"


class Bucket(MemoryStorage):
    """Where a metadata store keeps large results itself, as if in a bucket."""

    remote = True
    closed = 0

    def close(self) -> None:
        type(self).closed += 1


class InABucket(Shared):
    """Brings its own storage."""

    name = "in-a-bucket"

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.bucket = Bucket()

    def own_storage(self) -> Bucket:
        self.asked += 1
        return self.bucket


def test_a_store_that_brings_a_storage_needs_no_other(
    make_spot: Callable[..., Spot], tmp_path: Path
) -> None:
    Bucket.closed = 0
    store = InABucket()
    spot = make_spot(metadata=store, blob_threshold=10, strict=True)

    @spot.mark
    def film() -> bs.File:
        path = tmp_path / "film"
        path.write_bytes(b"film")
        return bs.File(path, "video/mp4")

    film()
    f = spot.mark(save_blob=True)(repeated)
    assert f(5000) == f(5000) == "x" * 5000
    assert RAN == [5000]
    assert spot.storage is store.bucket
    assert len([*store.bucket.list()]) == 2
    assert store.asked == 1
    with bs.open_store(spot) as opened:
        assert opened.storage is store.bucket
        assert opened.collect(0).blobs == 0
    spot.shutdown()
    assert Bucket.closed == 1, "by the Spot that was given it"
