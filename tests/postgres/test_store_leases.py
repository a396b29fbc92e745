"""Leases of the store: what is lost on the way, and what outlives restarts and deaths."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts.covers import covers_of
from beautyspot.contracts.store import Put
from beautyspot.errors import MetadataError
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, OTHER, stored
from child import Child
from servers.valkey import until

if TYPE_CHECKING:
    from servers.postgres import Postgres


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
    store = PostgresMetadataStore(own.url, namespace=namespace, timeout=0.3)
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


# -------------------------------------------------------------- other processes, of other fates


def a_child(server: Postgres, namespace: str) -> Child:
    """Another process that begins a call, and puts its result when it may go on."""
    return Child(
        "import os\n"
        "from beautyspot_postgres import PostgresMetadataStore\n"
        "from beautyspot_testing.records import KEYS, a_record\n"
        "from beautyspot_testing.store import MINE, stored\n"
        f"store = PostgresMetadataStore({server.url!r}, namespace={namespace!r}, lease_time=1)\n"
        "begun = store.begin([KEYS[0]], MINE)\n"
        "say(f'{len(begun.leased)} {os.getpid()}')\n"
        "wait()\n"
        "record = a_record(began_at=begun.now, made_at=begun.now, result_data=b'child')\n"
        "say(str(stored(store, record, token=MINE, since=begun.since)))\n"
    )


@pytest.fixture
def brief(postgres_server: Postgres, namespace: str) -> Any:
    """A store whose leases hold for a second."""
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace, lease_time=1)
    yield store
    store.close()


def takes_over(store: PostgresMetadataStore) -> float | None:
    """When another one gets the lease."""
    begun = store.begin([KEYS[0]], OTHER)
    return begun.now if begun.leased else None


def test_a_process_that_is_killed_between_begin_and_put_frees_its_key(
    brief: PostgresMetadataStore, postgres_server: Postgres, namespace: str
) -> None:
    with a_child(postgres_server, namespace) as child:
        assert child.heard().startswith("1 ")
        assert takes_over(brief) is None
        child.kill()
    assert until(lambda: takes_over(brief) is not None)
    assert stored(brief, a_record(result_data=b"mine"), token=OTHER) == set()


@pytest.mark.parametrize("then", ["put", "note", "nothing"])
def test_a_process_that_stood_still_beyond_its_lease(
    brief: PostgresMetadataStore, postgres_server: Postgres, namespace: str, then: str
) -> None:
    """Its result is stored, unless a newer one or an invalidation came before."""
    with a_child(postgres_server, namespace) as child:
        leased, _, pid = child.heard().partition(" ")
        assert leased == "1"
        os.kill(int(pid), signal.SIGSTOP)
        began: list[float] = []
        assert until(lambda: began.extend(filter(None, [takes_over(brief)])) or bool(began))
        if then == "put":
            newer = a_record(began_at=began[0], made_at=began[0], result_data=b"newer")
            assert stored(brief, newer, token=OTHER) == set()
        elif then == "note":
            brief.note(covers_of(a_record())[1])
        os.kill(int(pid), signal.SIGCONT)
        child.go_on()
        assert child.heard() == ("set()" if then == "nothing" else str({KEYS[0]}))
    found = brief.get(KEYS[0])
    data = None if found is None else found.result_data
    assert data == {"put": b"newer", "note": None, "nothing": b"child"}[then]
    if then == "nothing":
        assert brief.renew([KEYS[0]], OTHER) == set(), "it has ended no lease but its own"


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
