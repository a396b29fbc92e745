"""What is put in parts, how long rows stay, and that no put slips past an invalidation."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Invalidation
from beautyspot_postgres import PostgresMetadataStore, invalidation_log, listing, putting
from beautyspot_testing.records import KEYS, a_record
from servers.valkey import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import TaskRecord
    from servers.postgres import Postgres

NOTED = Invalidation(cache_key=KEYS[0])


def stored(store: PostgresMetadataStore) -> list[str]:
    return [record.cache_key for record in store.scan()]


def test_rows_that_expired_long_ago_go_with_later_puts(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    now = store.now()
    store.put_many(
        [
            a_record(KEYS[0], expires_at=now - 10**6),
            a_record(KEYS[1], expires_at=now - 10**6),
            a_record(KEYS[2], expires_at=now + 60),
            a_record(KEYS[3], expires_at=None),
            a_record(KEYS[4], expires_at=float("nan")),
        ]
    )
    store.put(a_record(KEYS[5], expires_at=now + 60))
    assert stored(store) == KEYS[:6], "a day from now on, where it had expired"
    raw.execute(
        "UPDATE beautyspot.results SET stored_at = stored_at - 90000 "
        "WHERE namespace = %s AND cache_key <> %s",
        [namespace, KEYS[1]],
    )
    store.put(a_record(KEYS[6], expires_at=None))
    assert len(stored(store)) == 7
    store.put(a_record(KEYS[6], expires_at=now + 60))
    assert stored(store) == KEYS[1:7]


@pytest.mark.parametrize(("keep", "stays"), [(None, True), ("2h", True), (0, False)])
def test_how_long_they_stay_is_an_option(
    postgres_server: Postgres, namespace: str, keep: Any, stays: bool
) -> None:
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace, keep_expired=keep)
    store.put(a_record(KEYS[0]))
    store.put(a_record(KEYS[1]))
    assert (store.find(KEYS[0]) is not None) is stays
    store.close()


def test_many_rows_go_in_parts(
    store: PostgresMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(putting, "PART", 3)
    monkeypatch.setattr(putting, "LARGEST", 9000)
    monkeypatch.setattr(listing, "_LARGE_DATA", 0)
    sizes = [10, 10, 10, 10, 4000, 4000, 9000, 10]
    records = [
        a_record(key, result_data=b"x" * size) for key, size in zip(KEYS, sizes, strict=False)
    ]
    since = store.generation()
    store.note_invalidation(Invalidation(cache_key=KEYS[3]))
    assert store.put_many_valid((record, since) for record in records) == {KEYS[3]}
    kept = [record for record in records if record.cache_key != KEYS[3]]
    assert list(store.scan(with_data=True)) == kept


def test_large_data_are_listed_row_by_row(store: PostgresMetadataStore) -> None:
    records = [a_record(key, result_data=b"x" * 1_500_000) for key in KEYS[:3]]
    store.put_many(records)
    assert list(store.scan(with_data=True)) == records
    assert list(store.scan(with_data=True, version="v1")) == records


def test_what_comes_is_put_before_the_rest_is_asked_for(
    store: PostgresMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a large store is not held in memory."""
    monkeypatch.setattr(putting, "PART", 2)

    def coming() -> Iterator[TaskRecord]:
        for number, key in enumerate(KEYS[:6]):
            assert len(stored(store)) >= number - 2
            yield a_record(key)

    store.put_many(coming())
    assert stored(store) == KEYS[:6]


def test_of_one_key_the_last_record_is_put(store: PostgresMetadataStore) -> None:
    store.put_many([a_record(version="1"), a_record(KEYS[1]), a_record(version="2")])
    found = store.get(KEYS[0])
    assert found is not None
    assert found.version == "2"


def test_a_log_that_is_too_long_forgets_the_oldest(
    store: PostgresMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invalidation_log, "LOGGED", 3)
    monkeypatch.setattr(invalidation_log, "EVERY", 1)
    numbers = [store.generation()]
    for key in KEYS[:5]:
        store.note_invalidation(Invalidation(cache_key=key))
        numbers.append(store.generation())
    assert store.invalidated_since(numbers[0]) == [Invalidation()]
    assert store.invalidated_since(numbers[1]) == [Invalidation()]
    assert store.invalidated_since(numbers[2]) == [Invalidation(key) for key in KEYS[2:5]]
    assert not store.put_valid(a_record(KEYS[9]), numbers[1])
    assert store.put_valid(a_record(KEYS[9]), numbers[2])


def waits_for_a_lock(server: Postgres) -> bool:
    return bool(server.ask("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'"))


def test_a_put_that_comes_while_it_is_noted_is_refused(
    store: PostgresMetadataStore, raw: Any, postgres_server: Postgres, namespace: str
) -> None:
    """The note is made, and not committed yet: it has to be waited for."""
    since = store.generation()
    refused: list[bool] = []
    with raw.transaction():
        raw.execute(
            "SELECT beautyspot.note(%s, 'ab', %s, NULL, NULL, NULL, 10, 10)", [namespace, KEYS[0]]
        )
        thread = threading.Thread(
            target=lambda: refused.append(not store.put_valid(a_record(), since))
        )
        thread.start()
        assert until(lambda: waits_for_a_lock(postgres_server))
    thread.join()
    assert refused == [True]
    assert store.find(KEYS[0]) is None


def test_a_note_waits_for_the_puts_before_it(
    store: PostgresMetadataStore, raw: Any, postgres_server: Postgres, namespace: str
) -> None:
    """What looked at the log before the note is there when the caller removes what it names."""
    store.open()
    with raw.transaction():
        raw.execute("SELECT pg_advisory_xact_lock_shared(beautyspot.lock_of(%s))", [namespace])
        raw.execute(
            "INSERT INTO beautyspot.results (namespace, cache_key) VALUES (%s, %s)",
            [namespace, KEYS[0]],
        )
        thread = threading.Thread(target=store.note_invalidation, args=[NOTED])
        thread.start()
        assert until(lambda: waits_for_a_lock(postgres_server))
        assert not store.delete(KEYS[0])
    thread.join()
    assert store.delete(KEYS[0])


def test_the_disk_has_results_and_need_not_have_leases(own: Postgres, namespace: str) -> None:
    """As where the server loses its power the moment after."""
    store = PostgresMetadataStore(own.url, namespace=namespace)
    store.put(a_record(KEYS[1]))

    def is_on_disk() -> bool:
        [[found]] = own.ask("SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()")
        return bool(found)

    for key in KEYS[:20]:
        begun = store.begin(key)
        assert begun is not None
        waits = not is_on_disk()
        assert store.put_valid(a_record(key), begun.generation)
        assert is_on_disk()
        if waits:
            break
    else:
        pytest.fail("a lease waits for the disk")
    store.note_invalidation(NOTED)
    assert is_on_disk()
    assert store.delete(KEYS[1])
    assert is_on_disk()
    store.close()
