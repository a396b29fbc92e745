"""How long rows stay, and that no put slips past an invalidation or over a newer result."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.contracts import Selection, in_full
from beautyspot.contracts.records import ALL, KEY, covers_of
from beautyspot.contracts.store import Put
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from gates import DEADLINE
from servers.postgres import Postgres
from servers.valkey import until

LOCK = "hashtextextended('\"beautyspot\" ' || %s, 0)"
"""The number of the lock of a namespace."""


def keys(store: PostgresMetadataStore) -> list[str]:
    return [record.cache_key for record in store.rows()]


def test_rows_that_expired_long_ago_go_with_later_puts(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    now = store.now()
    stored(
        store,
        a_record(KEYS[0], expires_at=now - 10**6),
        a_record(KEYS[1], expires_at=now - 10**6),
        a_record(KEYS[2], expires_at=now + 60),
        a_record(KEYS[3], expires_at=None),
    )
    stored(store, a_record(KEYS[4], expires_at=now + 60))
    assert keys(store) == KEYS[:5], "a day from now on, where it had expired"
    raw.execute(
        "UPDATE beautyspot.results SET stored_at = stored_at - 90000 "
        "WHERE namespace = %s AND cache_key <> %s",
        [namespace, KEYS[1]],
    )
    stored(store, a_record(KEYS[5], expires_at=None))
    assert len(keys(store)) == 6
    stored(store, a_record(KEYS[5], expires_at=now + 60))
    assert keys(store) == KEYS[1:6]


# --------------------------------------------------------------- two connections at one moment


def waits_for_a_lock(server: Postgres) -> bool:
    return bool(server.ask("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'"))


@pytest.mark.parametrize("cover", covers_of(a_record()))
def test_a_put_that_comes_while_it_is_noted_is_refused(
    store: PostgresMetadataStore, raw: Any, postgres_server: Postgres, namespace: str, cover: str
) -> None:
    """The note is made, and not committed yet: it has to be waited for."""
    begun = store.begin([KEYS[0]], MINE)
    with raw.transaction(), ThreadPoolExecutor(1) as pool:
        raw.execute(f"SELECT pg_advisory_xact_lock({LOCK})", [namespace])
        raw.execute(
            "INSERT INTO beautyspot.covers VALUES (%s, %s, %s)",
            [namespace, cover, begun.since + 1],
        )
        put = Put(a_record(began_at=begun.now), covers_of(a_record()), begun.since, MINE)
        refused = pool.submit(store.put, [put])
        assert until(lambda: waits_for_a_lock(postgres_server))
        raw.execute("COMMIT")
        assert refused.result(DEADLINE) == {KEYS[0]}
    assert store.find(KEYS[0]) is None


def test_a_note_waits_for_the_puts_before_it(
    store: PostgresMetadataStore, raw: Any, postgres_server: Postgres, namespace: str
) -> None:
    """What looked at the covers before the note is there when the caller removes what it names."""
    store.open()
    with ThreadPoolExecutor(1) as pool:
        with raw.transaction():
            raw.execute(f"SELECT pg_advisory_xact_lock_shared({LOCK})", [namespace])
            raw.execute(
                "INSERT INTO beautyspot.results "
                "(namespace, cache_key, func_name, input_id, result_type, tags, made_at) "
                "VALUES (%s, %s, 'f', 'i', 'DIRECT_BLOB', '[]', 5)",
                [namespace, KEYS[0]],
            )
            noted = pool.submit(store.note, KEY + KEYS[0])
            assert until(lambda: waits_for_a_lock(postgres_server))
            assert store.delete({KEYS[0]: 5.0}) == set()
        noted.result(DEADLINE)
    assert store.delete({KEYS[0]: 5.0}) == {KEYS[0]}


def test_a_put_looks_at_the_row_that_another_has_just_put(
    store: PostgresMetadataStore, raw: Any, postgres_server: Postgres, namespace: str
) -> None:
    """Both wait for each other's row at last: the older one is refused by what it finds then."""
    now = store.now()
    stored(store, a_record(began_at=now - 60, made_at=now - 59, result_data=b"first"))
    with ThreadPoolExecutor(1) as pool:
        with raw.transaction():
            raw.execute(
                "UPDATE beautyspot.results SET began_at = %s, made_at = %s, result_data = 'newer' "
                "WHERE namespace = %s",
                [now - 10, now - 9, namespace],
            )
            older = a_record(began_at=now - 20, made_at=now - 5, result_data=b"older")
            refused = pool.submit(stored, store, older)
            waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'transactionid'"
            assert until(lambda: bool(postgres_server.ask(waiting)))
        assert refused.result(DEADLINE) == {KEYS[0]}
    found = store.get(KEYS[0])
    assert found is not None
    assert found.result_data == b"newer"


def test_a_lease_is_not_given_over_a_row_that_its_last_holder_has_just_put(
    store: PostgresMetadataStore, raw: Any, postgres_server: Postgres, namespace: str
) -> None:
    """Who waits for the holder's transaction finds the result, and runs nothing."""
    store.open()
    with ThreadPoolExecutor(1) as pool:
        with raw.transaction():
            lease = "INSERT INTO beautyspot.leases VALUES (%s, %s, 'other', 0)"
            raw.execute(lease, [namespace, KEYS[0]])
            begun = pool.submit(store.begin, [KEYS[0]], MINE)
            waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'transactionid'"
            assert until(lambda: bool(postgres_server.ask(waiting)))
            raw.execute(
                "INSERT INTO beautyspot.results "
                "(namespace, cache_key, func_name, input_id, result_type, result_data, tags) "
                "VALUES (%s, %s, 'f', 'i', 'DIRECT_BLOB', 'x', '[]')",
                [namespace, KEYS[0]],
            )
            raw.execute("DELETE FROM beautyspot.leases WHERE namespace = %s", [namespace])
        assert set(begun.result(DEADLINE).found) == {KEYS[0]}
    assert (
        postgres_server.ask("SELECT 1 FROM beautyspot.leases WHERE namespace = %s", namespace) == []
    )


def test_rows_of_many_clients_in_any_order_wait_for_no_cycle(
    postgres_server: Postgres, namespace: str
) -> None:
    def work(number: int) -> None:
        rng = random.Random(number)
        store = PostgresMetadataStore(postgres_server.url, namespace=namespace)
        token = f"{number:032x}"
        for _ in range(30):
            some = rng.sample(KEYS, 40)
            begun = store.begin(some, token, rejected=dict.fromkeys(some, float("inf")))
            rows = [a_record(key, began_at=begun.now) for key in rng.sample(some, 40)]
            stored(store, *rows, token=token, since=begun.since)
        store.close()

    [[before]] = postgres_server.ask("SELECT sum(deadlocks) FROM pg_stat_database")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert postgres_server.ask("SELECT sum(deadlocks) FROM pg_stat_database") == [(before,)]


@pytest.mark.parametrize("seed", range(4))
def test_any_history_of_many_clients_holds(
    postgres_server: Postgres, namespace: str, seed: int
) -> None:
    """One run of a key at a time; no older result after a newer one; and no hit of a run that began
    before an invalidation, if that was over when the hit was asked for. Times are the server's."""
    hits: list[tuple[str, float, float, float]] = []  # key, began, asked, given
    notes: list[tuple[str, float, float]] = []  # cover, begins, ends
    running: dict[str, str] = {}

    def client(number: int) -> None:
        rng = random.Random(f"{seed}-{number}")
        store = PostgresMetadataStore(postgres_server.url, namespace=namespace)
        for turn in range(40):
            key, token = rng.choice(KEYS[:2]), f"{number:016x}{turn:016x}"
            covers = covers_of(a_record(key))
            asked = store.now()
            if rng.random() < 0.1:
                cover = rng.choice([covers[0], covers[1], ALL])
                store.note(cover)
                for record in store.rows():  # as an invalidation goes on
                    if cover in covers_of(record):
                        store.delete({record.cache_key: record.made_at})
                notes.append((cover, asked, store.now()))
                continue
            begun = store.begin([key], token)
            if key in begun.found:
                data = in_full(begun.found[key]).result_data or b""
                hits.append((key, float(data), asked, store.now()))
            elif key in begun.leased:
                assert running.setdefault(key, token) == token, "two have the lease"
                threading.Event().wait(rng.random() / 200)
                record = a_record(
                    key,
                    began_at=begun.now,
                    made_at=store.now(),
                    result_data=repr(begun.now).encode(),
                )
                running.pop(key)
                store.put([Put(record, covers, begun.since, token)])
        store.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(client, range(6)))
    check(hits, notes)


def check(
    hits: list[tuple[str, float, float, float]], notes: list[tuple[str, float, float]]
) -> None:
    assert hits
    assert notes
    for key, began, asked, _ in hits:
        covers = covers_of(a_record(key))
        over = [begins for cover, begins, ends in notes if cover in covers and ends < asked]
        assert began >= max(over, default=0.0), "what was invalidated came back"
        before = [other[1] for other in hits if other[0] == key and other[3] < asked]
        assert began >= max(before, default=0.0), "an older result replaced a newer one"


# --------------------------------------------------------------------------------- on the disk


def test_the_disk_has_results_and_need_not_have_leases(own: Postgres, namespace: str) -> None:
    """As where the server loses its power the moment after."""
    store = PostgresMetadataStore(own.url, namespace=namespace)
    stored(store, a_record(KEYS[30]))

    def is_on_disk() -> bool:
        [[found]] = own.ask("SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()")
        return bool(found)

    def may_be_lost(number: int, *asked: Any) -> bool:
        operation, *given = asked
        operation([KEYS[number]], *given)
        return not is_on_disk()

    for operation in (store.begin, store.renew, store.release):
        for key in KEYS[:20]:
            store.begin([key], MINE)
        assert any(may_be_lost(number, operation, MINE) for number in range(20)), operation
    for key in KEYS[:5]:
        begun = store.begin([key], MINE)
        assert stored(store, a_record(key), token=MINE, since=begun.since) == set()
        assert is_on_disk()
    store.note(KEY + KEYS[0])
    assert is_on_disk()
    assert store.delete({KEYS[30]: a_record().made_at})
    assert is_on_disk()
    assert next(iter(store.select(Selection(), "newest", None, 1)))
    store.close()
