"""The store's operations when the server dies, hangs, is replaced, or takes no changes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from beautyspot.contracts import Counts
from beautyspot.errors import MetadataError
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, OTHER, stored
from gates import DEADLINE
from servers.postgres import Postgres
from servers.proxy import Link
from servers.valkey import until


@pytest.fixture
def pair(own: Postgres, namespace: str) -> Iterator[tuple[Postgres, Postgres]]:
    """A server with a result, and its standby, which has it."""
    store = PostgresMetadataStore(own.url, namespace=namespace)
    stored(store, a_record())
    store.close()
    other = own.standby()
    try:
        yield own, other.start()
    finally:
        other.remove()


def is_stored(store: PostgresMetadataStore, key: str) -> bool:
    with suppress(MetadataError):
        return stored(store, a_record(key)) == set()
    return False


def test_a_standby_finds_and_says_that_it_takes_no_changes(
    pair: tuple[Postgres, Postgres], namespace: str
) -> None:
    one, other = pair
    store = PostgresMetadataStore(other.url, namespace=namespace)
    assert store.find(KEYS[0]) is not None
    assert len(store.rows()) == 1
    for change in (
        lambda: stored(store, a_record(KEYS[1]), since=0),
        lambda: store.begin([KEYS[1]], MINE),
        lambda: store.note("all"),
    ):
        with pytest.raises(MetadataError, match="takes no changes, as a replica"):
            change()
    one.stop()
    other.promote()
    assert until(lambda: is_stored(store, KEYS[1]))
    store.close()


def test_a_primary_that_hangs_is_replaced(pair: tuple[Postgres, Postgres], namespace: str) -> None:
    one, other = pair
    hosts = ",".join(f"127.0.0.1:{each.port}" for each in pair)
    url = f"postgres://postgres@{hosts}/postgres?target_session_attrs=read-write"
    store = PostgresMetadataStore(url, namespace=namespace, timeout=1)
    assert until(lambda: bool(store.store_id))
    begun = store.begin([KEYS[1]], MINE)
    one.freeze()
    with pytest.raises(MetadataError, match="late"):
        store.find(KEYS[0])
    with pytest.raises(MetadataError, match="takes no changes, as a replica"):
        store.find(KEYS[0])
    other.promote()
    assert until(lambda: is_stored(store, KEYS[2]))
    assert stored(store, a_record(KEYS[1]), token=MINE, since=begun.since) == set()
    assert set(store.find_many(KEYS)) == set(KEYS[:3])
    one.thaw()
    store.close()


def test_counts_are_not_added_twice_where_the_answer_is_lost(own: Postgres, namespace: str) -> None:
    """What else is lost so is sent once more."""
    with Link(own.port) as link:
        url = f"postgres://postgres@127.0.0.1:{link.port}/postgres"
        store = PostgresMetadataStore(url, namespace=namespace)
        begun = store.begin([KEYS[0]], MINE)
        for table, ask in (
            ("counts", lambda: store.add_counts([Counts("m:f", 1, hits=1)])),
            ("results", lambda: stored(store, a_record(), token=MINE, since=begun.since)),
        ):
            with ThreadPoolExecutor(1) as pool:
                with own.connect() as holder, holder.transaction():
                    holder.execute(f"LOCK TABLE beautyspot.{table} IN EXCLUSIVE MODE")
                    asked = pool.submit(ask)
                    waiting = (  # for this table, and no vacuum: one may wait as well
                        "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"
                        f" AND relation = 'beautyspot.{table}'::regclass"
                        " AND backend_type = 'client backend'"
                    )
                    assert until(lambda sql=waiting: bool(own.ask(sql)))
                    link.cut()
                    if table == "counts":
                        with pytest.raises(MetadataError, match="the connection broke"):
                            asked.result(DEADLINE)
                assert table == "counts" or asked.result(DEADLINE) == set()
        assert until(lambda: list(store.counts()) == [Counts("m:f", 1, hits=1)])
        store.close()


FULL = (
    """
    CREATE FUNCTION beautyspot.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100';
    END $$
    """,
    """
    CREATE TRIGGER full_disk BEFORE INSERT ON beautyspot.results
    FOR EACH ROW EXECUTE FUNCTION beautyspot.full()
    """,
)


def test_a_put_on_a_full_disk_keeps_its_lease_and_says_what_to_do(
    own: Postgres, namespace: str
) -> None:
    store = PostgresMetadataStore(own.url, namespace=namespace)
    stored(store, a_record())
    begun = store.begin(KEYS[1:3], MINE)
    for statement in FULL:
        own.ask(statement)
    rows = [a_record(key, began_at=begun.now) for key in KEYS[1:3]]
    with pytest.raises(MetadataError, match="the server's disk is full: free it, or remove"):
        stored(store, *rows, token=MINE, since=begun.since)
    assert set(store.find_many(KEYS)) == {KEYS[0]}
    assert not store.begin(KEYS[1:3], OTHER).leased
    own.ask("DROP TRIGGER full_disk ON beautyspot.results")
    assert stored(store, *rows, token=MINE, since=begun.since) == set()
    store.close()
