"""Servers that do not know conditional writes: rows work, leases do not, and that is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.contracts import Invalidation
from beautyspot_s3 import S3MetadataStore
from beautyspot_s3.objects import Listed, Objects
from beautyspot_testing.records import KEYS, a_record
from botocore.exceptions import ClientError


def ignoring(real: Any, operation: str, params: Any) -> Any:
    """A server that takes no notice of them."""
    if operation in ("PutObject", "DeleteObject"):
        params = {name: value for name, value in params.items() if "Match" not in name}
    return real(operation, params)


def refusing(real: Any, operation: str, params: Any) -> Any:
    """A server that answers that it has no such thing."""
    if operation in ("PutObject", "DeleteObject") and any("Match" in name for name in params):
        answer: Any = {
            "Error": {"Code": "NotImplemented", "Message": "A header implies what is not there"},
            "ResponseMetadata": {"HTTPStatusCode": 501},
        }
        raise ClientError(answer, operation)
    return real(operation, params)


@pytest.fixture(params=[ignoring, refusing], ids=["ignoring", "refusing"])
def plain(
    mocked: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[S3MetadataStore]:
    """A store at such a server."""
    real, answers = mocked._make_api_call, request.param
    monkeypatch.setattr(mocked, "_make_api_call", lambda *given: answers(real, *given))
    store = S3MetadataStore("bucket", "cache", namespace="app", client=mocked)
    yield store
    store.close()


def test_results_are_stored_and_invalidated(plain: S3MetadataStore) -> None:
    with bs.Spot("app", metadata=plain, strict=True) as spot:
        runs: list[int] = []

        @spot.mark(ignore=("runs",))
        def double(number: int) -> int:
            runs.append(number)
            return number * 2

        assert double(2) == double(2) == 4
        spot.invalidate(double, 2)
        assert double(2) == 4
        assert spot.invalidate_all(double) == 1
        assert double(2) == 4
    assert runs == [2, 2, 2]


def test_a_newer_row_stays(plain: S3MetadataStore) -> None:
    now, since = plain.now(), plain.generation()
    begun = plain.begin(KEYS[0])
    newer = a_record(version="newer", began_at=now - 5, made_at=now - 4)
    older = a_record(version="older", began_at=now - 10, made_at=now - 3)
    assert plain.put_valid(newer, since)
    assert not plain.put_valid(older, since)
    found = plain.get(KEYS[0])
    assert found is not None
    assert found.version == "newer"
    del begun


def test_what_was_invalidated_is_not_put(plain: S3MetadataStore) -> None:
    since = plain.generation()
    plain.note_invalidation(Invalidation(tag="red"))
    assert plain.invalidated_since(since) == [Invalidation(tag="red")]
    assert not plain.put_valid(a_record(), since)


def test_a_note_that_another_has_overwritten_is_noted_again(
    plain: S3MetadataStore, mocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.begin(KEYS[0])  # which finds out what the server does
    since = plain.generation()
    before = mocked.get_object(Bucket="bucket", Key="cache/store/app/meta")["Body"].read()
    real, raced = mocked._make_api_call, []

    def racing(operation: str, params: Any) -> Any:
        answer = real(operation, params)
        if operation == "PutObject" and params["Key"].endswith("/meta") and not raced:
            raced.append(real(operation, {**params, "Body": before}))
        return answer

    monkeypatch.setattr(mocked, "_make_api_call", racing)
    plain.note_invalidation(Invalidation(tag="red"))
    assert raced
    assert plain.invalidated_since(since) == [Invalidation(tag="red")]


def test_it_is_examined(plain: S3MetadataStore, mocked: Any) -> None:
    plain.open()
    states = {finding.state: finding.text for finding in plain.examine()}
    assert "takes no notice of the conditions" in states["warning"]
    assert "another store" in states["warning"]
    listed = mocked.list_objects_v2(Bucket="bucket")["Contents"]
    assert [one["Key"] for one in listed] == ["cache/store/app/meta"], "nothing is left behind"


def test_a_row_that_takes_the_place_of_a_tombstone_during_a_sweep_stays(
    plain: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.put_many([a_record(), a_record(KEYS[1])])
    plain.delete(KEYS[0])
    plain.delete(KEYS[1])
    now, listed = plain.now, Objects.list

    def raced(objects: Objects, prefix: str, **options: Any) -> Iterator[list[Listed]]:
        for page in listed(objects, prefix, **options):
            if prefix.endswith("rows/"):
                plain.put(a_record())
            yield page

    monkeypatch.setattr(plain, "now", lambda: now() + 172_800)
    monkeypatch.setattr(Objects, "list", raced)
    plain.sweep(0.0)
    assert [record.cache_key for record in plain.scan()] == [KEYS[0]]
    assert plain.sweep(0.0) == 0
