"""What S3 and the way to it can answer, as errors that say what to do and hold no secret."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot import KeyGen
from beautyspot.errors import BlobNotFound, MetadataError, StorageError
from beautyspot_s3 import S3MetadataStore, S3Storage
from beautyspot_s3 import bucket as bucket_module
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    TokenRetrievalError,
)

LOCATION = "s3://bucket/app/a"
SECRET = "hunter2"


def client_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": f"a message with a {SECRET} in it"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "GetObject")


class Failing:
    """A client whose every call raises `error`."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def call(*_: object, **__: object) -> Any:
            raise self.error

        return call


def storage_that(error: Exception) -> S3Storage:
    client: Any = Failing(error)
    return S3Storage("bucket", "app", client=client)


@pytest.mark.parametrize("code", ["NoSuchKey", "404", "NotFound"])
def test_a_missing_blob(code: str) -> None:
    storage = storage_that(client_error(code, 404))
    with pytest.raises(BlobNotFound, match="no blob at s3://bucket/app/a"):
        storage.load(LOCATION)
    storage.delete(LOCATION)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (client_error("NoSuchBucket", 404), "create the bucket"),
        (client_error("AccessDenied", 403), "grant s3:GetObject"),
        (client_error("ExpiredToken"), "renew the credentials"),
        (client_error("SignatureDoesNotMatch", 403), "check the credentials"),
        (client_error("PermanentRedirect", 301), "set region_name"),
        (client_error("RequestTimeTooSkewed", 403), "set this machine's clock"),
        (client_error("SlowDown", 503), "try again later"),
        (client_error("SomethingNew", 400), "check endpoint_url"),
        (NoCredentialsError(), "check the credentials"),
        (CredentialRetrievalError(provider="x", error_msg=SECRET), "check the credentials"),
        (TokenRetrievalError(provider="sso", error_msg=SECRET), "renew the credentials"),
        (EndpointConnectionError(endpoint_url=f"http://u:{SECRET}@h"), "check endpoint_url"),
        (ReadTimeoutError(endpoint_url=f"http://u:{SECRET}@h"), "check endpoint_url"),
        (ModuleNotFoundError("boto3"), "reinstall beautyspot-s3"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value)[:30],
)
def test_each_failure_says_what_to_do(error: Exception, advice: str) -> None:
    storage = storage_that(error)
    for call in (
        lambda: storage.save("a", b"x"),
        lambda: storage.load(LOCATION),
        lambda: storage.delete(LOCATION),
        lambda: list(storage.list()),
    ):
        with pytest.raises(StorageError, match=advice) as caught:
            call()
        assert not isinstance(caught.value, BlobNotFound)
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is error


def test_who_gave_no_answer_is_named() -> None:
    nobody = "http://127.0.0.1:9"
    keys: Any = {"aws_access_key_id": "AK", "aws_secret_access_key": SECRET}
    options: Any = {"endpoint_url": nobody, "region_name": "us-east-1", **keys}
    store = S3MetadataStore("bucket", timeout=0.3, **options)
    storage = S3Storage("bucket", "app", **options)
    with pytest.raises(MetadataError, match=f"the store s3://bucket/store/.* at {nobody} failed"):
        store.open()
    with pytest.raises(StorageError, match=f"to load {LOCATION} at {nobody} failed"):
        storage.load(LOCATION)
    for one in (store, storage):
        one.close()


def test_without_an_endpoint_aws_is_asked() -> None:
    storage = S3Storage("bucket", region_name="us-east-1")
    with pytest.raises(StorageError, match=r"at AWS failed \(NoCredentialsError\)"):
        storage.save("a", b"x")
    storage.close()


def test_a_secret_is_in_no_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: Any = {"aws_access_key_id": "AK", "aws_secret_access_key": SECRET}
    client: Any = Failing(client_error("SlowDown", 503))
    monkeypatch.setattr(bucket_module.Bucket, "_make", lambda _: client)
    with pytest.raises(StorageError, match="SlowDown") as caught:
        S3Storage("bucket", "app", **keys).load(LOCATION)
    assert caught.value.__cause__ is None, "its text has the secret"


def test_an_interrupt_is_no_failure() -> None:
    client: Any = Failing(KeyboardInterrupt())  # type: ignore[arg-type]  # not an Exception, by intent
    with pytest.raises(KeyboardInterrupt):
        S3Storage("bucket", client=client).save("a", b"")


def test_an_unknown_profile() -> None:
    storage = S3Storage("bucket", profile_name="nobody")
    with pytest.raises(StorageError, match=r"ProfileNotFound.*correct profile_name"):
        storage.save("a", b"x")


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "InvalidToken"])
def test_rotated_credentials_are_read_anew(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """As from the environment or a file: a client keeps those that it was made with."""
    stored: list[bytes] = []

    class Working:
        def put_object(self, *, Body: bytes, **_: object) -> None:  # noqa: N803 - as boto3 has it
            stored.append(Body)

    clients: Any = iter([Failing(client_error(code)), Working()])
    monkeypatch.setattr(bucket_module.Bucket, "_make", lambda _: next(clients))
    storage = S3Storage("bucket", "app")
    with pytest.raises(StorageError, match=code):
        storage.save("a", b"x")
    storage.save("a", b"x")
    assert stored == [b"x"]


def test_a_storage_counts_by_its_place_and_not_by_its_credentials() -> None:
    def input_id(bucket: str = "bucket", **options: Any) -> str:
        return KeyGen().input_id((S3Storage(bucket, **options),), {})

    first = input_id(aws_access_key_id="a", aws_secret_access_key=SECRET)
    second = input_id(aws_access_key_id="b", aws_secret_access_key="c", aws_session_token="d")
    assert first == second == input_id()
    others = [input_id("other"), input_id(prefix="p"), input_id(endpoint_url="http://localhost:1")]
    assert len({first, *others}) == 4
