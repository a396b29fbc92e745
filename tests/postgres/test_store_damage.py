"""Whatever a hand changes or drops in the database: a miss, and never a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beautyspot.contracts import Counts, Selection, in_full
from beautyspot.contracts.store import listed
from beautyspot.errors import MetadataError
from beautyspot.spot import Spot
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from servers.postgres import Postgres

NOTED = f"key:{KEYS[0]}"


@pytest.fixture
def dropped(postgres_server: Postgres, namespace: str) -> Iterator[PostgresMetadataStore]:
    """A store in a schema of its own, which may be dropped."""
    schema = namespace.replace("-", "_")
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace, schema=schema)
    yield store
    store.close()
    postgres_server.ask(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.mark.parametrize("table", ["results", "stores", "covers", "leases", "counts", "remarks"])
def test_what_is_removed_is_a_miss(
    store: PostgresMetadataStore, raw: Any, namespace: str, table: str
) -> None:
    """The call under way stores its result."""
    store.note(f"key:{KEYS[5]}")
    stored(store, a_record(KEYS[1]))
    store.add_counts([Counts("m:f", 1, hits=1)])
    store.remark({"price_unit": "$"})
    begun = store.begin([KEYS[0]], MINE)
    raw.execute(f"DELETE FROM beautyspot.{table} WHERE namespace = %s", [namespace])
    assert (store.find(KEYS[1]) is None) is (table == "results")
    assert store.renew([KEYS[0]], MINE) == ({KEYS[0]} if table == "leases" else set())
    assert stored(store, a_record(began_at=begun.now), token=MINE, since=begun.since) == set()
    store.release([KEYS[0]], MINE)
    assert store.get(KEYS[0]) == a_record(began_at=begun.now)
    assert (list(store.counts()) == []) is (table == "counts")
    assert (store.remarks() == {}) is (table == "remarks")
    again = store.begin([KEYS[3]], MINE)
    assert again.since >= begun.since
    store.note(NOTED)
    assert store.begin([], MINE).since > again.since


def test_what_was_noted_counts_when_the_counter_is_lost(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    since = store.begin([], MINE).since
    store.note(NOTED)
    raw.execute("DELETE FROM beautyspot.stores WHERE namespace = %s", [namespace])
    assert stored(store, a_record(began_at=1.0), since=since) == {KEYS[0]}
    assert store.begin([], MINE).since > since
    raw.execute("DELETE FROM beautyspot.stores WHERE namespace = %s", [namespace])
    store.note(NOTED)
    assert stored(store, a_record(began_at=1.0), since=since) == {KEYS[0]}
    assert stored(store, a_record(KEYS[1]), since=since) == set()


CHANGES = [
    "result_type = 'FILE', result_data = NULL",
    "result_data = 'other'",
    "digest = NULL",
    "digest = 'short'",
    "result_data = NULL",
    "serializer = 'none'",
    "serializer = NULL",
    "key_scheme = NULL",
    "tags = '[1, null]'",
    "func_name = '', input_id = ''",
    "made_at = 'NaN', took = 'Infinity', expires_at = '-Infinity'",
    "cache_key = 'another'",
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_hand_has_changed_is_computed_again(
    make_spot: Callable[..., Spot], postgres_server: Postgres, namespace: str, change: str
) -> None:
    called = []

    def double(x: int) -> int:
        called.append(x)
        return 2 * x

    there = {"use": postgres_server.url, "namespace": namespace}
    spot = make_spot(metadata=there)
    marked = spot.mark(ignore=("called",))(double)
    assert marked(4) == 8
    postgres_server.ask(f"UPDATE beautyspot.results SET {change} WHERE namespace = %s", namespace)
    assert [marked(4), marked(4)] == [8, 8]
    assert len(called) <= 2, "and stored again"


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_hand_has_changed_is_listed(
    store: PostgresMetadataStore, raw: Any, namespace: str, change: str
) -> None:
    stored(store, a_record(), a_record(KEYS[1], made_at=1.0))
    raw.execute(
        f"UPDATE beautyspot.results SET {change} WHERE namespace = %s AND cache_key = %s",
        [namespace, KEYS[0]],
    )
    store.find(KEYS[0])
    store.get(KEYS[0])
    store.begin([KEYS[0]], MINE)
    assert len(list(store.all_rows(data=True))) == 2
    for order in ("key", "newest", "largest", "unused"):
        assert len(list(listed(store, Selection(), order))) == 2  # type: ignore[arg-type]
    assert sum(totals.entries for totals in store.function_totals()) == 2
    raw.execute("SELECT * FROM beautyspot.entries WHERE namespace = %s", [namespace])
    raw.execute("SELECT * FROM beautyspot.functions WHERE namespace = %s", [namespace])


def test_a_schema_that_was_dropped_is_made_again(
    dropped: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    stored(dropped, a_record())
    raw.execute(f"DROP SCHEMA {namespace.replace('-', '_')} CASCADE")
    with pytest.raises(MetadataError, match="42P01|3F000"):
        dropped.find(KEYS[0])
    assert dropped.find(KEYS[0]) is None
    assert stored(dropped, a_record()) == set()
    assert dropped.find(KEYS[0]) is not None


@pytest.mark.parametrize("store_id", ["", "../../etc", "xyz", "AB" * 8, "a" * 100])
def test_an_id_that_is_none_is_refused(
    postgres_server: Postgres, store: PostgresMetadataStore, raw: Any, namespace: str, store_id: str
) -> None:
    store.open()
    raw.execute(
        "UPDATE beautyspot.stores SET store_id = %s WHERE namespace = %s", [store_id, namespace]
    )
    other = PostgresMetadataStore(postgres_server.url, namespace=namespace)
    with pytest.raises(MetadataError, match="correct its store_id"):
        other.open()
    other.close()


def test_a_row_that_was_locked_is_waited_for_no_longer_than_said(
    postgres_server: Postgres, namespace: str, raw: Any
) -> None:
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace, timeout=1.0)
    stored(store, a_record())
    since = store.begin([], MINE).since
    with raw.transaction():
        raw.execute("SELECT FROM beautyspot.results WHERE namespace = %s FOR UPDATE", [namespace])
        with pytest.raises(MetadataError, match="late"):
            stored(store, a_record(version="2"), since=since)
        found = store.find(KEYS[0])
        assert found is not None, "a look-up waits for no lock"
        assert in_full(found).result_data == a_record().result_data
        assert set(store.begin([KEYS[0]], MINE).found) == {KEYS[0]}
    store.close()
