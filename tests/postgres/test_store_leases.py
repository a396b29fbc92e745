"""Leases of the store: what is lost on the way, and what outlives a restart."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.metadata_counts import COUNTED
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.shared import in_forked_child
from servers.valkey import until

if TYPE_CHECKING:
    from servers.postgres import Postgres


def test_a_restart_of_the_server_ends_no_lease(own: Postgres, namespace: str) -> None:
    store = PostgresMetadataStore(own.url, namespace=namespace)
    begun = store.begin(KEYS[0])
    assert begun is not None
    own.stop()
    with pytest.raises(MetadataError, match="unreached"):
        store.renew([begun.lease])
    with pytest.raises(MetadataError, match="start the server"):
        store.put_valid(a_record(), begun.generation)
    own.start()
    assert store.renew([begun.lease]) == set()
    assert store.leased(KEYS[:2]) == {KEYS[0]}
    assert store.put_valid(a_record(began_at=begun.now), begun.generation)
    assert store.leased(KEYS[:2]) == set()
    own.kill()
    own.start()
    assert store.get(KEYS[0]) == a_record(began_at=begun.now)
    store.close()


def test_a_lease_whose_answer_was_lost_ends_with_the_row(own: Postgres, namespace: str) -> None:
    """The server may give it after its caller has given up, and runs without it."""
    store = PostgresMetadataStore(own.url, namespace=namespace, timeout=0.3)
    generation = store.generation()
    own.freeze()
    with pytest.raises(MetadataError, match="late"):
        store.begin(KEYS[0])
    own.thaw()
    assert until(lambda: bool(store.leased([KEYS[0]])))
    assert store.put_valid(a_record(), generation)
    assert store.leased([KEYS[0]]) == set()
    store.close()


def test_a_connection_that_is_ended_in_the_midst(
    store: PostgresMetadataStore, postgres_server: Postgres, namespace: str
) -> None:
    """Each statement is sent once more, and does what it says once."""
    other = PostgresMetadataStore(postgres_server.url, namespace=namespace)
    begun = store.begin_many(KEYS[:2])

    def end_all() -> None:
        postgres_server.ask(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'beautyspot'"
        )

    for ask in (
        lambda: store.renew([begun[KEYS[0]].lease]) == set(),
        lambda: store.put_valid(a_record(), begun[KEYS[0]].generation),
        lambda: store.find(KEYS[0]) is not None,
        lambda: other.begin(KEYS[1]) is None,
        lambda: store.begin(KEYS[2]) is not None,
        lambda: store.leased(KEYS[:4]) == {*KEYS[1:3]},
        lambda: len(list(store.scan())) == 1,
        lambda: store.now() > 0,
        lambda: store.delete(KEYS[0]),
    ):
        end_all()
        assert ask()
    other.close()


def test_only_the_lease_of_its_own_is_ended_by_a_put(
    store: PostgresMetadataStore, postgres_server: Postgres, namespace: str
) -> None:
    other = PostgresMetadataStore(postgres_server.url, namespace=namespace)
    begun = other.begin(KEYS[0])
    assert begun is not None
    assert store.put_valid(a_record(), store.generation())
    store.put(a_record())
    assert store.leased([KEYS[0]]) == {KEYS[0]}
    assert other.put_valid(a_record(began_at=begun.now), begun.generation)
    assert store.leased([KEYS[0]]) == set()
    other.close()


def test_a_forked_child_does_not_end_what_its_parent_holds(store: PostgresMetadataStore) -> None:
    begun = store.begin(KEYS[0])
    assert begun is not None

    def child() -> str:
        begun.lease.release()
        assert store.put_valid(a_record(), begun.generation)
        return "still held" if store.leased([KEYS[0]]) else "free"

    assert in_forked_child(child) == "still held"
    assert store.leased([KEYS[0]]) == {KEYS[0]}
    assert store.renew([begun.lease]) == set()
    begun.lease.release()


def test_who_holds_it(store: PostgresMetadataStore) -> None:
    lease = store.try_lease(KEYS[0])
    assert lease is not None
    assert store.lease_holder(KEYS[0]).startswith(f"process {os.getpid()} on ")
    lease.release()


def test_leases_of_the_dead_are_removed_at_last(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    store.begin_many(KEYS[:3])
    raw.execute(
        "UPDATE beautyspot.leases SET ends_at = ends_at - 7200 "
        "WHERE namespace = %s AND cache_key <> %s",
        [namespace, KEYS[0]],
    )
    store.add_counts([COUNTED])
    query = "SELECT cache_key FROM beautyspot.leases WHERE namespace = %s"
    assert raw.execute(query, [namespace]).fetchall() == [(KEYS[0],)]
