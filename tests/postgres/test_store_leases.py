"""Leases of the store: what is lost on the way, and what outlives restarts and deaths."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put
from beautyspot.errors import MetadataError
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, OTHER, stored
from servers.postgres import Postgres
from servers.valkey import until


def test_a_restart_of_the_server_ends_no_lease(own: Postgres, namespace: str) -> None:
    store = PostgresMetadataStore(own.url, namespace=namespace)
    begun = store.begin([KEYS[0]], MINE)
    put = Put(a_record(began_at=begun.now), covers_of(a_record()), begun.since, MINE)
    own.stop()
    for ask in (lambda: store.renew([KEYS[0]], MINE), lambda: store.put([put])):
        with pytest.raises(MetadataError, match="start the server"):
            ask()
    own.start()
    assert store.renew([KEYS[0]], MINE) == set()
    assert not store.begin([KEYS[0]], OTHER).leased
    assert store.put([put]) == set()
    own.kill()
    own.start()
    assert store.get(KEYS[0]) == put.record
    store.close()


def test_a_lease_whose_answer_was_lost_ends_with_the_row(own: Postgres, namespace: str) -> None:
    """The server may give it after its caller has given up."""
    store = PostgresMetadataStore(own.url, namespace=namespace, timeout=1.0)
    assert until(lambda: bool(store.store_id))
    since = store.begin([], MINE).since
    own.freeze()
    with pytest.raises(MetadataError, match="late"):
        store.begin([KEYS[0]], MINE)
    own.thaw()
    given = "SELECT token FROM beautyspot.leases"
    assert until(lambda: own.ask(given) == [(MINE,)])
    assert stored(store, a_record(), token=MINE, since=since) == set()
    assert own.ask(given) == []
    store.close()


def test_a_connection_that_is_ended_in_the_midst(
    store: PostgresMetadataStore, postgres_server: Postgres, namespace: str
) -> None:
    """Each statement is sent once more, and does what it says once."""
    other = PostgresMetadataStore(postgres_server.url, namespace=namespace)
    begun = store.begin(KEYS[:2], MINE)

    def end_all() -> None:
        postgres_server.ask(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'beautyspot'"
        )

    for ask in (
        lambda: store.renew(KEYS[:2], MINE) == set(),
        lambda: stored(store, a_record(), token=MINE, since=begun.since) == set(),
        lambda: store.find(KEYS[0]) is not None,
        lambda: not other.begin([KEYS[1]], OTHER).leased,
        lambda: store.begin([KEYS[2]], MINE).leased == [KEYS[2]],
        lambda: len(store.rows()) == 1,
        lambda: store.now() > 0,
        lambda: store.delete({KEYS[0]: a_record().made_at}) == {KEYS[0]},
    ):
        end_all()
        assert ask()
    other.close()


def test_leases_of_the_dead_are_swept_at_last(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    store.begin(KEYS[:3], MINE)
    raw.execute(
        "UPDATE beautyspot.leases SET ends_at = ends_at - 7200 "
        "WHERE namespace = %s AND cache_key <> %s",
        [namespace, KEYS[0]],
    )
    assert store.sweep(3600.0, dry_run=True) == 2
    assert store.sweep(3600.0) == 2
    assert store.renew(KEYS[:3], MINE) == set(KEYS[1:3])


def test_covers_are_remembered_for_a_month(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    for key in KEYS[:2]:
        store.note(f"key:{key}")
    raw.execute(
        "UPDATE beautyspot.covers SET number = number - 29 * 86400 * 1000000::bigint "
        "WHERE namespace = %s",
        [namespace],
    )
    assert store.sweep(0.0) == 0
    raw.execute(
        "UPDATE beautyspot.covers SET number = number - 2 * 86400 * 1000000::bigint "
        "WHERE namespace = %s AND cover = %s",
        [namespace, f"key:{KEYS[0]}"],
    )
    assert store.sweep(40 * 86400.0) == 0, "younger than that is left alone"
    assert (store.sweep(0.0), store.sweep(0.0)) == (1, 0)
