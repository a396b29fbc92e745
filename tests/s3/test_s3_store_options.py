"""The store's options and names, what it says of itself, and what lies in its place."""

from __future__ import annotations

import json
import pickle
import time
from typing import Any

import pytest
from beautyspot.contracts.records import ALL
from beautyspot.errors import ConfigError, SchemaError
from beautyspot_s3 import S3MetadataStore, S3Storage
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, OTHER, stored

FOLDER = "cache/store/app/"
ROW = f"{FOLDER}r/{KEYS[0]}"
DAY = 86_400.0


def another(client: Any, **options: Any) -> S3MetadataStore:
    return S3MetadataStore("bucket", "cache", **{"namespace": "app", "client": client, **options})


def body(client: Any, name: str) -> bytes:
    data: bytes = client.get_object(Bucket="bucket", Key=name)["Body"].read()
    return data


def put(client: Any, name: str, data: bytes) -> None:
    client.put_object(Bucket="bucket", Key=name, Body=data)


def names(client: Any, prefix: str = "") -> list[str]:
    answer = client.list_objects_v2(Bucket="bucket", Prefix=prefix)
    return [one["Key"] for one in answer.get("Contents", ())]


# -------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"namespace": ""}, "namespace='': give a text"),
        ({"namespace": "é" * 200}, "is too long: give a shorter one"),
        ({"timeout": "soon"}, "give a number of seconds"),
        ({"timeout": 0}, "too short: give 0.1 s or more"),
        ({"largest_data": -1}, "give a number of bytes"),
        ({"largest_data": "2 GiB"}, "is too much"),
        ({"demands_signing": "yes"}, "give True or False"),
        ({"prefix": "../x"}, "give a folder"),
        ({"endpoint_url": "localhost"}, "lacks its scheme"),
        ({"aws_access_key_id": "a"}, "credentials are incomplete"),
        ({"bucket_name": "b--use1-az4--x-s3"}, "give a general purpose bucket"),
    ],
)
def test_a_wrong_option_says_what_to_give(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        S3MetadataStore(**{"bucket_name": "bucket", **options})


def test_the_storage_of_the_same_bucket(mocked: Any) -> None:
    storage = another(mocked).own_storage()
    assert isinstance(storage, S3Storage)
    assert storage.save("a/b", b"x") == "s3://bucket/cache/a/b"


def test_a_store_travels_as_its_options() -> None:
    options: Any = {"namespace": "n", "endpoint_url": "http://127.0.0.1:1", "lease_time": "1 min"}
    store = S3MetadataStore("bucket", "a", **options)
    again = pickle.loads(pickle.dumps(store))
    assert repr(again) == repr(store) == "<S3MetadataStore s3://bucket/a/ 'n'>"
    assert again.lease_time == 60.0


def test_what_must_not_travel_says_so(mocked: Any) -> None:
    secret: Any = {"aws_access_key_id": "a", "aws_secret_access_key": "hunter2"}
    for options in (secret, {"client": mocked}):
        with pytest.raises(TypeError, match="does not travel") as raised:
            pickle.dumps(S3MetadataStore("bucket", **options))
        assert "hunter2" not in str(raised.value)


# ---------------------------------------------------------------------------------------- names


def test_what_lies_in_the_bucket(store: S3MetadataStore, mocked: Any) -> None:
    """A change of these names makes each team compute everything again."""
    store.begin([KEYS[1]], MINE)
    stored(store, a_record(used_at=None))
    store.note(ALL)
    store.touch({KEYS[0]: 5.0})
    store.remark({"a": "b"})
    below = ["covers", "id", f"l/{KEYS[1]}", "probe", f"r/{KEYS[0]}", "remarks", f"u/{KEYS[0][0]}"]
    assert names(mocked) == [FOLDER + name for name in below]
    about = json.loads(body(mocked, f"{FOLDER}id"))
    assert about == {"form": 1, "id": store.store_id, "demands_signing": False}


@pytest.mark.parametrize(
    "namespace", [".", "..", "../other", "a/b", "a\\b", "é", "%2e%2e", "~~", "a..b", "\ud800"]
)
def test_a_namespace_may_be_any_text(mocked: Any, namespace: str) -> None:
    store = another(mocked, namespace=namespace)
    stored(store, a_record())
    assert store.find(KEYS[0]) is not None
    assert all(name.startswith("cache/store/") for name in names(mocked))
    assert not any(".." in name or "/./" in name for name in names(mocked))
    assert {name.count("/") for name in names(mocked)} == {3, 4}


def test_stores_of_one_bucket_are_apart(mocked: Any) -> None:
    places = [("a", "n"), ("a", "m"), ("", "n"), ("a/b", "n"), ("a", "~6e"), ("a", "N")]
    stores = [S3MetadataStore("bucket", p, namespace=n, client=mocked) for p, n in places]
    for number, store in enumerate(stores):
        stored(store, a_record(version=str(number)))
    for number, store in enumerate(stores):
        assert [record.version for record in store.rows()] == [str(number)]
    assert len({store.store_id for store in stores}) == len(places)


def test_objects_of_strangers_are_passed_over(store: S3MetadataStore, mocked: Any) -> None:
    stored(store, *(a_record(key) for key in KEYS[:3]))
    whole = body(mocked, ROW)
    strange = ["r/", "r/folder/", f"r/{KEYS[0]}/x", "r/.DS_Store", f"r/copy-of-{KEYS[0]}", "r/~"]
    strange += ["u/x", "l/x", "other", "../app/r/x", "n/x"]
    for data in (whole, b"", b"strange", b"\x81\xa1a\x01"):
        for name in strange:
            put(mocked, FOLDER + name, data)
        assert [record.cache_key for record in store.rows()] == KEYS[:3]
        store.sweep(0.0)
        assert set(store.find_many(KEYS[:4])) == set(KEYS[:3])
    for number in range(3):
        assert [each.cache_key for each in store.rows(limit=number)] == KEYS[:number]


# ------------------------------------------------------------------------------ what it says


def test_who_demands_signing_demands_it_of_all(mocked: Any) -> None:
    plain = another(mocked)
    plain.open()
    assert plain.demands_signing is False
    another(mocked, demands_signing=True).open()
    for options in ({}, {"demands_signing": False}, {"demands_signing": True}):
        later = another(mocked, **options)
        later.open()
        assert later.demands_signing is True
    looking = another(mocked)
    looking.open(look=True)
    assert looking.demands_signing is True


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"<html>", b"[]", b'{"id": "../../x", "form": 1}', b'{"id": 7}', b"[" * 100_000],
    ids=range(7),
)
def test_what_was_cut_or_lost_is_made_anew(
    store: S3MetadataStore, mocked: Any, data: bytes
) -> None:
    """A server may leave an empty object where the connection breaks before the body of a PUT."""
    stored(store, a_record(made_at=1.0, used_at=None))
    now = time.time() // 1
    store.touch({KEYS[0]: now - 1})
    for name in ("id", "covers", f"u/{KEYS[0][0]}", f"l/{KEYS[1]}"):
        put(mocked, FOLDER + name, data)
    again = another(mocked)
    assert len(again.store_id) == 32
    assert again.find(KEYS[0]) is not None
    assert [record.used_at for record in again.rows()] == [None]
    assert again.begin([KEYS[1]], MINE).leased
    before = again.begin([], MINE).since
    again.note(ALL)
    assert again.begin([], MINE).since > before
    again.touch({KEYS[0]: now})
    assert [record.used_at for record in again.rows()] == [now]
    assert stored(store, a_record(KEYS[2])) == set()


def test_a_store_of_a_later_form_is_left_alone(store: S3MetadataStore, mocked: Any) -> None:
    store.open()
    about = json.loads(body(mocked, f"{FOLDER}id"))
    put(mocked, f"{FOLDER}id", json.dumps({**about, "form": 7}).encode())
    later = another(mocked)
    for operation in (later.open, lambda: later.begin([KEYS[0]], MINE), lambda: later.store_id):
        with pytest.raises(SchemaError, match=r"form 7.*upgrade beautyspot"):
            operation()
    assert json.loads(body(mocked, f"{FOLDER}id"))["form"] == 7
    put(mocked, f"{FOLDER}id", json.dumps({**about, "more": [1]}).encode())
    again = another(mocked, demands_signing=True)
    again.open()
    assert json.loads(body(mocked, f"{FOLDER}id"))["more"] == [1], "what later releases add stays"


# ---------------------------------------------------------------------------------- damage


def damages(row: bytes) -> dict[str, bytes]:
    middle = len(row) // 2
    return {
        "empty": b"",
        "cut": row[:-1],
        "cut in its fields": row[:middle],
        "longer": row + b"x",
        "another key's": row.replace(KEYS[0].encode(), KEYS[1].encode()),
        "a stranger's": b"<html>" * 50,
        "a long one": b"\xc1" * 10_000,
    }


@pytest.mark.parametrize("kind", damages(b"x" * 300))
def test_a_damaged_row_is_a_miss_and_is_replaced(
    store: S3MetadataStore, mocked: Any, kind: str
) -> None:
    stored(store, a_record())
    put(mocked, ROW, damages(body(mocked, ROW))[kind])
    assert store.find(KEYS[0]) is store.get(KEYS[0]) is None
    assert store.find_many(KEYS[:2]) == {}
    assert store.rows(data=True) == []
    assert store.begin([KEYS[0]], MINE).leased
    store.release([KEYS[0]], MINE)
    assert stored(store, a_record(began_at=1.0)) == set()
    assert store.get(KEYS[0]) == a_record(began_at=1.0)


# --------------------------------------------------------------------------------- sweeping


@pytest.fixture
def later(store: S3MetadataStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is forty days later than when everything was written."""
    now = store.now
    monkeypatch.setattr(store, "now", lambda: now() + 40 * DAY)


def leave(store: S3MetadataStore) -> None:
    """A row, another that was invalidated, and a lease that nobody released."""
    stored(store, *(a_record(key, used_at=None) for key in KEYS[:2]))
    store.note(f"key:{KEYS[1]}")
    store.note(ALL)
    stored(store, a_record(began_at=None, used_at=None))
    store.begin([KEYS[2]], MINE)


def test_what_is_over_is_removed(store: S3MetadataStore, mocked: Any, request: Any) -> None:
    leave(store)
    request.getfixturevalue("later")
    assert store.sweep(50 * DAY) == 0, "it is younger than that"
    assert store.sweep(DAY, dry_run=True) == 3
    assert f"{FOLDER}r/{KEYS[1]}" in names(mocked), "nothing was removed"
    assert store.sweep(DAY) == 3, "a lease, an invalidation of a key, and one of all"
    assert store.sweep(DAY) == 0
    assert names(mocked, f"{FOLDER}r/") == [ROW]
    assert names(mocked, f"{FOLDER}l/") == []
    assert another(mocked).begin([KEYS[2]], OTHER).leased


def test_a_row_that_takes_the_place_of_what_is_swept_stays(
    store: S3MetadataStore, mocked: Any, request: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(store)
    other = another(mocked)
    request.getfixturevalue("later")
    real = mocked._make_api_call

    def raced(operation: str, params: Any) -> Any:
        if operation == "DeleteObject" and params["Key"].endswith(KEYS[1]):
            monkeypatch.undo()
            stored(other, a_record(KEYS[1]))
        return real(operation, params)

    monkeypatch.setattr(mocked, "_make_api_call", raced)
    store.sweep(DAY)
    assert other.find(KEYS[1]) is not None
