"""Processes and servers that die or stand still: one holder, and nothing older over newer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, cast

import pytest
from beautyspot.contracts import in_full
from beautyspot.errors import MetadataError
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, OTHER, stored, wait_until
from servers import valkey

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE = """
import sys
from beautyspot.contracts import TaskRecord
from beautyspot.contracts.covers import covers_of
from beautyspot.contracts.store import Put
from beautyspot_redis import RedisMetadataStore
store = RedisMetadataStore({url!r}, namespace={namespace!r}, lease_time={lease})
begun = store.begin(["{key}"], "{token}")
print(*begun.leased, flush=True)
sys.stdin.readline()
record = TaskRecord("{key}", "f", "i", result_data=b"by the child", made_at=store.now(),
                    began_at=begun.now)
refused = store.put([Put(record, covers_of(record), begun.since, "{token}")])
print("refused" if refused else "stored", flush=True)
"""


class Machine:
    """Another process, which begins a key, and puts its result when it is told."""

    def __init__(self, url: str, namespace: str, lease: float = 0.5, token: str = OTHER) -> None:
        code = MACHINE.format(url=url, namespace=namespace, lease=lease, token=token, key=KEYS[0])
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def heard(self) -> str:
        return cast("IO[str]", self.process.stdout).readline().strip()

    def go_on(self) -> str:
        out, _ = self.process.communicate("\n", timeout=60)
        return out.strip()


@pytest.fixture
def machine(redis_server: valkey.Valkey, namespace: str) -> Iterator[Machine]:
    made = Machine(redis_server.url, namespace)
    yield made
    made.process.kill()
    made.process.communicate()


def data(store: RedisMetadataStore) -> bytes | None:
    found = store.find(KEYS[0])
    return None if found is None else in_full(found).result_data


def run_here(store: RedisMetadataStore, token: str = MINE) -> None:
    """Begin the key as soon as it is free, and store a result of one's own."""
    begun: Any = None

    def is_won() -> bool:
        nonlocal begun
        begun = store.begin(KEYS[:1], token)
        return bool(begun.leased)

    wait_until(is_won)
    record = a_record(began_at=begun.now, made_at=store.now(), result_data=b"by the parent")
    assert stored(store, record, token=token, since=begun.since) == set()


def test_what_a_killed_process_ran_another_runs(
    store: RedisMetadataStore, machine: Machine
) -> None:
    assert machine.heard() == KEYS[0]
    machine.process.kill()
    run_here(store)
    assert data(store) == b"by the parent"


def test_a_process_that_stood_still_overwrites_nothing_newer(
    store: RedisMetadataStore, machine: Machine
) -> None:
    assert machine.heard() == KEYS[0]
    os.kill(machine.process.pid, signal.SIGSTOP)
    run_here(store)
    os.kill(machine.process.pid, signal.SIGCONT)
    assert machine.go_on() == "refused"
    assert data(store) == b"by the parent"


def test_a_process_that_stood_still_stores_what_nobody_else_made(
    store: RedisMetadataStore, machine: Machine
) -> None:
    """Though it has lost its lease: what was paid for, and is the newest, is not thrown away."""
    assert machine.heard() == KEYS[0]
    os.kill(machine.process.pid, signal.SIGSTOP)
    wait_until(lambda: bool(store.begin(KEYS[:1], MINE).leased))
    os.kill(machine.process.pid, signal.SIGCONT)
    assert machine.go_on() == "stored"
    assert store.renew(KEYS[:1], MINE) == set(), "and the lease of the other is its own still"


def test_what_was_invalidated_while_a_process_stood_still_is_not_stored(
    store: RedisMetadataStore, machine: Machine
) -> None:
    assert machine.heard() == KEYS[0]
    os.kill(machine.process.pid, signal.SIGSTOP)
    store.note("all")
    os.kill(machine.process.pid, signal.SIGCONT)
    assert machine.go_on() == "refused"
    assert store.find(KEYS[0]) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_uses_the_store_on_its_own(store: RedisMetadataStore) -> None:
    begun = store.begin(KEYS[:1], MINE)
    child = os.fork()
    if child == 0:
        try:
            good = not store.begin(KEYS[:1], OTHER).leased
            good = good and stored(store, a_record(KEYS[1]), token=OTHER) == set()
            store.close()
        except BaseException:
            good = False
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.renew(KEYS[:1], MINE) == set()
    assert stored(store, a_record(), token=MINE, since=begun.since) == set()
    assert set(store.find_many(KEYS)) == set(KEYS[:2])


def test_one_of_many_processes_and_threads_gets_each_key(
    store: RedisMetadataStore, redis_server: valkey.Valkey, namespace: str
) -> None:
    machines = [Machine(redis_server.url, namespace, 60, f"{n}" * 32) for n in range(4, 6)]
    with ThreadPoolExecutor(4) as pool:
        here = list(pool.map(lambda n: store.begin(KEYS[:1], f"{n}" * 32).leased, range(4)))
    won = [machine.heard() for machine in machines] + [key for keys in here for key in keys]
    for machine in machines:
        machine.process.kill()
        machine.process.communicate()
    assert [key for key in won if key] == [KEYS[0]]


# ------------------------------------------------------------------------------------ the server


def at(server: valkey.Valkey, namespace: str, **options: Any) -> RedisMetadataStore:
    return RedisMetadataStore(server.url, namespace=namespace, timeout=0.5, **options)


def test_a_server_that_is_killed_and_comes_back_empty(own: valkey.Valkey, namespace: str) -> None:
    store = at(own, namespace)
    stored(store, a_record(KEYS[5]))
    begun, identity = store.begin(KEYS[:2], MINE), store.store_id
    own.kill()
    with pytest.raises(MetadataError, match="start the server"):
        stored(store, a_record(), token=MINE, since=begun.since)
    own.start()
    assert store.renew(KEYS[:2], MINE) == set(KEYS[:2]), "which it is told"
    assert stored(store, a_record(), token=MINE, since=begun.since) == set()
    assert [record.cache_key for record in store.rows()] == [KEYS[0]]
    assert store.store_id == identity
    again = at(own, namespace)
    assert again.store_id == identity, "its blobs stay its own"
    store.close()
    again.close()


@pytest.mark.usefixtures("_program")
def test_a_server_that_keeps_its_content_over_a_kill(tmp_path: Any, namespace: str) -> None:
    with valkey.running(tmp_path / "own", appendonly="yes", appendfsync="always") as server:
        store = at(server, namespace)
        begun = store.begin(KEYS[:2], MINE)
        store.note(f"key:{KEYS[1]}")
        stored(store, a_record(KEYS[5]))
        server.restart()
        records = [a_record(key) for key in KEYS[:2]]
        assert stored(store, *records, token=MINE, since=begun.since) == {KEYS[1]}
        assert set(store.find_many(KEYS)) == {KEYS[0], KEYS[5]}
        assert [record.cache_key for record in store.rows()] == [KEYS[0], KEYS[5]]
        store.close()


def test_a_server_that_stands_still(own: valkey.Valkey, namespace: str) -> None:
    store = at(own, namespace, connections=2)
    stored(store, a_record())
    own.freeze()
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(store.find, KEYS[0]) for _ in range(6)]
        for each in asked:
            with pytest.raises(MetadataError, match="raise timeout=|raise connections="):
                each.result(30)
    own.thaw()
    assert valkey.until(lambda: _is_found(store))
    store.close()


def _is_found(store: RedisMetadataStore) -> bool:
    try:
        return store.find(KEYS[0]) is not None
    except MetadataError:
        return False


def test_a_full_server_answers_and_takes_nothing(own: valkey.Valkey, namespace: str) -> None:
    store = at(own, namespace)
    stored(store, a_record(KEYS[5]))
    begun = store.begin(KEYS[:2], MINE)
    own.ask("CONFIG", "SET", "maxmemory", "1")
    records = [a_record(key) for key in KEYS[:2]]
    for change in (
        lambda: stored(store, *records, token=MINE, since=begun.since),
        lambda: store.begin([KEYS[3]], MINE),
        lambda: store.note("all"),
    ):
        with pytest.raises(MetadataError, match="raise its maxmemory"):
            change()
    assert set(store.find_many(KEYS)) == {KEYS[5]}
    assert [record.cache_key for record in store.rows()] == [KEYS[5]]
    assert store.renew(KEYS[:2], MINE) == set()
    assert store.delete({KEYS[5]: a_record().made_at}) == {KEYS[5]}, "which makes room"
    own.ask("CONFIG", "SET", "maxmemory", "0")
    assert stored(store, *records, token=MINE, since=begun.since) == set()
    assert set(store.find_many(KEYS)) == set(KEYS[:2])
    store.close()


def test_a_replica_gives_and_takes_nothing(
    own: valkey.Valkey, redis_server: valkey.Valkey, tmp_path: Any, namespace: str
) -> None:
    store = at(own, namespace)
    stored(store, *map(a_record, KEYS[:3]))
    with valkey.running(tmp_path / "replica", master=own) as replica:
        assert valkey.until(lambda: replica.ask("DBSIZE") == own.ask("DBSIZE"))
        reader = at(replica, namespace)
        assert reader.find(KEYS[0]) is not None
        assert set(reader.find_many(KEYS)) == set(KEYS[:3])
        assert len(reader.rows()) == 3
        assert reader.store_id == store.store_id
        for change in (
            lambda: stored(reader, a_record(KEYS[4]), since=0),
            lambda: reader.begin([KEYS[4]], MINE),
        ):
            with pytest.raises(MetadataError, match="it is a replica"):
                change()
        reader.close()
    store.close()
