"""What the store says of itself: changed by several at once, lost, damaged, of a later form."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial, partialmethod
from typing import Any

import pytest
from beautyspot.contracts import Invalidation
from beautyspot.errors import MetadataBusyError, MetadataError, NotSupportedError, SchemaError
from beautyspot_s3 import S3MetadataStore, meta, table
from beautyspot_s3.objects import Objects
from beautyspot_testing.records import KEYS, a_record

META = "cache/store/app/meta"


def another(client: Any, **options: Any) -> S3MetadataStore:
    return S3MetadataStore("bucket", "cache", namespace="app", client=client, **options)


def said(client: Any) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(client.get_object(Bucket="bucket", Key=META)["Body"].read())
    return table


def say(client: Any, **changes: Any) -> None:
    body = json.dumps({**said(client), **changes}).encode()
    client.put_object(Bucket="bucket", Key=META, Body=body)


# ------------------------------------------------------------------------------------ it is lost


def test_a_store_whose_meta_was_removed_keeps_its_id(store: S3MetadataStore, mocked: Any) -> None:
    """As by a rule of the bucket: the blobs lie below that ID."""
    store.put(a_record())
    store_id = store.store_id
    mocked.delete_object(Bucket="bucket", Key=META)
    again = another(mocked)
    assert again.store_id == store_id
    assert said(mocked)["store_id"] == store_id
    assert again.generation() > 0


def test_an_empty_object_is_lost_too(store: S3MetadataStore, mocked: Any) -> None:
    """As a server leaves it where the connection breaks before the body of a PUT has come."""
    store.put(a_record())
    store_id, since = store.store_id, store.generation()
    store.note_invalidation(Invalidation(tag="a"))
    for one in (store, another(mocked)):  # one that knows what it said, and one that does not
        mocked.put_object(Bucket="bucket", Key=META, Body=b"")
        one.open()
        mocked.put_object(Bucket="bucket", Key=META, Body=b"")
        assert one.put_valid(a_record(KEYS[1]), one.generation())
        assert said(mocked)["store_id"] == one.store_id == store_id
    mocked.put_object(Bucket="bucket", Key=META, Body=b"")
    assert store.generation() > since
    assert store.invalidated_since(since) == [Invalidation(tag="a")]
    mocked.put_object(Bucket="bucket", Key=META, Body=b"")
    store.note_invalidation(Invalidation(tag="b"))
    assert Invalidation(tag="b") in store.invalidated_since(since)


def test_an_id_that_a_damaged_row_names_is_passed_over(store: S3MetadataStore, mocked: Any) -> None:
    store.put_many(a_record(key) for key in KEYS[1:3])
    store.delete(KEYS[1])
    store_id = store.store_id
    mocked.put_object(Bucket="bucket", Key=f"cache/store/app/rows/{KEYS[0]}", Body=b"x" * 100)
    mocked.delete_object(Bucket="bucket", Key=META)
    assert another(mocked).store_id == store_id


@pytest.mark.parametrize("key", ["~last", "long" * 100])
def test_the_id_is_found_behind_many_rows_that_were_removed(
    store: S3MetadataStore, mocked: Any, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    store.put_many(a_record(each) for each in (*KEYS[:4], key))
    for each in KEYS[:4]:
        store.delete(each)
    store_id = store.store_id
    mocked.delete_object(Bucket="bucket", Key=META)
    monkeypatch.setattr(
        Objects,
        "list",
        partialmethod(Objects.list, page=2),  # as of thousands
    )
    assert another(mocked).store_id == store_id


def test_who_knew_what_was_invalidated_writes_it_anew(store: S3MetadataStore, mocked: Any) -> None:
    since = store.generation()
    store.note_invalidation(Invalidation(tag="a"))
    mocked.delete_object(Bucket="bucket", Key=META)
    assert store.generation() > since
    assert store.invalidated_since(since) == [Invalidation(tag="a")]
    assert not another(mocked).put_valid(a_record(tags=("a",)), since)


def test_results_that_are_under_way_as_it_is_lost_are_stored(mocked: Any) -> None:
    store = another(mocked)
    since = store.generation()
    mocked.delete_object(Bucket="bucket", Key=META)
    assert another(mocked).put_valid(a_record(), since)
    assert store.put_valid(a_record(KEYS[1]), since)


def test_what_is_old_is_written_anew(
    store: S3MetadataStore, mocked: Any, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that removes objects after some days would take it for forgotten."""
    store.open()
    asked.clear()
    another(mocked).open()
    assert asked == ["GetObject meta"], "it is young"
    before = said(mocked)
    monkeypatch.setattr(meta, "OLD", -10.0)
    asked.clear()
    another(mocked).open()
    assert asked == ["GetObject meta", "PutObject meta"]
    after = said(mocked)
    assert before.pop("nonce") != after.pop("nonce")
    assert before == after


# --------------------------------------------------------------------------- others change it, too


def test_invalidations_of_many_stores_and_threads_are_all_noted(mocked: Any) -> None:
    stores = [another(mocked) for _ in range(4)]
    since = stores[0].generation()
    whats = [Invalidation(tag=str(number)) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: stores[n % 4].note_invalidation(whats[n]), range(40)))
    assert set(stores[1].invalidated_since(since)) == set(whats)


def test_those_of_many_threads_are_written_together(
    store: S3MetadataStore, asked: list[str]
) -> None:
    since = store.generation()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(store.note_invalidation, [Invalidation(tag="a")] * 48))
    assert len(store.invalidated_since(since)) == 48
    assert asked.count("PutObject meta") < 40


def test_a_store_that_others_always_change_is_busy(
    mocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = another(mocked, timeout=0.3)
    store.open()
    real = mocked._make_api_call

    def raced(operation: str, params: Any) -> Any:
        if operation == "PutObject" and "IfMatch" in params:
            params = {**params, "IfMatch": '"another"'}
        return real(operation, params)

    monkeypatch.setattr(mocked, "_make_api_call", raced)
    with pytest.raises(MetadataBusyError, match="try again"):
        store.note_invalidation(Invalidation())


# ------------------------------------------------------------------------------------ a long log


def test_a_long_log_forgets_what_a_later_entry_says_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LOGGED", 3)
    first = table.Table("0" * 16, 10)
    many = first.noting([Invalidation(tag=tag) for tag in "abababc"], 0)
    assert [what.tag for _, what in many.log] == ["a", "b", "c"]
    assert many.forgotten == 0
    assert len(many.since(10)) == 3
    more = many.noting([Invalidation(tag="d")], 0)
    assert [what.tag for _, what in more.log] == ["b", "c", "d"]
    assert more.since(10) == [Invalidation()], "all that was before counts as invalidated"
    assert more.since(more.log[0][0] - 1) == [Invalidation(tag=tag) for tag in "bcd"]


def test_results_of_before_a_forgotten_entry_are_not_stored(
    store: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "LOGGED", 2)
    since = store.generation()
    for tag in "abc":
        store.note_invalidation(Invalidation(tag=tag))
    assert not store.put_valid(a_record(tags=()), since)
    assert store.put_valid(a_record(tags=()), store.generation())


# ---------------------------------------------------------------------------------------- damage


@pytest.mark.parametrize(
    "body",
    [
        *(b"<html>", b"[]", b"{}", b"null", b'{"store_id": "../../x"}', b"\xff" * 40),
        table.written(table.Table("../x", 1), "0" * 16),
        b"[" * 100_000,
    ],
    ids=range(8),
)
def test_what_another_has_written_says_what_to_remove(
    store: S3MetadataStore, mocked: Any, body: bytes
) -> None:
    store.put(a_record())
    store_id = store.store_id
    mocked.put_object(Bucket="bucket", Key=META, Body=body)
    put = partial(store.put_valid, a_record(), 1)
    for operation in (another(mocked).open, store.generation, put):
        with pytest.raises(MetadataError, match=f"remove the object '{META}'"):
            operation()
    assert store.find(KEYS[0]) is not None, "a hit does not need it"
    mocked.delete_object(Bucket="bucket", Key=META)
    again = another(mocked)
    assert again.store_id == store_id
    assert store.put_valid(a_record(), store.generation())


def test_an_entry_that_is_none_of_ours_covers_all(store: S3MetadataStore, mocked: Any) -> None:
    since = store.generation()
    say(mocked, generation=since + 1, log=[[since + 1, "k", None, None, None, "later"]])
    assert store.invalidated_since(since) == [Invalidation()]


def test_a_store_of_a_later_form_is_left_alone(store: S3MetadataStore, mocked: Any) -> None:
    store.open()
    say(mocked, written_by=7, readable_from=7)
    for operation in (another(mocked).open, store.generation, lambda: another(mocked).find("x")):
        with pytest.raises(SchemaError, match=r"form 7.*upgrade beautyspot"):
            operation()
    assert said(mocked)["written_by"] == 7
    say(mocked, written_by=7, readable_from=1, later=[1])
    assert another(mocked).store_id == store.store_id


# --------------------------------------------------------------------------------------- signing


def test_who_demands_signing_demands_it_of_all(mocked: Any) -> None:
    plain = another(mocked)
    plain.open()
    assert plain.demands_signing is False
    another(mocked, demands_signing=True).open()
    for options in ({}, {"demands_signing": False}, {"demands_signing": True}):
        later = another(mocked, **options)
        later.open()
        assert later.demands_signing is True
    plain.note_invalidation(Invalidation())
    assert said(mocked)["demands_signing"] is True


def test_of_two_that_make_it_at_once_the_one_who_demands_signing_wins(
    mocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, others = mocked._make_api_call, [another(mocked, demands_signing=True)]

    def make_api_call(operation: str, params: Any) -> Any:
        if operation == "PutObject" and others:
            others.pop().open()  # just before
        return real(operation, params)

    monkeypatch.setattr(mocked, "_make_api_call", make_api_call)
    plain = another(mocked)
    plain.open()
    assert plain.demands_signing is True
    assert said(mocked)["demands_signing"] is True


# ------------------------------------------------------------------------------- to look at it


def test_looking_at_what_is_not_there_makes_nothing(mocked: Any) -> None:
    looking = another(mocked).for_looking()
    assert looking.find(KEYS[0]) is None
    assert list(looking.scan()) == []
    with pytest.raises(MetadataError, match="no ID yet"):
        looking.store_id  # noqa: B018
    with pytest.raises(NotSupportedError, match="looked at|look at"):
        looking.put(a_record())
    assert "Contents" not in mocked.list_objects_v2(Bucket="bucket")


def test_a_wrong_name_is_told_which_ones_there_are(mocked: Any) -> None:
    for name in ("app", "my \xe9", "n" * 200):
        S3MetadataStore("bucket", "cache", namespace=name, client=mocked).open()
    looking = S3MetadataStore("bucket", "cache", namespace="wrong", client=mocked).for_looking()
    with pytest.raises(MetadataError, match="no ID yet.*there are 'app', 'my \xe9', 'nnn"):
        looking.store_id  # noqa: B018


def test_results_are_looked_at_though_what_the_store_says_is_damaged(
    store: S3MetadataStore, mocked: Any
) -> None:
    store.put(a_record())
    mocked.put_object(Bucket="bucket", Key=META, Body=b"damage")
    looking = another(mocked).for_looking()
    assert list(looking.scan(with_data=True)) == [a_record()]
    assert looking.damaged
    with pytest.raises(MetadataError, match="remove the object"):
        looking.store_id  # noqa: B018
