"""S3Storage against a real server: access, content types, large blobs, failures, a bad network."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from beautyspot import File
from beautyspot.errors import StorageError
from beautyspot_s3 import S3Storage
from beautyspot_s3 import storage as storage_module
from beautyspot_testing.storage import StorageContract
from servers import proxy, seaweedfs

pytestmark = pytest.mark.server

KEY = "9f2c41d8/3f/3f5a.png"


def storage_at(
    url: str, identity: seaweedfs.Identity, prefix: str, bucket: str = seaweedfs.BUCKET
) -> S3Storage:
    options: dict[str, Any] = {"region_name": "us-east-1", **identity.options()}
    return S3Storage(bucket, prefix, endpoint_url=url, **options)


def source_at(server: seaweedfs.Server, prefix: str) -> str:
    """Python source of the same for another process."""
    options = {"endpoint_url": server.url, "region_name": "us-east-1", **server.admin.options()}
    place = f"{seaweedfs.BUCKET!r}, {prefix!r}, **{options!r}"
    return f"from beautyspot_s3 import S3Storage; storage = S3Storage({place})"


@pytest.fixture
def storage(server: seaweedfs.Server, tmp_path: Path) -> Iterator[S3Storage]:
    storage = storage_at(server.url, server.admin, tmp_path.name)
    yield storage
    storage.close()


@pytest.fixture(scope="module")
def shared(server: seaweedfs.Server) -> Iterator[Any]:
    """One client for all tests of the contract: making one takes longer than most of them."""
    storage = storage_at(server.url, server.admin, "")
    yield storage._bucket.client
    storage.close()


class TestS3Server(StorageContract):
    writes = 5
    large = 2**23

    @pytest.fixture(autouse=True)
    def _server(self, server: seaweedfs.Server, shared: Any) -> None:
        self.server, self.client = server, shared

    def make(self, tmp_path: Path) -> S3Storage:
        return S3Storage(seaweedfs.BUCKET, f"contract/{tmp_path.name}", client=self.client)

    def make_again(self, tmp_path: Path) -> S3Storage:
        return storage_at(self.server.url, self.server.admin, f"contract/{tmp_path.name}")


# -------------------------------------------------------------------------------------- blobs


@pytest.mark.parametrize(
    ("size", "in_parts_from"),
    [
        (1000, storage_module.MULTIPART_FROM),
        (9 * 2**20, 9 * 2**20),
        pytest.param(64 * 2**20, storage_module.MULTIPART_FROM, marks=pytest.mark.slow),
        pytest.param(101 * 2**20, storage_module.MULTIPART_FROM, marks=pytest.mark.slow),
    ],
    ids=["small", "in parts", "64 MB", "101 MB in parts"],
)
def test_blobs_and_their_content_type(
    server: seaweedfs.Server,
    storage: S3Storage,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    in_parts_from: int,
) -> None:
    monkeypatch.setattr(storage_module, "MULTIPART_FROM", in_parts_from)
    data = os.urandom(size)
    location = storage.save(KEY, data, content_type="image/webp")  # not by the name
    assert storage.load(location) == data
    client = server.client()
    key = location.removeprefix("s3://bucket/")
    url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": key})
    client.close()
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert answer.headers["Content-Type"] == "image/webp"
        assert answer.headers["Content-Length"] == str(size)
        assert answer.read(1000) == data[:1000]
    storage.delete(location)


def test_a_file_travels_in_parts(
    make_spot: Any, storage: S3Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_module, "PART", 5 * 2**20)  # the least that S3 takes
    data = os.urandom(11 * 2**20)
    (tmp_path / "film.mp4").write_bytes(data)
    spot = make_spot(storage=storage, strict=True)
    film = spot.mark(name="film", key="film")(lambda: File(tmp_path / "film.mp4"))
    film()
    (tmp_path / "film.mp4").unlink()
    assert film().read_bytes() == data
    [blob] = storage.list()
    monkeypatch.setattr(S3Storage, "load_part", None)
    assert film().path.stat().st_size == blob.size == len(data), "it is fetched once"


FORKS = """
import os
from urllib3 import connectionpool
connectionpool.is_connection_dropped = lambda _: False  # as if answers came just after that look
data = [bytes([number]) * 8_000_000 for number in range(2)]  # more than a socket holds
locations = [storage.save(str(number), data[number]) for number in range(2)]
reading, writing = os.pipe()
child = os.fork()
if not child:  # asks while its parent's answer lies on the connection that both have
    os.read(reading, 1)
    os._exit(storage.load(locations[1]) != data[1])
client = storage._bucket.client
place = client.get_object(Bucket=BUCKET, Key=storage._whole_key(locations[0]))
os.write(writing, b"x")
ended = os.waitpid(child, 0)[1]
os._exit(ended != 0 or place["Body"].read() != data[0])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_children_read_their_own_answers(server: seaweedfs.Server, tmp_path: Path) -> None:
    program = source_at(server, tmp_path.name) + FORKS.replace("BUCKET", repr(seaweedfs.BUCKET))
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


# ------------------------------------------------------------------------------------ network


@pytest.fixture
def between(server: seaweedfs.Server) -> Iterator[proxy.Proxy]:
    with proxy.Proxy(server.port) as between:
        yield between


@pytest.fixture
def far(server: seaweedfs.Server, between: proxy.Proxy, storage: S3Storage) -> Iterator[S3Storage]:
    """The same storage, through the proxy."""
    far = storage_at(between.url, server.admin, storage.prefix)
    yield far
    far.close()


def test_a_failure_that_passes_is_tried_again(
    between: proxy.Proxy, far: S3Storage, storage: S3Storage
) -> None:
    location = storage.save(KEY, b"x")
    between.plan += [proxy.answer(503), proxy.reset]
    assert far.load(location) == b"x"
    assert between.connections == 3


def test_a_blob_that_is_cut_off_is_no_blob(
    between: proxy.Proxy, far: S3Storage, storage: S3Storage
) -> None:
    location = storage.save(KEY, b"x" * 1_000_000)
    between.plan += [proxy.cut(100_000)]
    with pytest.raises(StorageError, match="check endpoint_url"):
        far.load(location)
    assert far.load(location) == b"x" * 1_000_000


def test_a_save_that_is_cut_off_leaves_the_old_blob(
    between: proxy.Proxy, far: S3Storage, storage: S3Storage
) -> None:
    location = storage.save(KEY, b"old")
    between.plan += [proxy.reset] * 3
    with pytest.raises(StorageError):
        far.save(KEY, b"x" * 1_000_000)
    assert storage.load(location) == b"old"
