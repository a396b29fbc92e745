"""S3Storage against moto: the contract of a storage, and what is S3's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from beautyspot.errors import BlobLocationError, ConfigError
from beautyspot_s3 import S3Storage
from beautyspot_testing.storage import StorageContract

KEY = "9f2c41d8/3f/3f5a.bin"
KEYS: dict[str, Any] = {
    "region_name": "us-east-1",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI",
}


class TestS3Storage(StorageContract):
    large = 2**20

    @pytest.fixture(autouse=True)
    def _client(self, mocked: Any) -> None:
        self.client = mocked

    def make(self, tmp_path: Path) -> S3Storage:
        return S3Storage("bucket", f"test/{tmp_path.name}", client=self.client)


def test_without_a_prefix(mocked: Any) -> None:
    storage = S3Storage("bucket", client=mocked)
    for key in ("app/a", "app2/b"):
        assert storage.load(storage.save(key, b"x")) == b"x"
    assert {info.location for info in storage.list()} == {"s3://bucket/app/a", "s3://bucket/app2/b"}
    assert [info.location for info in storage.list("app/")] == ["s3://bucket/app/a"]
    storage.delete("s3://bucket/app/a")
    assert [info.location for info in storage.list()] == ["s3://bucket/app2/b"]


# ------------------------------------------------------------------------------------ options


@pytest.mark.parametrize("prefix", ["cache/app", "/cache/app/", "cache/app/"])
def test_a_prefix_is_a_folder(mocked: Any, prefix: str) -> None:
    storage = S3Storage("bucket", prefix, client=mocked)
    assert (storage.bucket_name, storage.prefix) == ("bucket", "cache/app")
    assert storage.save(KEY, b"x") == f"s3://bucket/cache/app/{KEY}"
    assert mocked.get_object(Bucket="bucket", Key=f"cache/app/{KEY}")["Body"].read() == b"x"
    assert S3Storage("bucket", client=mocked).save(KEY, b"x") == f"s3://bucket/{KEY}"


@pytest.mark.parametrize(
    "bucket", ["", "a", "a/b", "bucket?x", "..", "a b", None, 7, "s3://bucket"]
)
def test_what_is_no_bucket(bucket: Any) -> None:
    with pytest.raises(ConfigError, match="give the bucket's name alone"):
        S3Storage(bucket)


@pytest.mark.parametrize(
    "prefix", ["..", "a/../b", "a//b", "./a", "a\\b", "a\0", "a?b", "a#b", None, 7]
)
def test_what_is_no_prefix(prefix: Any) -> None:
    with pytest.raises(ConfigError, match="give a"):
        S3Storage("bucket", prefix)


def test_the_arn_of_an_access_point() -> None:
    arn = "arn:aws:s3:us-west-2:123456789012:accesspoint/mine"
    assert S3Storage(arn).bucket_name == arn


@pytest.mark.parametrize("url", ["localhost:9000", "minio", "s3.example.com"])
def test_an_endpoint_without_its_scheme(url: str) -> None:
    with pytest.raises(ConfigError, match=f"lacks its scheme: write http://{url} or https://{url}"):
        S3Storage("bucket", endpoint_url=url)


@pytest.mark.parametrize(
    "url", ["hunter2@localhost:9000", "ftp://x", "http://", "http://user:hunter2@host", ""]
)
def test_a_wrong_endpoint_is_refused_and_never_printed(url: str) -> None:
    with pytest.raises(ConfigError, match="endpoint_url must be") as caught:
        S3Storage("bucket", endpoint_url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"aws_access_key_id": "AK"},
        {"aws_secret_access_key": "hunter2"},
        {"aws_session_token": "hunter2"},
    ],
)
def test_half_of_the_credentials_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="credentials are incomplete") as caught:
        S3Storage("bucket", **options)  # type: ignore[arg-type]  # mypy takes them for any option
    assert "hunter2" not in str(caught.value)


def test_an_unknown_addressing_style() -> None:
    with pytest.raises(ConfigError, match="'auto', 'path' or 'virtual'"):
        S3Storage("bucket", addressing_style="dns")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", "/"),
        ("s3://Bucket.x_y/cache/app?region_name=eu-west-1", "Bucket.x_y", "/cache/app"),
        ("s3://bucket/a%20b", "bucket", "/a b"),
    ],
)
def test_urls(url: str, bucket: str, prefix: str) -> None:
    options = S3Storage.options_from_url(url)
    assert options == {"bucket_name": bucket, "prefix": prefix}
    S3Storage(**options)


@pytest.mark.parametrize(
    "url",
    [
        "s3:",
        "s3:///prefix",
        "s3://AK:hunter2@bucket",
        "s3://hunter2@bucket",
        "s3://b:9000",
        "s3://b/p#f",
    ],
)
def test_urls_that_name_no_bucket(url: str) -> None:
    with pytest.raises(ConfigError, match="s3://bucket/prefix") as caught:
        S3Storage.options_from_url(url)
    assert "hunter2" not in str(caught.value)


def test_no_secret_in_a_repr() -> None:
    assert repr(S3Storage("bucket", **KEYS)) == "<S3Storage>"


# ------------------------------------------------------------------------------------- places


@pytest.mark.parametrize(
    "location",
    [
        *(
            "s3://bucket/app2/x",
            "s3://bucket/app",
            "s3://bucket/app/",
            "s3://bucket2/app/x",
            "s3://bucket/x",
        ),
        *(
            "s3://bucket/app/../app2/x",
            "s3://bucket/app//x",
            "s3://bucket/app/./x",
            "S3://bucket/app/x",
        ),
        *(
            "s3://bucket/app/x?versionId=1",
            "s3://bucket/app/x#y",
            "app/x",
            "x",
            "https://bucket/app/x",
        ),
        *("s3://bucket@evil/app/x", "s3://bucket/app/" + "x" * 1021, "s3://bucket/app/\ud800"),
        *(None, b"s3://bucket/app/x", 7),
    ],
)
def test_a_location_elsewhere_is_refused_unasked(location: Any) -> None:
    storage = S3Storage("bucket", "app", client=cast("Any", Silent()))
    for call in (storage.load, storage.delete):
        with pytest.raises(BlobLocationError):
            call(location)


class Silent:
    """A client that must not be used."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def test_a_key_is_a_short_str() -> None:
    storage = S3Storage("bucket", "app", client=cast("Any", Silent()))
    with pytest.raises(BlobLocationError, match="use a relative path"):
        storage.save(7, b"")  # type: ignore[arg-type]
    with pytest.raises(BlobLocationError, match="at most 1024 bytes"):
        storage.save("é" * 511, b"")


def test_a_prefix_never_reaches_its_neighbour(mocked: Any) -> None:
    app, app2 = (
        S3Storage("bucket", "app", client=mocked),
        S3Storage("bucket", "app2", client=mocked),
    )
    other = app2.save(KEY, b"other")
    mocked.put_object(Bucket="bucket", Key="app", Body=b"")
    mocked.put_object(Bucket="bucket", Key="app/folder/", Body=b"")
    ours = app.save(KEY, b"x")
    assert [info.location for info in app.list()] == [ours]
    with pytest.raises(BlobLocationError, match="no blob of s3://bucket/app/"):
        app.delete(other)
    assert app2.load(other) == b"other"


def test_a_list_of_many_pages(mocked: Any) -> None:
    for number in range(5):
        mocked.put_object(Bucket="bucket", Key=f"app/{number}", Body=b"x")
    pages = []

    def two_a_page(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        pages.append(params)
        return {**params, "MaxKeys": 2}

    event = "provide-client-params.s3.ListObjectsV2"
    mocked.meta.events.register(event, two_a_page)
    found = {info.location for info in S3Storage("bucket", "app", client=mocked).list()}
    mocked.meta.events.unregister(event, two_a_page)
    assert found == {f"s3://bucket/app/{number}" for number in range(5)}
    assert len(pages) == 3


# -------------------------------------------------------------------------------- the client


def test_a_given_client_is_used_and_left_open(mocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(mocked, "close", lambda: closed.append(True))
    storage = S3Storage("bucket", client=mocked)
    assert storage.load(storage.save(KEY, b"x")) == b"x"
    storage.close()
    assert not closed
    monkeypatch.undo()


def test_our_client_is_closed(mocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = S3Storage("bucket", **KEYS)
    storage.close()  # none made yet
    storage.save(KEY, b"x")
    client, closed = storage._bucket.client, []
    monkeypatch.setattr(client, "close", lambda: closed.append(True))
    storage.close()
    storage.close()
    assert closed == [True]
