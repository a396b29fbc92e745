"""Rows in a bucket: names, damage, strangers, and what is found of them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from beautyspot.contracts import FILE, Selection
from beautyspot.errors import ConfigError, MetadataError
from beautyspot_s3 import S3MetadataStore, rows
from beautyspot_s3.names import Names, key_name
from beautyspot_testing.records import KEYS, a_record
from hypothesis import given
from hypothesis import strategies as st

FOLDER = "cache/store/app/"
ROW = f"{FOLDER}rows/{KEYS[0]}"

TEXTS = st.text(st.characters(codec="utf-8"), max_size=6) | st.text("-=_~!/.%a0Z{`@[^:", max_size=6)


def body(client: Any, name: str) -> bytes:
    data: bytes = client.get_object(Bucket="bucket", Key=name)["Body"].read()
    return data


def names(client: Any, prefix: str = "") -> list[str]:
    answer = client.list_objects_v2(Bucket="bucket", Prefix=prefix)
    return [one["Key"] for one in answer.get("Contents", ())]


# ----------------------------------------------------------------------------------------- names


@given(TEXTS, TEXTS)
def test_the_names_of_rows_come_in_the_order_of_their_keys(one: str, two: str) -> None:
    assert (key_name(one) < key_name(two)) == (one < two)
    assert (key_name(one) == key_name(two)) == (one == two)


@given(TEXTS, TEXTS)
def test_two_namespaces_have_no_name_in_common(one: str, two: str) -> None:
    roots = [Names("", text).root for text in (one or "x", two or "x")]
    assert (roots[0] == roots[1]) == ((one or "x") == (two or "x"))
    assert roots[0].count("/") == 2, "nor is one in the other"
    assert not roots[0].startswith(("store/./", "store/../", "store//"))


@pytest.mark.parametrize(
    "namespace", [".", "..", "../other", "a/b", "a\\b", "é" * 200, "%2e%2e", "~~", " ", "\ud800"]
)
def test_a_namespace_may_be_any_text(mocked: Any, namespace: str) -> None:
    if not namespace.strip():
        with pytest.raises(ConfigError, match="namespace"):
            S3MetadataStore("bucket", namespace=namespace, client=mocked)
        return
    store = S3MetadataStore("bucket", "cache", namespace=namespace, client=mocked)
    store.put(a_record())
    assert store.get(KEYS[0]) == a_record()
    assert all(name.startswith("cache/store/") and name.count("/") <= 4 for name in names(mocked))
    assert all(len(name) < 250 for name in names(mocked))


def test_a_bucket_without_a_prefix(mocked: Any) -> None:
    store = S3MetadataStore("bucket", namespace="app", client=mocked)
    store.put(a_record())
    assert names(mocked) == ["store/app/meta", f"store/app/rows/{KEYS[0]}"]


def test_stores_of_one_bucket_are_apart(mocked: Any) -> None:
    places = [("a", "n"), ("a", "m"), ("", "n"), ("a/b", "n")]
    stores = [S3MetadataStore("bucket", *[p], namespace=n, client=mocked) for p, n in places]
    for number, store in enumerate(stores):
        store.put(a_record(version=str(number)))
    for number, store in enumerate(stores):
        assert [record.version for record in store.scan()] == [str(number)]
    assert len({store.store_id for store in stores}) == 4


# ---------------------------------------------------------------------------------------- damage


def damages(row: bytes) -> dict[str, bytes]:
    middle = len(row) // 2
    other = rows.written(a_record(KEYS[1]), "0" * 16, "0" * 16)
    return {
        "empty": b"",
        "cut": row[:-1],
        "cut in its fields": row[:middle],
        "cut in its head": row[:20],
        "longer": row + b"x",
        "another key's": other,
        "a flipped bit": row[:middle] + bytes([row[middle] ^ 1]) + row[middle + 1 :],
        "a flipped bit of its head": row[:15] + b"7" + row[16:],
        "a later form": b"bs2 " + row[4:],
        "a stranger's": b"<html>" * 50,
        "json": b"bs1 deadbeef 00000002 000000000000\n[]",
    }


@pytest.mark.parametrize("kind", damages(b"x" * 300))
def test_a_damaged_row_is_a_miss_and_is_replaced(
    store: S3MetadataStore, mocked: Any, kind: str
) -> None:
    store.put(a_record())
    damage = damages(body(mocked, ROW))[kind]
    mocked.put_object(Bucket="bucket", Key=ROW, Body=damage)
    assert store.find(KEYS[0]) is store.get(KEYS[0]) is store.find_code(KEYS[0]) is None
    assert store.find_many(KEYS[:2]) == {}
    assert list(store.scan()) == []
    assert store.delete(KEYS[0]) is False
    assert store.put_valid(a_record(began_at=1.0), store.generation())
    assert store.get(KEYS[0]) == a_record(began_at=1.0)


def test_fields_that_are_none_of_ours_are_a_miss_or_kept_out(
    store: S3MetadataStore, mocked: Any
) -> None:
    store.put(a_record())
    other = rows.written(a_record(tags=7), "0" * 16, "0" * 16)
    mocked.put_object(Bucket="bucket", Key=ROW, Body=other)
    assert store.get(KEYS[0]) is None
    assert list(store.scan()) == []


def test_what_can_not_be_stored_says_so(store: S3MetadataStore) -> None:
    unfit: Any = {1, 2}
    with pytest.raises(MetadataError, match="can't be stored"):
        store.put(a_record(arguments=unfit))
    assert list(store.scan()) == []


def test_objects_of_strangers_are_passed_over(store: S3MetadataStore, mocked: Any) -> None:
    store.put_many(a_record(key) for key in KEYS[:3])
    store.touch({KEYS[0]: 5.5})
    whole = body(mocked, ROW)
    strange = [
        *(
            "rows/",
            "rows/folder/",
            f"rows/{KEYS[0]}/x",
            "rows/.DS_Store",
            f"rows/copy-of-{KEYS[0]}",
        ),
        *("rows!/x", "used/x", "used/folder/y", "counts/x", "counts/2026-01-01/y", "leases/x"),
        *("other", "../app/rows/x"),
    ]
    for data in (whole, b"", b"strange", b"[1, 2]", b'{"a": 1, "counts": 7, "merged": 1}'):
        for name in strange:
            mocked.put_object(Bucket="bucket", Key=FOLDER + name, Body=data)
        assert [record.cache_key for record in store.scan()] == KEYS[:3]
        assert list(store.counts()) == []
    found = store.get(KEYS[0])
    assert found is not None
    assert found.used_at == 5.5
    assert store.totals().entries == 3


# ----------------------------------------------------------------------------------- what is read


@pytest.mark.parametrize("number", ["1e999", "NaN", '"inf"'])
def test_a_last_use_that_is_no_time_says_nothing(
    store: S3MetadataStore, mocked: Any, number: str
) -> None:
    store.put(a_record(used_at=None))
    body = f'{{"{KEYS[0]}":[{number},{number}]}}'.encode()
    mocked.put_object(Bucket="bucket", Key="cache/store/app/used/x", Body=body)
    [record] = store.scan()
    assert record.used_at is None


def test_a_listing_reads_rows_up_to_their_data(store: S3MetadataStore, mocked: Any) -> None:
    large = a_record(KEYS[0], result_data=b"x" * 200_000, size=200_000)
    long = a_record(KEYS[1], arguments="é" * 5000)
    store.put_many([large, long])
    sizes: list[int] = []

    def note(parsed: Any, **_: Any) -> None:
        sizes.append(parsed.get("ContentLength", 0))

    mocked.meta.events.register("after-call.s3.GetObject", note)
    try:
        records = list(store.scan())
        found = store.find_many(KEYS[:3])
    finally:
        mocked.meta.events.unregister("after-call.s3.GetObject", note)
    assert records == [large._replace(result_data=None), long._replace(result_data=None)]
    assert max(sizes) <= 65_536
    assert found[KEYS[0]].result_data is None, "it is large, and asked for apart"  # type: ignore[union-attr]
    assert found[KEYS[1]].result_data == b"\xa1x"  # type: ignore[union-attr]


def test_a_result_in_the_storage_has_a_row_without_data(store: S3MetadataStore) -> None:
    record = a_record(result_type=FILE, result_value="s3://b/k", result_data=None)
    store.put(record)
    assert list(store.scan(with_data=True)) == [record]
    assert store.find(KEYS[0]) is not None


def test_empty_data_are_data(store: S3MetadataStore) -> None:
    store.put(a_record(result_data=b"", expires_at=None))
    found = store.find(KEYS[0])
    assert type(found) is tuple
    assert found[0] == b""


def test_a_page_reads_no_more_than_it_shows(store: S3MetadataStore, asked: list[str]) -> None:
    store.put_many(a_record(key) for key in KEYS)
    asked.clear()
    page = store.page(limit=10)
    assert [record.cache_key for record in page.records] == KEYS[:10]
    assert asked.count("GetObject rows") == 10
    asked.clear()
    following = store.page(limit=10, following=page.following)
    assert [record.cache_key for record in following.records] == KEYS[10:20]
    assert asked.count("GetObject rows") == 10
    asked.clear()
    found = store.page(Selection(key=KEYS[17][:-1])).records
    assert [record.cache_key for record in found] == KEYS[16:32]
    assert asked.count("GetObject rows") == 16, "those whose keys begin so"


def test_the_last_use_of_a_row_before_is_not_the_new_one_s(
    store: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(a_record(used_at=None))
    store.touch({KEYS[0]: 5.5})
    [use] = store._uses.look().values()
    assert store.get(KEYS[0]) == a_record(used_at=5.5)
    later = {KEYS[0]: use._replace(noted=use.noted - 5)}
    monkeypatch.setattr(store._uses, "look", lambda: later)
    assert store.get(KEYS[0]) == a_record(used_at=None)


# --------------------------------------------------------------------------------------- pickles


def test_a_store_travels_as_its_options() -> None:
    store = S3MetadataStore("bucket", "a", namespace="n", endpoint_url="http://127.0.0.1:1")
    again = pickle.loads(pickle.dumps(store))
    assert repr(again) == repr(store) == "<S3MetadataStore s3://bucket/a/ 'n'>"
    again.close()


def test_what_must_not_travel_says_so(mocked: Any) -> None:
    secret: Any = {"aws_access_key_id": "a", "aws_secret_access_key": "hunter2"}
    for options in (secret, {"client": mocked}):
        with pytest.raises(TypeError, match="does not travel") as raised:
            pickle.dumps(S3MetadataStore("bucket", **options))
        assert "hunter2" not in str(raised.value)
