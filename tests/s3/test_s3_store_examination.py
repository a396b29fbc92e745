"""What `doctor` says of a bucket."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot_s3 import S3MetadataStore
from beautyspot_s3.examination import REQUESTS
from botocore.exceptions import ClientError


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
    """A bucket of the test's own."""
    mocked.create_bucket(Bucket="own-bucket")
    yield mocked
    mocked.delete_bucket_lifecycle(Bucket="own-bucket")
    found = mocked.list_object_versions(Bucket="own-bucket")
    for version in [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]:
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


def names(client: Any) -> list[str]:
    found = client.list_objects_v2(Bucket="own-bucket").get("Contents", ())
    return [one["Key"] for one in found]


def test_all_is_well(own: S3MetadataStore, bucket: Any) -> None:
    [(state, text)] = told(own)
    assert state == "ok"
    assert "heeds the conditions of writes and removals" in text
    assert names(bucket) == ["cache/store/app/id", "cache/store/app/probe"], "no more than begins"


def test_a_bucket_that_keeps_old_versions_for_good(own: S3MetadataStore, bucket: Any) -> None:
    version(bucket)
    [_, (state, text)] = told(own)
    assert state == "warning"
    assert "NoncurrentVersionExpiration of 1 day" in text
    assert "'cache/store/app/'" in text
    rules(bucket, rule("other/", **OLD_VERSIONS))
    assert told(own)[1][0] == "warning", "that is about another folder"
    rules(bucket, rule(None, Filter={"Tag": {"Key": "a", "Value": "b"}}, **OLD_VERSIONS))
    assert told(own)[1][0] == "warning", "that is about some objects alone"
    rules(bucket, rule("cache/", **OLD_VERSIONS))
    assert len(told(own)) == 1


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


def answering(real: Any, *operations: str, code: str) -> Any:
    def answer(operation: str, params: Any) -> Any:
        if operation in operations:
            status = {"AccessDenied": 403, "QuotaExceeded": 507}[code]
            error: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(error, operation)
        return real(operation, params)

    return answer


def test_who_may_not_write_is_told_so(
    own: S3MetadataStore, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.open()
    denying = answering(
        bucket._make_api_call,
        *("PutObject", "DeleteObject", "GetBucketVersioning", "GetBucketLifecycleConfiguration"),
        code="AccessDenied",
    )
    with monkeypatch.context() as denied:
        denied.setattr(bucket, "_make_api_call", denying)
        [(state, text)] = told(own)
    assert state == "ok"
    assert "may only read" in text


def test_what_keeps_the_store_from_writing_is_a_problem(
    own: S3MetadataStore, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.open()
    full = answering(bucket._make_api_call, "PutObject", code="QuotaExceeded")
    with monkeypatch.context() as failing:
        failing.setattr(bucket, "_make_api_call", full)
        [(state, text)] = told(own)
    assert state == "problem"
    assert "make room in the bucket" in text


@pytest.mark.parametrize(
    ("without", "state", "says"),
    [
        ({"IfMatch"}, "warning", "a rule of the bucket remove what is older than a day below"),
        ({"IfMatch", "IfNoneMatch"}, "problem", "takes no notice of conditional writes"),
    ],
)
def test_a_server_that_does_not_heed_conditions(
    own: S3MetadataStore,
    bucket: Any,
    monkeypatch: pytest.MonkeyPatch,
    without: set[str],
    state: str,
    says: str,
) -> None:
    real = bucket._make_api_call

    def ignoring(operation: str, params: Any) -> Any:
        if operation == "DeleteObject" or "IfNoneMatch" in without:
            params = {name: value for name, value in params.items() if name not in without}
        return real(operation, params)

    with monkeypatch.context() as plain:
        plain.setattr(bucket, "_make_api_call", ignoring)
        [(found, text)] = told(own)
    assert found == state
    assert says in text
