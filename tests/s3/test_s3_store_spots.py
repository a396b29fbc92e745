"""Spots that have nothing but a bucket, on a real server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import beautyspot as bs
import pytest
from beautyspot import File
from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put
from beautyspot.errors import MetadataError
from beautyspot_s3 import S3Storage
from beautyspot_testing.records import a_record
from servers import seaweedfs

pytestmark = pytest.mark.server


@pytest.fixture
def url(server: seaweedfs.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a place of the test's own; the credentials are in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.admin.access)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.admin.secret)
    monkeypatch.chdir(tmp_path)
    query = urlencode({"endpoint_url": server.url, "region_name": "us-east-1"})
    return f"s3://{seaweedfs.BUCKET}/{tmp_path.name}?{query}"


@pytest.fixture
def names(server: seaweedfs.Server, tmp_path: Path) -> Any:
    """Gives the names of the objects below the place."""
    client = server.client()

    def names(part: str = "") -> list[str]:
        answer = client.list_objects_v2(Bucket=seaweedfs.BUCKET, Prefix=f"{tmp_path.name}/{part}")
        return [one["Key"].removeprefix(f"{tmp_path.name}/") for one in answer.get("Contents", ())]

    yield names
    client.close()


# -------------------------------------------------------------------------------- a bucket alone


def test_a_bucket_is_enough(url: str, tmp_path: Path, names: Any) -> None:
    """Small results, large ones, errors of nobody, and files: on another machine they are hits."""
    runs: list[str] = []

    def machine() -> bs.Spot:
        spot = bs.Spot("app", metadata=url, strict=True)

        @spot.mark(ignore=("runs",), name="small")
        def small(number: int) -> int:
            runs.append("small")
            return number * 2

        @spot.mark(ignore=("runs",), name="large")
        def large(number: int) -> bytes:
            runs.append("large")
            return bytes([number]) * 3_000_000

        @spot.mark(ignore=("runs",), name="file", save_blob=True)
        def file(text: str) -> File:
            runs.append("file")
            path = tmp_path / "made.txt"
            path.write_text(text * 1000)
            return File(path)

        with spot:
            assert small(4) == 8
            assert large(7) == b"\x07" * 3_000_000
            assert Path(file("abc")).read_text() == "abc" * 1000
        return spot

    machine()
    assert runs == ["small", "large", "file"]
    (tmp_path / "made.txt").unlink()
    machine()
    assert runs == ["small", "large", "file"], "all were found"
    with bs.Spot("app", metadata=url) as spot:
        folder = spot.metadata.store_id
    assert len(names(f"{folder}/")) == 2, "blobs lie where those of a storage do"
    assert len(names("store/app/r/")) == 3
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".db"] == []


def test_together_with_a_storage(url: str, tmp_path: Path, names: Any) -> None:
    with bs.Spot("app", metadata=url, storage=url, strict=True) as spot:
        large = spot.mark(lambda: b"x" * 3_000_000, name="large")
        assert large() == large() == b"x" * 3_000_000
        assert isinstance(spot.storage, S3Storage)
        assert len(names(f"{spot.metadata.store_id}/")) == 1


def test_prune_collect_and_invalidate_all(url: str, names: Any) -> None:
    with bs.Spot("app", metadata=url, strict=True) as spot:

        @spot.mark(name="large", tags=("a",))
        def large(number: int) -> bytes:
            return bytes([number]) * 1_500_000

        list(spot.map(large, range(6)))
        folder = f"{spot.metadata.store_id}/"
        assert len(names(folder)) == 6
        pruned = spot.prune(max_entries=4)
        assert pruned.entries == 2
        assert len(names(folder)) == 4
        spot.storage.save(f"{folder}ab/orphan.bin", b"x" * 100)
        assert spot.collect(grace=0).blobs in (0, 1), "its clock may be in the same second"
        assert spot.invalidate_all(tag="a") == 4
        assert spot.metadata.rows() == []
        assert large(1) == b"\x01" * 1_500_000


def test_what_calls_of_a_spot_cost(
    mocked: Any, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The requests that S3 bills. The first ten hits would be two, without `version="auto"`."""
    monkeypatch.chdir(tmp_path)
    for every in ("INTERVAL", "USES_INTERVAL"):  # on a slow machine they would come in between
        monkeypatch.setattr(f"beautyspot.results.counting.{every}", inf)

    def costs(work: Callable[[], object]) -> dict[str, int]:
        asked.clear()
        work()
        return dict(Counter(asked))

    place = {"use": "s3://bucket/cache", "client": mocked}
    with bs.Spot("app", metadata=place, strict=True) as spot:
        double = spot.mark(lambda n: n * 2, name="double", tags=("a",), version="auto")
        assert [double(n) for n in (1, 2)] == [2, 4]
        assert costs(lambda: double(1)) == {"GetObject r/": 1}
        miss = {"GetObject r/": 3, "GetObject covers": 3, "PutObject l/": 1}
        miss |= {"PutObject r/": 1, "DeleteObject l/": 1}
        assert costs(lambda: double(3)) == miss
        noted = {"GetObject covers": 1, "PutObject covers": 1}
        marked = {"GetObject r/": 1, "PutObject r/": 1}
        assert costs(lambda: spot.invalidate(double, 3)) == noted | marked
        assert costs(lambda: double(3)) == miss
        assert costs(lambda: spot.invalidate(double, 4)) == noted | marked | {"GetObject r/": 2}
        assert costs(lambda: list(spot.map(double, [1, 2, 3]))) == {"GetObject r/": 3}
        removed = costs(lambda: spot.invalidate_all(tag="a"))
        del removed["ListObjectsV2"], removed["GetObject u/"]
        listed, looked_at = 3 + 1, 3  # with the mark that 4 has left
        # The row of 3 leaves behind the mark that was there before it.
        gone = {"DeleteObject r/": 2, "PutObject r/": 1}
        assert removed == noted | gone | {"GetObject r/": listed + looked_at}
        large = spot.mark(lambda: b"x" * 20_000_000, name="large", version="auto")
        assert costs(large)["PutObject"] == 1
        assert costs(large) == {"GetObject r/": 1, "GetObject": 1}


def test_an_invalidated_blob_is_removed_with_its_row(url: str, names: Any) -> None:
    with bs.Spot("app", metadata=url, strict=True) as spot:
        large = spot.mark(lambda: b"x" * 20_000_000, name="large")
        large()
        [blob] = names(f"{spot.metadata.store_id}/")
        assert spot.invalidate(large)
        assert names(f"{spot.metadata.store_id}/") == []
        large()
        assert names(f"{spot.metadata.store_id}/") != [blob]


# ----------------------------------------------------------------------------------- permissions


@pytest.fixture
def reader(url: str, server: seaweedfs.Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same address for one who may only read; a result is there."""
    with bs.Spot("app", metadata=url, strict=True) as spot:
        spot.mark(lambda n: n * 2, name="double")(2)
        spot.mark(lambda: b"x" * 3_000_000, name="large")()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.reader.access)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.reader.secret)
    return url


def test_who_may_only_read_finds_results(reader: str) -> None:
    with bs.Spot("app", metadata=reader) as spot:
        assert spot.mark(lambda n: 0, name="double")(2) == 4
        assert spot.mark(lambda: b"", name="large")() == b"x" * 3_000_000
        assert spot.mark(lambda n: n * 2, name="double")(3) == 6, "it runs, and is not stored"
        told = 'grant s3:GetObject, s3:PutObject.*or set mode="readonly" if'
        with pytest.raises(MetadataError, match=told):
            spot.metadata.put([Put(a_record(), covers_of(a_record()), 0)])


def test_who_may_only_read_lists_results(reader: str) -> None:
    with bs.open_store(reader, name="app") as store:
        assert sum(each.entries for each in store.functions()) == 2


# ------------------------------------------------------------------------------ kinds of buckets


def test_a_versioned_bucket(server: seaweedfs.Server, url: str) -> None:
    client = server.client()
    client.create_bucket(Bucket="versioned")
    client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    versioned = url.replace(f"s3://{seaweedfs.BUCKET}/", "s3://versioned/")
    with bs.Spot("app", metadata=versioned, strict=True) as spot:
        double = spot.mark(lambda n: n * 2, name="double")
        assert double(2) == double(2) == 4
        spot.invalidate(double, 2)
        assert double(2) == 4
        assert spot.stats()["misses"] == 2
        assert len(spot.metadata.rows()) == 1
        assert spot.prune(max_entries=0).entries == 1
        assert double(2) == 4
    client.close()


def test_a_bucket_that_is_not_there(url: str, caplog: pytest.LogCaptureFixture) -> None:
    missing = url.replace(f"s3://{seaweedfs.BUCKET}/", "s3://nowhere/")
    with bs.Spot("app", metadata=missing) as spot:
        assert spot.mark(lambda n: n * 2, name="double")(2) == 4
    assert "create the bucket" in caplog.text
    with pytest.raises(MetadataError, match="create the bucket"):
        bs.Spot("app", metadata=missing, strict=True).shutdown()
