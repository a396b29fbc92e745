"""Options of the store in a bucket: what is wrong is said when it is made."""

from __future__ import annotations

import os
import threading
from typing import Any
from zlib import crc32

import pytest
from beautyspot.contracts import Counts, Invalidation, Selection
from beautyspot.errors import ConfigError, MetadataError
from beautyspot_s3 import S3MetadataStore, examination, listing, putting, reading, rows, uses
from beautyspot_s3.several import side_by_side
from beautyspot_testing.records import KEYS, a_record
from botocore.exceptions import ClientError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"namespace": ""}, "is no name: give a text"),
        ({"namespace": 7}, "is no name: give a text"),
        ({"timeout": "soon"}, "give a number of seconds"),
        ({"timeout": 0}, "too short: give 0.1 s or more"),
        ({"lease_time": -1}, "give a number of seconds"),
        ({"largest_data": "many"}, "give a number of bytes"),
        ({"largest_data": -1}, "give a number of bytes"),
        ({"largest_data": "2 GiB"}, "is too much"),
        ({"demands_signing": "yes"}, "give True or False"),
        ({"prefix": "../x"}, "give a folder"),
        ({"endpoint_url": "localhost"}, "lacks its scheme"),
        ({"aws_access_key_id": "a"}, "credentials are incomplete"),
    ],
)
def test_a_wrong_option_says_what_to_give(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        S3MetadataStore("bucket", **options)


def test_options_are_kept() -> None:
    store = S3MetadataStore("bucket", lease_time="1 min", largest_data="4 MiB", timeout="2s")
    assert (store.lease_time, store.largest_data) == (60.0, 4 * 2**20)
    assert store.remote


def test_a_closed_store_is_not_opened_again(store: S3MetadataStore) -> None:
    store.close()
    with pytest.raises(MetadataError, match="closed"):
        store.open()


def test_the_id_that_is_looked_at_is_the_store_s(store: S3MetadataStore) -> None:
    store_id = store.store_id
    assert store.for_looking().store_id == store_id


# ------------------------------------------------------------------------------ bounded memories


def test_what_is_kept_of_rows_is_bounded(
    store: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((reading, "RECENT"), (putting, "REMEMBERED"), (uses, "KEPT")):
        monkeypatch.setattr(module, name, 2)
    store.put_many(a_record(key) for key in KEYS[:6])
    for key in KEYS[:6]:
        store.note_invalidation(Invalidation(cache_key=key))
        assert store.find(key) is not None
        store.touch({key: 1.5})
    assert len(store._recent) <= 2
    assert len(store._putter._noted) <= 2
    assert {record.used_at for record in store.scan()} == {1.5}
    assert store._uses._kept == {}
    store.touch({})


def test_a_scan_with_data_reads_few_large_rows_at_a_time(
    store: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LARGEST", 3000)
    records = [a_record(key, result_data=b"x" * 2000) for key in KEYS[:4]]
    store.put_many(records)
    parts: list[int] = []

    def noted(work: Any, items: Any) -> Any:
        parts.append(len(items))
        return side_by_side(work, items)

    monkeypatch.setattr(listing, "side_by_side", noted)
    assert list(store.scan(with_data=True)) == records
    assert parts == [1, 1, 1, 1]


def test_a_page_ends_after_its_time(
    store: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 2)
    store.put_many(a_record(key) for key in KEYS[:5])
    page = store.page(Selection(version="none"), seconds=0.0)
    assert (page.records, page.following, page.looked_at) == ([], KEYS[1], 2)
    assert store.totals(selection=Selection(version="none")).entries == 0


# ---------------------------------------------------------------------------------------- damage


def test_a_digest_that_is_none_is_missing(store: S3MetadataStore) -> None:
    row = rows.written(a_record(digest=b"12"), "0" * 16, "0" * 16)
    text = row[rows.HEAD :].replace(b'"MTI="', b'"MTI"')
    body = text[: text.index(b"\n") + 1]
    damaged = rows.MARK + b"%08x %08x %012x\n" % (crc32(body), len(body), 3) + text
    read = rows.read(damaged, len(damaged))
    assert read is not None
    assert read.fields["digest"] is None


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_counts_that_are_no_numbers_count_nothing(
    store: S3MetadataStore, mocked: Any, number: str
) -> None:
    store.add_counts([Counts("m:f", 480_000, 5)])
    body = f'{{"counts": [["m:f", 480000, {number}]], "merged": []}}'.encode()
    mocked.put_object(Bucket="bucket", Key="cache/store/app/counts/2024-10-04-x", Body=body)
    assert [count.hits for count in store.counts()] == [5]


# ------------------------------------------------------------------------------------- failures


class Failing:
    """Between client and bucket: fails some operations."""

    def __init__(self, real: Any, operation: str, code: str) -> None:
        self._real, self._operation, self._code = real, operation, code

    def __call__(self, operation: str, params: Any) -> Any:
        if operation == self._operation:
            raise ClientError({"Error": {"Code": self._code}}, operation)
        return self._real(operation, params)


@pytest.mark.parametrize("operation", ["HeadObject", "PutObject", "DeleteObject", "ListObjectsV2"])
def test_a_failure_of_any_request_is_a_metadata_error(
    store: S3MetadataStore, mocked: Any, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    store.put(a_record())
    store.delete(KEYS[0])
    with monkeypatch.context() as failing:
        failing.setattr(
            mocked, "_make_api_call", Failing(mocked._make_api_call, operation, "AccessDenied")
        )
        now = store.now()
        failing.setattr(store, "now", lambda: now + 3 * 86_400)
        work = {
            "HeadObject": lambda: store._translated(lambda: store._objects.head("x")),
            "PutObject": lambda: store.put(a_record()),
            "DeleteObject": lambda: store.sweep(0.0),
            "ListObjectsV2": lambda: list(store.scan()),
        }[operation]
        with pytest.raises(MetadataError, match="grant s3:GetObject"):
            work()


def test_an_object_that_is_gone_when_it_is_to_be_removed(
    store: S3MetadataStore, mocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.open()
    monkeypatch.setattr(
        mocked, "_make_api_call", Failing(mocked._make_api_call, "DeleteObject", "NoSuchKey")
    )
    store._objects.delete("x")


def test_a_server_that_knows_no_conditions_of_removals(
    store: S3MetadataStore, mocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = mocked._make_api_call, list[Any]()

    def refusing(operation: str, params: Any) -> Any:
        asked.append(params)
        if operation == "DeleteObject" and "IfMatch" in params:
            raise ClientError({"Error": {"Code": "NotImplemented"}}, operation)
        return real(operation, params)

    store.put(a_record())
    monkeypatch.setattr(mocked, "_make_api_call", refusing)
    store._objects.delete(f"cache/store/app/rows/{KEYS[0]}", '"etag"')
    assert store.find(KEYS[0]) is None


def test_an_examination_that_fails_says_so(
    store: S3MetadataStore, mocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.open()
    with monkeypatch.context() as failing:
        failing.setattr(
            mocked, "_make_api_call", Failing(mocked._make_api_call, "PutObject", "QuotaExceeded")
        )
        with pytest.raises(MetadataError, match="make room"):
            list(store.examine())
    rule: Any = {"Filter": {"Tag": {"Key": "a", "Value": "b"}}}
    assert not examination._covers(rule, store._names), "a rule for tags is not about these"


def test_a_forked_child_has_locks_of_its_own(
    store: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.open()
    since = store.generation()
    with store._meta._lock:  # as another thread of the parent has it at the fork
        monkeypatch.setattr(os, "getpid", lambda: -1)
        store.note_invalidation(Invalidation(tag="a"))
        monkeypatch.undo()
    assert store.invalidated_since(since) == [Invalidation(tag="a")]


def test_who_interrupts_requests_waits_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    main, go_on = threading.get_ident(), threading.Event()

    def work(_: int) -> None:
        if threading.get_ident() == main:
            raise KeyboardInterrupt
        go_on.wait(30)

    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, range(4))
    go_on.set()


def test_a_lease_that_two_threads_release_is_released_once(
    store: S3MetadataStore, asked: list[str]
) -> None:
    lease: Any = store.try_lease(KEYS[0])
    asked.clear()
    store._keeper.release(lease)
    store._keeper.release(lease)
    assert asked == ["PutObject leases"]
