"""What the store is told, and what it may do at the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from beautyspot.contracts import Counts, Selection
from beautyspot.errors import ConfigError, MetadataError, NotSupportedError
from beautyspot.spot import Spot
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import ANY, MINE, stored
from servers.postgres import Postgres

URL = "postgres://localhost:1/db"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namespace": ""}, "namespace='': give a text"),
        ({"namespace": "n" * 201}, "is too long, or no UTF-8 without zeros"),
        ({"namespace": "a\0b"}, "is too long, or no UTF-8 without zeros"),
        ({"schema": "a b"}, "schema='a b' is no plain name"),
        ({"lease_time": 0.05}, "give 0.1 s or more"),
        ({"keep_expired": -1}, "keep_expired=-1: give"),
        ({"largest_data": 2**40}, "is too much: give 268,435,456 or less"),
        ({"demands_signing": "yes"}, "demands_signing='yes': give True or False"),
        ({"timeout": 0}, "timeout=0 is too short: give"),
        ({"connections": 0}, "connections=0: give a whole number, 1 or more"),
        ({"memory": "64MB"}, "no option and no parameter of libpq 'memory'"),
        ({"sslmode": "sometimes"}, "sslmode has no such value"),
        ({"sslrootcert": "/nowhere/ca.pem"}, "is no file that can be seen"),
    ],
)
def test_an_option_that_is_wrong_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as failed:
        PostgresMetadataStore(URL, **options)
    assert said in str(failed.value)


def test_a_text_names_the_server_and_no_password() -> None:
    shown = repr(PostgresMetadataStore("postgres://me:secret@localhost:1/db", namespace="team"))
    assert shown == "<PostgresMetadataStore postgres://localhost:1/db 'team'>"


def test_namespaces_share_nothing(postgres_server: Postgres, namespace: str) -> None:
    names = [namespace, f"{namespace}ä", f"{namespace}%", f"{namespace}'"]
    stores = [PostgresMetadataStore(postgres_server.url, namespace=name) for name in names]
    counted = Counts("m:f", 1, hits=1)
    for number, store in enumerate(stores):
        stored(store, a_record(KEYS[number]))
        store.add_counts([counted])
        store.remark({"price_unit": "$"})
    for number, store in enumerate(stores):
        mine = KEYS[number : number + 1]
        assert [record.cache_key for record in store.rows()] == mine
        assert [*store.find_many(KEYS)] == mine
        assert list(store.counts()) == [counted]
        assert store.function_totals()[0].entries == 1
        for order in ("key", "newest", "dearest"):
            found = store.select(Selection(), order, None, 10)  # type: ignore[arg-type]
            assert [record.cache_key for record in found] == mine
        assert store.begin([KEYS[9]], f"{number}" * 32).leased == [KEYS[9]]
        begun = store.begin(mine, MINE, rejected={mine[0]: ANY})
        stores[number - 1].note("all")
        assert stores[number - 1].delete({mine[0]: a_record().made_at}) == set()
        row = a_record(mine[0], began_at=begun.now)
        assert stored(store, row, token=MINE, since=begun.since) == set()
    assert len({store.store_id for store in stores}) == len(stores)
    for store in stores:
        store.close()


# ----------------------------------------------------------------------------------- signatures


def test_what_demands_signatures_is_learned_by_all(
    make_spot: Callable[..., Spot], postgres_server: Postgres, namespace: str, raw: Any
) -> None:
    place = {"use": postgres_server.url, "namespace": namespace}
    first = make_spot(metadata={**place, "demands_signing": True}, signing_key=KEY, strict=True)
    first.mark(abs, version="1")(-3)
    with pytest.raises(ConfigError, match="takes signed results only"):
        make_spot(metadata=place)
    raw.execute("DELETE FROM beautyspot.stores WHERE namespace = %s", [namespace])
    first.mark(abs, version="2")(-3)
    with pytest.raises(ConfigError, match="takes signed results only"):
        make_spot(metadata=place)
    raw.execute(
        "UPDATE beautyspot.stores SET demands_signing = false WHERE namespace = %s", [namespace]
    )
    spot = make_spot(metadata=place, strict=True)
    assert not spot.metadata.demands_signing


# -------------------------------------------------------------------------------------- looking


def test_to_look_makes_nothing(database: str) -> None:
    looking = PostgresMetadataStore(database)
    for _ in range(2):
        with pytest.raises(MetadataError, match="has no schema"):
            looking.open(look=True)
    PostgresMetadataStore(database).open()
    looking.open(look=True)
    assert looking.find(KEYS[0]) is None
    for change in (
        lambda: stored(looking, a_record(), since=0),
        lambda: looking.begin([KEYS[0]], MINE),
        lambda: looking.renew([KEYS[0]], MINE),
        lambda: looking.touch({KEYS[0]: 1.0}),
        lambda: looking.sweep(0.0),
        lambda: looking.remark({"a": "b"}),
        lambda: looking.add_counts([]),
    ):
        with pytest.raises(NotSupportedError, match="opened to look at it"):
            change()
    assert looking.sweep(0.0, dry_run=True) == 0
    other = PostgresMetadataStore(database, namespace="other")
    other.open(look=True)
    assert other.find(KEYS[0]) is None
    with pytest.raises(MetadataError, match="there is no store 'other'.*of 'beautyspot'"):
        _ = other.store_id
    for each in (looking, other):
        each.close()


def test_what_looks_goes_on_looking(own: Postgres, namespace: str) -> None:
    """Also where the server was restarted, or the schema made anew."""
    with pytest.raises(MetadataError, match="has no schema"):
        PostgresMetadataStore(own.url, namespace=namespace).open(look=True)
    store = PostgresMetadataStore(own.url, namespace=namespace)
    stored(store, a_record())
    looking = PostgresMetadataStore(own.url, namespace=namespace)
    looking.open(look=True)
    own.stop()
    own.start()
    assert looking.find(KEYS[0]) is not None
    own.ask("DROP SCHEMA beautyspot CASCADE")
    for match in ("42P01|3F000", "has no schema"):
        with pytest.raises(MetadataError, match=match):
            looking.find(KEYS[0])
    store.close()
    looking.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE beautyspot.results DROP COLUMN price CASCADE, DROP COLUMN tags CASCADE",
        "ALTER TABLE beautyspot.results ADD COLUMN more text",
        "UPDATE beautyspot.form SET written_by = 99, readable_from = 99",
    ],
    ids=["older", "newer", "too new"],
)
def test_another_release_s_rows_are_looked_at(database: str, change: str) -> None:
    """By the columns that are there."""
    store = PostgresMetadataStore(database)
    record = a_record(price=0.5, began_at=5.0)
    stored(store, record)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(change.encode())
    looking = PostgresMetadataStore(database)
    looking.open(look=True)
    found = looking.get(KEYS[0])
    assert found is not None
    assert found == (record._replace(price=None, tags=()) if "DROP" in change else record)
    assert looking.find(KEYS[0]) is not None
    assert [*looking.find_many(KEYS)] == KEYS[:1]
    bare = found._replace(result_data=None)
    assert looking.rows() == looking.select(Selection(tag=None), "dearest", None, 9) == [bare]
    assert list(looking.all_rows(data=True)) == [found]
    assert looking.function_totals()[0].entries == 1
    store.close()
    looking.close()
