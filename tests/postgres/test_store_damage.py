"""Whatever a hand changes or drops in the database: a miss, and never a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Invalidation, in_full
from beautyspot.errors import MetadataError
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.metadata_counts import COUNTED
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot
    from servers.postgres import Postgres

NOTED = Invalidation(cache_key=KEYS[0])


@pytest.fixture
def dropped(postgres_server: Postgres, namespace: str) -> Iterator[PostgresMetadataStore]:
    """A store in a schema of its own, which may be dropped."""
    schema = namespace.replace("-", "_")
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace, schema=schema)
    yield store
    store.close()
    postgres_server.ask(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.mark.parametrize("table", ["results", "stores", "invalidated", "leases", "waits", "counts"])
def test_what_is_removed_is_a_miss(
    store: PostgresMetadataStore, raw: Any, namespace: str, table: str
) -> None:
    """The call under way stores its result."""
    store.note_invalidation(Invalidation(cache_key=KEYS[5]))
    store.put(a_record(KEYS[1]))
    store.add_counts([COUNTED])
    store.share_waits({KEYS[0]: [KEYS[1]]})
    begun = store.begin(KEYS[0])
    assert begun is not None
    raw.execute(f"DELETE FROM beautyspot.{table} WHERE namespace = %s", [namespace])
    assert (store.find(KEYS[1]) is None) is (table == "results")
    assert [*store.renew([begun.lease])] == ([begun.lease] if table == "leases" else [])
    assert store.put_valid(a_record(began_at=begun.now), begun.generation)
    begun.lease.release()
    assert store.get(KEYS[0]) == a_record(began_at=begun.now)
    assert store.leased(KEYS[:2]) == set()
    assert (list(store.counts()) == []) is (table == "counts")
    assert store.generation() > 0
    again = store.begin(KEYS[3])
    assert again is not None
    assert again.generation == store.generation()
    store.note_invalidation(NOTED)
    assert store.invalidated_since(again.generation) == [NOTED]


def test_what_was_noted_counts_when_its_number_is_lost(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    since = store.generation()
    store.note_invalidation(NOTED)
    raw.execute("DELETE FROM beautyspot.stores WHERE namespace = %s", [namespace])
    assert not store.put_valid(a_record(), since)
    later = store.generation()
    assert later > since
    assert not store.put_valid(a_record(), since)
    assert store.put_valid(a_record(KEYS[1]), since)
    store.note_invalidation(NOTED)
    assert store.invalidated_since(later) == [NOTED]


CHANGES = [
    "result_type = NULL",
    "result_type = 'FILE', result_data = NULL",
    "result_data = 'other'",
    "digest = NULL",
    "digest = 'short'",
    "result_data = NULL",
    "serializer = 'none'",
    "serializer = NULL",
    "key_scheme = NULL",
    "tags = NULL",
    "func_name = NULL, input_id = NULL",
    "made_at = 'NaN', took = 'Infinity', expires_at = '-Infinity'",
    "cache_key = 'another'",
    "whole_key = 'another'",
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
    list(spot.metadata.scan(with_data=True))
    spot.metadata.function_totals()
    for order in spot.metadata.orders:
        assert len(spot.metadata.page(order=order).records) <= 2  # type: ignore[arg-type]


def test_arrays_of_another_form(store: PostgresMetadataStore, raw: Any, namespace: str) -> None:
    store.put(a_record())
    for value in ("'{{a,b},{c,d}}'", "'{a,NULL}'", "'{}'"):
        raw.execute(
            f"UPDATE beautyspot.results SET tags = {value} WHERE namespace = %s", [namespace]
        )
        found = store.get(KEYS[0])
        assert found is not None
        assert all(isinstance(tag, str) for tag in found.tags)
        assert list(store.scan(tag="nothing")) == []


def test_a_schema_that_was_dropped_is_made_again(
    dropped: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    dropped.put(a_record())
    store_id = dropped.store_id
    raw.execute(f"DROP SCHEMA {namespace.replace('-', '_')} CASCADE")
    with pytest.raises(MetadataError, match="3F000"):
        dropped.find(KEYS[0])
    assert dropped.find(KEYS[0]) is None
    assert dropped.store_id != store_id
    dropped.put(a_record())
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


def test_waits_that_a_stranger_wrote(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    store.open()
    for number, text in enumerate(["", "[]", "{", '{"a": 1}', '{"a": [1, "b"]}', "[" * 10_000]):
        raw.execute(
            "INSERT INTO beautyspot.waits VALUES (%s, %s, %s, 'Infinity')",
            [namespace, f"stranger {number}", text],
        )
    assert store.share_waits({}) == {"a": {"b"}}


def test_a_row_that_was_locked_is_waited_for_no_longer_than_said(
    postgres_server: Postgres, namespace: str, raw: Any
) -> None:
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace, timeout=0.3)
    store.put(a_record())
    with raw.transaction():
        raw.execute("SELECT FROM beautyspot.results WHERE namespace = %s FOR UPDATE", [namespace])
        with pytest.raises(MetadataError, match="late"):
            store.put(a_record(version="2"))
        found = store.find(KEYS[0])
        assert found is not None, "a look-up waits for no lock"
        assert in_full(found).result_data == a_record().result_data
        store.touch({KEYS[0]: 5.0})
    store.close()
