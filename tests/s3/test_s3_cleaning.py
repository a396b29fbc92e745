"""Collecting and pruning in a bucket: what lives stays, neighbours stay, leftovers go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beautyspot import StorageError
from beautyspot.errors import BlobLocationError
from beautyspot.spot import Spot
from beautyspot_s3 import S3Storage
from servers import seaweedfs

ORPHAN = f"{7:032x}-12345678.bin"
HOURS = 7200.0


def text(x: int) -> str:
    return f"{x}" * 100


def make_spot(name: str, tmp_path: Path, storage: S3Storage, **options: Any) -> Spot:
    return Spot(name, directory=tmp_path, storage=storage, config=False, **options)


@pytest.fixture
def moto(mocked: Any, tmp_path: Path) -> S3Storage:
    return S3Storage("bucket", f"app/{tmp_path.name}", client=mocked)


@pytest.fixture
def real(server: seaweedfs.Server, tmp_path: Path) -> Iterator[S3Storage]:
    options: dict[str, Any] = {"region_name": "us-east-1", **server.admin.options()}
    storage = S3Storage(seaweedfs.BUCKET, tmp_path.name, endpoint_url=server.url, **options)
    yield storage
    storage.close()


@pytest.fixture(params=["moto", pytest.param("real", marks=pytest.mark.server)])
def storage(request: Any) -> S3Storage:
    found: S3Storage = request.getfixturevalue(request.param)
    return found


def test_orphans_go_and_two_stores_share_a_prefix(storage: S3Storage, tmp_path: Path) -> None:
    with (
        make_spot("one", tmp_path, storage, strict=True) as one,
        make_spot("two", tmp_path, storage, strict=True) as two,
    ):
        both = [spot.mark(save_blob=True)(text) for spot in (one, two)]
        for marked in both:
            assert marked(1) == text(1)
        orphan = storage.save(f"{one.metadata.store_id}/{ORPHAN}", b"orphan")
        assert one.collect().blobs == 0, "it is young"
        assert two.collect(grace=0).blobs == 0, "it is the other's"
        assert one.collect(grace=0).blobs == 1
        assert all(spot.peek(marked, 1) for spot, marked in zip((one, two), both, strict=True))
        assert orphan not in [blob.location for blob in storage.list()]
        assert one.prune(max_size=0).evicted == 1
        assert two.peek(both[1], 1)
        assert len(list(storage.list())) == 1


def test_a_neighbour_s_prefix_is_left_alone(mocked: Any, tmp_path: Path) -> None:
    """Of `app` and `app2`: a collector of the one that listed by the bare name would take both."""
    near, far = (S3Storage("bucket", prefix, client=mocked) for prefix in ("app", "app2"))
    with make_spot("one", tmp_path, near, strict=True) as spot:
        place = f"{spot.metadata.store_id}/{ORPHAN}"
        ours, theirs = near.save(place, b"ours"), far.save(place, b"theirs")
        assert spot.collect(grace=0).blobs == 1
        assert [blob.location for blob in near.list()] == []
        assert far.load(theirs) == b"theirs"
        assert ours != theirs


@pytest.mark.server
def test_collect_while_others_save(real: S3Storage, tmp_path: Path) -> None:
    with make_spot("app", tmp_path, real, strict=True) as spot:
        marked = spot.mark(save_blob=True)(text)
        stop = threading.Event()

        def collect() -> None:
            while not stop.is_set():
                spot.collect(grace=60)  # longer than a save takes

        with ThreadPoolExecutor(4) as pool:
            collecting = pool.submit(collect)
            written = list(pool.map(lambda n: spot.refresh(marked, n % 5), range(60)))
            stop.set()
            collecting.result()
        assert written == [text(n % 5) for n in range(60)]
        assert all(spot.peek(marked, x) for x in range(5))
        spot.collect(grace=0)
        assert len(list(real.list())) == 5


# --------------------------------------------------------------------------- unfinished uploads


def begin_upload(storage: S3Storage, key: str) -> None:
    client = storage._bucket.client
    whole = f"{storage.prefix}/{key}"
    upload = client.create_multipart_upload(Bucket=storage.bucket_name, Key=whole)
    client.upload_part(
        Bucket=storage.bucket_name, Key=whole, UploadId=upload["UploadId"], PartNumber=1,
        Body=bytes(5 * 2**20),
    )  # fmt: skip


def uploads(storage: S3Storage) -> list[str]:
    client = storage._bucket.client
    page = client.list_multipart_uploads(Bucket=storage.bucket_name, Prefix=f"{storage.prefix}/")
    return [upload["Key"] for upload in page.get("Uploads", ())]


def test_unfinished_uploads_go(storage: S3Storage) -> None:
    begin_upload(storage, f"0123456789abcdef/{ORPHAN}")
    begin_upload(storage, f"fedcba9876543210/{ORPHAN}")
    assert list(storage.list()) == []
    assert storage.sweep(older_than=100 * 365 * 86400.0) == 0
    assert storage.sweep(older_than=-HOURS, dry_run=True) == 2
    assert storage.sweep(older_than=-HOURS, prefix="0123456789abcdef/") == 1
    assert uploads(storage) == [f"{storage.prefix}/fedcba9876543210/{ORPHAN}"]
    assert storage.sweep(older_than=-HOURS) == 1
    assert uploads(storage) == []


@pytest.mark.server
def test_an_upload_under_way_is_left_alone(real: S3Storage, tmp_path: Path) -> None:
    with make_spot("app", tmp_path, real, strict=True) as spot:
        begin_upload(real, f"{spot.metadata.store_id}/{ORPHAN}")
        assert spot.collect(grace=0).leftovers == 0
        assert len(uploads(real)) == 1


def test_a_sweep_leads_nowhere_else(moto: S3Storage) -> None:
    with pytest.raises(BlobLocationError):
        moto.sweep(prefix="../")


def test_a_sweep_that_fails_says_so(mocked: Any) -> None:
    with pytest.raises(StorageError):
        S3Storage("no-such-bucket", client=mocked).sweep()
