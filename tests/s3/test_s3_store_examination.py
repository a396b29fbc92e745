"""What `doctor` says of a bucket."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot_s3 import S3MetadataStore
from beautyspot_s3.examination import REQUESTS


def told(store: S3MetadataStore) -> list[tuple[str, str]]:
    """What is found of the bucket, behind what requests there are."""
    first, *found = [(finding.state, finding.text) for finding in store.examine()]
    assert first == ("ok", REQUESTS)
    return found


def rule(prefix: str | None = "", **what: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"ID": str(len(what)), "Status": "Enabled", **what}
    return found if prefix is None else {**found, "Filter": {"Prefix": prefix}}


OLD_VERSIONS = {"NoncurrentVersionExpiration": {"NoncurrentDays": 3}}


@pytest.fixture
def bucket(mocked: Any) -> Any:
    """A bucket of the test's own, and a store in it."""
    mocked.create_bucket(Bucket="own-bucket")
    yield mocked
    mocked.delete_bucket_lifecycle(Bucket="own-bucket")
    for version in mocked.list_object_versions(Bucket="own-bucket").get("Versions", ()):
        mocked.delete_object(
            Bucket="own-bucket", Key=version["Key"], VersionId=version["VersionId"]
        )
    mocked.delete_bucket(Bucket="own-bucket")


@pytest.fixture
def own(bucket: Any) -> S3MetadataStore:
    return S3MetadataStore("own-bucket", "cache", namespace="app", client=bucket)


def version(client: Any) -> None:
    client.put_bucket_versioning(Bucket="own-bucket", VersioningConfiguration={"Status": "Enabled"})


def rules(client: Any, *given: dict[str, Any]) -> None:
    client.put_bucket_lifecycle_configuration(
        Bucket="own-bucket", LifecycleConfiguration={"Rules": list(given)}
    )


def test_all_is_well(own: S3MetadataStore, bucket: Any) -> None:
    before = bucket.list_objects_v2(Bucket="own-bucket").get("KeyCount")
    [(state, text)] = told(own)
    assert state == "ok"
    assert "heeds the conditions" in text
    own.close()
    assert before == 0
    assert bucket.list_objects_v2(Bucket="own-bucket")["KeyCount"] == 1, "what the store is"


def test_a_bucket_that_keeps_old_versions_for_good(own: S3MetadataStore, bucket: Any) -> None:
    version(bucket)
    [_, (state, text)] = told(own)
    assert state == "warning"
    assert "NoncurrentVersionExpiration of 1 day" in text
    assert "'cache/store/app/'" in text
    rules(bucket, rule("other/", **OLD_VERSIONS))
    assert told(own)[1][0] == "warning", "that is about another folder"
    rules(bucket, rule("cache/", **OLD_VERSIONS))
    [_, (state, text)] = told(own)
    assert state == "ok"
    assert "for 3 days" in text


@pytest.mark.parametrize(("days", "expected"), [(1, "warning"), (30, "ok")])
def test_a_rule_that_removes_results(
    own: S3MetadataStore, bucket: Any, days: int, expected: str
) -> None:
    rules(bucket, rule("cache/store/", Expiration={"Days": days}))
    [_, (state, text)] = told(own)
    assert state == expected
    assert f"{days} days after" in text
    rules(bucket, rule("cache/2", Expiration={"Days": days}))
    assert len(told(own)) == 1


def test_who_may_not_write_is_told_so(
    own: S3MetadataStore, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    own.open()
    real = bucket._make_api_call

    def denying(operation: str, params: Any) -> Any:
        if operation not in ("GetObject", "ListObjectsV2", "HeadObject"):
            raise ClientError({"Error": {"Code": "AccessDenied"}}, operation)
        return real(operation, params)

    with monkeypatch.context() as denied:
        denied.setattr(bucket, "_make_api_call", denying)
        [(state, text)] = told(own)
    assert state == "ok"
    assert "may only read" in text
