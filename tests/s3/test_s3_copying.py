"""A store whose blobs are in a bucket is copied to this machine, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import beautyspot as bs
from beautyspot_s3 import S3Storage

if TYPE_CHECKING:
    from pathlib import Path


def test_blobs_go_into_a_bucket_and_back(mocked: Any, tmp_path: Path, make_spot: Any) -> None:
    spot = make_spot(strict=True)

    @spot.mark(name="app:work", save_blob=True)
    def work(number: int) -> Any:
        return [number, "x" * 1000]

    path = tmp_path / "film.mp4"
    path.write_bytes(b"film" * 1000)

    @spot.mark(name="app:film")
    def film() -> bs.File:
        return bs.File(path)

    work(1), work(2), film()
    bucket = S3Storage("bucket", "copy", client=mocked)
    source = bs.open_store(spot)
    with bs.open_store(tmp_path / "up.db", storage=bucket, create=True) as up:
        assert source.copy_to(up)[:4] == (3, source.total().size, 0, ())
        assert [*up.verify()] == []
        assert len([*bucket.list()]) == 3
        assert {info["ContentType"] for info in described(mocked)} >= {"video/mp4"}
        with bs.open_store(tmp_path / "back" / "down.db", create=True) as down:
            assert up.copy_to(down).entries == 3
            assert [*down.verify()] == []
            content = down.content(spot.key(film))
            assert b"".join(content.chunks()) == path.read_bytes()
            assert content.filename == "film.mp4"


def described(client: Any) -> list[Any]:
    found = client.list_objects_v2(Bucket="bucket")["Contents"]
    return [client.head_object(Bucket="bucket", Key=each["Key"]) for each in found]
