"""A lost database costs no result that lies in the bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.errors import BlobNotFound
from beautyspot_cli.program import beautyspot
from beautyspot_s3 import S3Storage
from click.testing import CliRunner
from servers import seaweedfs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "a-signing-key-0123456789"


def functions(spot: bs.Spot, path: Path) -> list[Callable[[], Any]]:
    """Calls whose results are blobs."""

    @spot.mark(name="app:ask", version=2, tags=("日本", "x" * 50), arguments=True)
    def ask(prompt: str, number: int) -> str:
        return f"{prompt} {number} " + "y" * 20_000

    @spot.mark(name="app:film")
    def film() -> bs.File:
        return bs.File(path, "video/mp4")

    @spot.mark(name="app:picture", content_type="image/png")
    def picture() -> bytes:
        return b"\x89PNG\r\n\x1a\n" + bytes(20_000)

    calls: list[Callable[[], Any]] = [
        lambda n=n: ask("good  morning, 日本" * 50, n) for n in (1, 2)
    ]
    return [*calls, lambda: film().read_bytes(), picture]


def lost_and_found(
    place: Any, folder: Path, adopt: Callable[[Path, str], None], **options: Any
) -> None:
    """Run calls, delete the database, adopt, and have each call be a hit."""
    path = folder / "日本 film.mp4"
    path.write_bytes(b"film" * 10_000)
    options = {"directory": folder / "spot", "storage": place, "blob_threshold": 1000, **options}
    with bs.Spot("app", strict=True, config=False, **options) as spot:
        expected = [call() for call in functions(spot, path)]
        rows = [*spot.metadata.scan()]
        database, lost = spot.db_path, spot.metadata.store_id
    assert {row.result_type for row in rows} == {bs.FILE}
    for each in (folder / "spot").glob("app.db*"):
        each.unlink()
    adopt(database, lost)
    with bs.Spot("app", mode="replay", config=False, **options) as spot:
        assert [call() for call in functions(spot, path)] == expected
        assert spot.metadata.store_id != lost
        found = [*spot.metadata.scan()]
    unlike = {"arguments": None, "arg_digests": None}
    assert [row._replace(**unlike) for row in found] == [row._replace(**unlike) for row in rows]
    assert [row.arg_digests for row in found] == [row.arg_digests for row in rows]


@pytest.mark.parametrize("key", [None, KEY])
def test_after_a_lost_database_each_call_is_a_hit_again(
    mocked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    """By the command line, as somebody would do it."""

    def adopt(database: Path, lost: str) -> None:
        words = ["strays", str(database), "--storage", "s3://bucket/app", "--json"]
        for more in ([], ["--adopt", "--dry-run", "--id", lost[:8]]):
            done = CliRunner().invoke(beautyspot, [*words, *more])
            assert done.exit_code == 0, (done.output, done.exception)
            assert [stray["id"] for stray in json.loads(done.stdout)["strays"]] == [lost]
            assert not database.exists()
        done = CliRunner().invoke(beautyspot, [*words, "--adopt", "--yes", "--id", lost])
        assert done.exit_code == 0, (done.output, done.exception)
        document = json.loads(done.stdout)
        [stray] = document["strays"]
        assert (stray["id"], stray["blobs"]) == (lost, 4)
        adopted = document["adopted"]
        assert (adopted["entries"], adopted["untold"], adopted["faults"]) == (4, 0, [])

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    if key is not None:
        monkeypatch.setenv("BEAUTYSPOT_SIGNING_KEY", key)
    lost_and_found("s3://bucket/app", tmp_path, adopt)
    kinds = {
        mocked.head_object(Bucket="bucket", Key=each["Key"])["ContentType"]
        for each in mocked.list_objects_v2(Bucket="bucket", Prefix="app/")["Contents"]
    }
    assert {"image/png", "video/mp4"} <= kinds


@pytest.mark.server
def test_the_same_on_a_server(server: seaweedfs.Server, tmp_path: Path) -> None:
    options: dict[str, Any] = {"region_name": "us-east-1", **server.admin.options()}
    storage = S3Storage(seaweedfs.BUCKET, tmp_path.name, endpoint_url=server.url, **options)

    def adopt(database: Path, lost: str) -> None:
        with bs.open_store(database, storage=storage, config=False, create=True) as store:
            [stray] = store.strays(functions=True)
            assert {name: each.entries for name, each in stray.functions.items()} == {
                "app:ask": 2, "app:film": 1, "app:picture": 1
            }  # fmt: skip
            assert store.adopt() == bs.Adopted(0, 0, 0, 0, (), (lost,))
            assert store.adopt(lost).entries == 4
            assert [*store.verify()] == []
            assert store.strays() == []

    lost_and_found(storage, tmp_path, adopt)
    storage.close()


# --------------------------------------------------------------------------- metadata of objects


def test_what_does_not_fit_is_left_out_within_the_limit(mocked: Any) -> None:
    storage = S3Storage("bucket", client=mocked)
    told = {"first": "日本" * 10, "second": "x" * 1500, "third": "y" * 1000, "fourth": "z"}
    location = storage.save("a/b", b"x", about=told)
    metadata = mocked.head_object(Bucket="bucket", Key="a/b")["Metadata"]
    assert sum(len(name) + len(text) for name, text in metadata.items()) <= 2048
    assert all(text.isascii() and text.isprintable() for text in metadata.values())
    assert list(storage.about(location)) == ["first", "second"]


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({}, {}),
        ({"other": "x"}, {}),
        ({"beautyspot": ""}, {}),
        ({"beautyspot": "a=1&b"}, {"a": "1", "b": ""}),
        ({"beautyspot": "&".join("a=1" for _ in range(600))}, {"a": "1"}),
        ({"beautyspot": "%ff%fe=%zz"}, None),
    ],
)
def test_what_others_write_there_is_no_error(
    mocked: Any, metadata: dict[str, str], told: dict[str, str] | None
) -> None:
    storage = S3Storage("bucket", client=mocked)
    mocked.put_object(Bucket="bucket", Key="a/b", Body=b"x", Metadata=metadata)
    found = storage.about("s3://bucket/a/b")
    assert told is None or found == told


def test_of_a_blob_that_is_gone_nothing_is_told(mocked: Any) -> None:
    with pytest.raises(BlobNotFound):
        S3Storage("bucket", client=mocked).about("s3://bucket/gone")
