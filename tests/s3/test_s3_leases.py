"""Leases in a bucket while the server, or the way to it, fails: a proxy in between sees to that.

Whatever happens to a request, a key has one holder, no result is lost, and no lease stays.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from beautyspot.contracts import Beginning, Lease, in_full
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot.spot import Spot
from beautyspot_s3 import S3MetadataStore, clock, leases, objects, tries
from beautyspot_s3.leases import S3Lease
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.shared import in_forked_child
from gates import until
from servers import s3proxy, seaweedfs

pytestmark = pytest.mark.server

Make = Callable[..., S3MetadataStore]

KEY = KEYS[0]

FAULTS: dict[str, s3proxy.Fault] = {
    "cut before": s3proxy.cut_before,
    "cut after": s3proxy.cut_after,
    "repeated": s3proxy.repeated,
    "slow down": s3proxy.SLOW_DOWN,
    "conflict": s3proxy.CONFLICT,
    "refused": s3proxy.REFUSED,
    "missing": s3proxy.answer(404, "NoSuchKey"),  # as AWS says where nothing is to be replaced
    "broken": s3proxy.BROKEN,
}

ORDINARY = ("cut after", "conflict")
"""Those that each run has; a full one has all."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is sent again at once."""
    monkeypatch.setattr(objects, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(tries, "PAUSE", 0.001)


@pytest.fixture
def namespace() -> str:
    """One of the test's own: all tests share a server."""
    return f"test-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def clients(server: seaweedfs.Server) -> Iterator[tuple[s3proxy.S3Proxy, Any, Any]]:
    """The proxy, a client that goes by it, and one that does not."""
    with s3proxy.S3Proxy(server) as proxy:
        options: dict[str, Any] = {"region_name": "us-east-1", **server.admin.options()}
        stores = [
            S3MetadataStore(seaweedfs.BUCKET, endpoint_url=url, timeout=5, **options)
            for url in (proxy.url, server.url)
        ]
        yield proxy, stores[0]._place.client, stores[1]._place.client
        for store in stores:
            store.close()


@pytest.fixture
def way(clients: tuple[s3proxy.S3Proxy, Any, Any]) -> Iterator[s3proxy.S3Proxy]:
    """The proxy, which passes everything until it is told otherwise."""
    proxy = clients[0]
    proxy.heal()
    proxy.seen.clear()
    clock._clocks.clear()
    yield proxy
    proxy.heal()


@pytest.fixture
def make(
    clients: tuple[s3proxy.S3Proxy, Any, Any], way: s3proxy.S3Proxy, namespace: str
) -> Iterator[Make]:
    """Makes stores of the test's namespace, by the proxy or with `direct=True`."""
    made: list[S3MetadataStore] = []

    def store(*, direct: bool = False, **options: Any) -> S3MetadataStore:
        options = {
            "namespace": namespace,
            "client": clients[1 + direct],
            "timeout": 5,
            **options,
        }
        made.append(S3MetadataStore(seaweedfs.BUCKET, **options))
        return made[-1]

    yield store
    for one in made:
        one.close()


@pytest.fixture
def store(make: Make) -> S3MetadataStore:
    """One behind the proxy; it has found out that the server heeds conditions."""
    store = make()
    taken(store, "probed").release()
    return store


@pytest.fixture
def other(make: Make) -> S3MetadataStore:
    """Another machine, as it were, with a good way to the server."""
    return make(direct=True)


def taken(store: S3MetadataStore, key: str = KEY) -> Lease:
    lease = store.try_lease(key)
    assert lease is not None
    return lease


def begun(store: S3MetadataStore, key: str = KEY) -> Beginning:
    beginning = store.begin(key)
    assert beginning is not None
    return beginning


def is_free(store: S3MetadataStore, key: str = KEY) -> bool:
    """Whether the lease of a key can be had; it is given back."""
    if store.leased([key]):
        return False
    taken(store, key).release()
    return True


faults = pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=name, marks=() if name in ORDINARY else pytest.mark.slow)
        for name, fault in FAULTS.items()
    ],
)


# ------------------------------------------------------------------- each request fails once


@faults
def test_a_lease_that_is_taken_has_one_holder(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy, fault: s3proxy.Fault
) -> None:
    way.on("PUT", "/leases/", fault)
    beginning = begun(store)
    assert other.begin(KEY) is None
    assert store.begin(KEY) is None
    assert not store.renew([beginning.lease])
    beginning.lease.release()
    assert is_free(other)


@faults
def test_a_lease_that_is_renewed_stays_with_its_holder(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy, fault: s3proxy.Fault
) -> None:
    lease = taken(store)
    for _ in "12":
        way.on("PUT", "/leases/", fault)
        assert not store.renew([lease])
        assert other.try_lease(KEY) is None
    lease.release()
    assert is_free(other)


@faults
def test_a_lease_that_is_released_is_free(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy, fault: s3proxy.Fault
) -> None:
    lease = taken(store)
    way.on("PUT", "/leases/", fault)
    lease.release()
    theirs = taken(other)
    lease.release()
    assert store.try_lease(KEY) is None
    theirs.release()


@faults
@pytest.mark.parametrize("place", ["/rows/", "/leases/"])
def test_a_result_is_stored_once_and_ends_its_lease(
    store: S3MetadataStore,
    other: S3MetadataStore,
    way: s3proxy.S3Proxy,
    fault: s3proxy.Fault,
    place: str,
) -> None:
    beginning = begun(store)
    way.on("PUT", place, fault)
    record = a_record(KEY, began_at=beginning.now)
    assert store.put_valid(record, beginning.generation)
    found = other.find(KEY)
    assert found is not None
    assert in_full(found).digest == record.digest
    assert is_free(other), "though its holder has not released it"


@faults
def test_an_abandoned_lease_is_taken_over_by_one(
    store: S3MetadataStore,
    other: S3MetadataStore,
    make: Make,
    way: s3proxy.S3Proxy,
    fault: s3proxy.Fault,
) -> None:
    lost = taken(make(direct=True, lease_time=0.1))
    until(lambda: not store.leased([KEY]))
    way.on("PUT", "/leases/", fault)
    lease = taken(store)
    assert other.try_lease(KEY) is None
    lost.release()
    assert other.try_lease(KEY) is None
    lease.release()
    assert is_free(other)


@pytest.mark.parametrize("fault", [s3proxy.cut_before, s3proxy.SLOW_DOWN], ids=["cut", "slow down"])
def test_who_waits_asks_again(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy, fault: s3proxy.Fault
) -> None:
    lease = taken(other)
    way.on("GET", "/leases/", fault, times=2)
    assert store.leased([KEY]) == {KEY}
    way.on("GET", "/leases/", fault, times=2)
    assert store.lease_holder(KEY) == f"process {os.getpid()} on {socket.gethostname()}"
    lease.release()


# ------------------------------------------------------------------- the server fails for long


def test_what_an_outage_left_stands_in_nobodys_way_here(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    way.on("PUT", "/leases/", s3proxy.cut_after, times=None)
    for work in (store.try_lease, store.begin):
        with pytest.raises(MetadataError, match="check endpoint_url"):
            work(KEY)
    way.heal()
    assert other.leased([KEY]), "it was written, and nobody was told"
    beginning = begun(store)
    assert not store.renew([beginning.lease])
    assert other.try_lease(KEY) is None
    beginning.lease.release()
    assert is_free(other)


def test_a_lease_of_which_no_answer_came_ends_with_its_row(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    since = store.generation()
    way.on("PUT", "/leases/", s3proxy.cut_after, times=None)
    with pytest.raises(MetadataError):
        store.begin(KEY)
    way.heal()
    assert store.put_valid(a_record(KEY), since)
    assert is_free(other)


def test_a_release_that_fails_is_told_and_may_be_tried_again(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    beginning = begun(store)
    way.on("PUT", "/leases/", s3proxy.cut_before, times=None)
    assert store.put_valid(a_record(KEY), beginning.generation), "the result is not lost for it"
    with pytest.raises(MetadataError, match="check endpoint_url"):
        beginning.lease.release()
    way.heal()
    beginning.lease.release()
    assert is_free(other)


def test_a_lease_whose_release_failed_is_not_lost(
    store: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    beginning = begun(store)
    way.on("PUT", "/leases/", s3proxy.cut_before, times=None)
    assert store.put_valid(a_record(KEY), beginning.generation)
    assert not store.renew([beginning.lease]), "its holder is about to release it"
    way.heal()
    beginning.lease.release()
    beginning.lease.release()
    assert not store.renew([beginning.lease])


def test_a_server_that_refuses_everything_is_given_up(
    make: Make, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    store = make(timeout=0.2)
    lease = taken(store, KEYS[1])
    way.on("PUT", "/leases/", s3proxy.REFUSED, times=None)
    for work in (partial(store.begin, KEY), partial(store.renew, [lease]), lease.release):
        with pytest.raises(MetadataBusyError, match="beautyspot doctor"):
            work()
    way.heal()
    assert is_free(store)
    lease.release()
    assert is_free(other, KEYS[1])


def test_a_lease_that_others_have_just_written_is_waited_for(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    """Some servers refuse a write for another one that nobody can read yet."""
    way.on("PUT", "/leases/", s3proxy.REFUSED, times=6)
    lease = taken(store)
    assert other.try_lease(KEY) is None
    lease.release()


def test_who_is_told_late_that_another_has_the_lease_waits_for_it(
    make: Make, other: S3MetadataStore, way: s3proxy.S3Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a server that takes its time where many write one object."""
    store = make(timeout=1)
    taken(store).release()
    lease = taken(other)
    real, trips = time.monotonic, itertools.count()
    with monkeypatch.context() as patched:
        patched.setattr(tries.time, "monotonic", lambda: real() + 2 * next(trips))
        assert store.try_lease(KEY) is None
    lease.release()


def test_who_gets_no_answer_while_another_takes_the_lease_waits_for_it(
    make: Make, other: S3MetadataStore, server: seaweedfs.Server, way: s3proxy.S3Proxy
) -> None:
    options: dict[str, Any] = {"region_name": "us-east-1", **server.admin.options()}
    hasty = S3MetadataStore(seaweedfs.BUCKET, endpoint_url=way.url, timeout=0.5, **options)
    store = make(client=hasty._place.client, timeout=0.5)
    taken(store, KEYS[1]).release()
    held = s3proxy.Held()
    way.on("PUT", "/leases/", held, times=2)
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(store.try_lease, KEY)
        assert held.came.wait(30)
        theirs = taken(other)
        assert taking.result(30) is None
        theirs.release()
    with pytest.raises(MetadataError, match="ReadTimeoutError"):
        store.try_lease(KEY)
    held.let_go()
    hasty.close()


def test_what_is_known_of_leases_is_bounded(
    make: Make, other: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "MOST_SEEN", 3)
    store = make(lease_time=0.1)
    held = [taken(other, key) for key in KEYS[:6]]
    for _ in "12":
        assert store.leased(KEYS) == set(KEYS[:6])
    for lease in held:
        lease.release()
    for key in KEYS[:6]:
        taken(store, key)
        until(lambda key=key: not other.leased([key]))  # type: ignore[misc]
    assert len(store._keeper.held) <= 4
    assert len(store._keeper._seen) <= 4


def test_of_many_leases_some_fail_to_begin(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    way.on("PUT", "/leases/", s3proxy.cut_before, times=None, skip=2)
    way.on("PUT", f"/leases/{KEYS[1]}", s3proxy.cut_before, times=None)
    with pytest.raises(MetadataError):
        store.begin_many(KEYS[:4])
    way.heal()
    assert set(store.begin_many(KEYS[:4])) == set(KEYS[:4])
    assert not other.begin_many(KEYS[:4])


def test_what_follows_the_leases_fails(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    way.on("GET", "/rows/", s3proxy.cut_before, times=None)
    with pytest.raises(MetadataError):
        store.begin_many(KEYS[:3])
    assert not other.leased(KEYS[:3]), "nobody would renew them"


def test_of_many_leases_one_fails_to_be_renewed(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    leases = [taken(store, key) for key in KEYS[:3]]
    way.on("PUT", f"/leases/{KEYS[1]}", s3proxy.cut_before, times=None)
    assert not store.renew(leases), "it holds for a while yet"
    way.on("PUT", "/leases/", s3proxy.cut_before, times=None)
    with pytest.raises(MetadataError, match="check endpoint_url"):
        store.renew(leases)
    way.heal()
    assert not store.renew(leases)
    assert other.leased(KEYS[:3]) == set(KEYS[:3])


def test_one_that_could_not_be_renewed_in_time_is_lost(make: Make, way: s3proxy.S3Proxy) -> None:
    store = make(lease_time=0.2)
    kept, left = taken(store, KEYS[0]), taken(store, KEYS[1])
    way.on("PUT", f"/leases/{KEYS[1]}", s3proxy.cut_before, times=None)
    lost: list[Lease] = []
    until(lambda: lost.extend(store.renew([kept, left])) or bool(lost))
    assert left in lost


# ------------------------------------------------------------------------ late, and side by side


def test_a_renewal_that_comes_late_takes_nothing_back(
    other: S3MetadataStore, make: Make, way: s3proxy.S3Proxy
) -> None:
    store = make(lease_time=0.1)
    lease = taken(store)
    held = s3proxy.Held()
    way.on("PUT", "/leases/", held)
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(store.renew, [lease])
        assert held.came.wait(30)
        until(lambda: not other.leased([KEY]))
        theirs = taken(other)
        held.let_go()
        assert list(renewing.result(30)) == [lease]
    lease.release()
    assert store.try_lease(KEY) is None
    assert not other.renew([theirs])
    theirs.release()


def test_an_abandoned_lease_is_not_taken_from_who_was_quicker(
    store: S3MetadataStore, other: S3MetadataStore, make: Make, way: s3proxy.S3Proxy
) -> None:
    taken(make(direct=True, lease_time=0.1))
    until(lambda: not store.leased([KEY]))
    held = s3proxy.Held()
    way.on("PUT", "/leases/", held)
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(store.try_lease, KEY)
        assert held.came.wait(30)
        until(lambda: not other.leased([KEY]))
        theirs = taken(other)
        held.let_go()
        assert taking.result(30) is None
    assert not other.renew([theirs])
    theirs.release()


def test_a_lease_that_is_swept_as_it_is_looked_at(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    way.on("PUT", "/leases/", s3proxy.REFUSED)
    lease = taken(store)
    assert other.try_lease(KEY) is None
    lease.release()


def test_a_release_waits_for_its_renewal(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    lease = taken(store)
    held = s3proxy.Held()
    way.on("PUT", "/leases/", held)
    with ThreadPoolExecutor(2) as pool:
        renewing = pool.submit(store.renew, [lease])
        assert held.came.wait(30)
        assert isinstance(lease, S3Lease)
        assert lease.lock.locked(), "else who is quicker takes it for lost"
        releasing = pool.submit(lease.release)
        held.let_go()
        releasing.result(30)
        assert not renewing.result(30), "nor is it lost"
    assert is_free(other)


def test_a_lease_that_was_removed_is_lost(
    store: S3MetadataStore, other: S3MetadataStore, server: seaweedfs.Server, namespace: str
) -> None:
    """As by a rule of the bucket that removes what is old, or by hand."""
    leases = [taken(store, key) for key in KEYS[:2]]
    client = server.client()
    for key in KEYS[:2]:
        name = f"store/{namespace}/leases/{key}"
        client.delete_object(Bucket=seaweedfs.BUCKET, Key=name)
    client.close()
    assert [*store.renew(leases[:1])] == leases[:1]
    for lease in leases:
        lease.release()
    assert is_free(other, KEYS[0])
    assert is_free(other, KEYS[1])


JUNK = [
    b"",
    b"junk",
    b"[]",
    b'{"token": "a"}',
    b"\xff",
    b"[" * 9999,
    b'{"token": "a", "holder": "b", "beat": 1, "seconds": NaN}',
    b'{"token": "a", "holder": "b", "beat": Infinity, "seconds": 9}',
]


def written_by_others(server: seaweedfs.Server, namespace: str, body: bytes) -> None:
    """Have something stand in the place of a lease."""
    client = server.client()
    name = f"store/{namespace}/leases/{KEY}"
    client.put_object(Bucket=seaweedfs.BUCKET, Key=name, Body=body)
    client.close()


@pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
def test_what_is_no_lease_is_taken(
    store: S3MetadataStore,
    other: S3MetadataStore,
    server: seaweedfs.Server,
    namespace: str,
    body: bytes,
) -> None:
    written_by_others(server, namespace, body)
    assert not store.leased([KEY])
    lease = taken(store)
    assert other.try_lease(KEY) is None
    lease.release()


def test_no_lease_holds_for_longer_than_a_day(
    make: Make, way: s3proxy.S3Proxy, server: seaweedfs.Server, namespace: str
) -> None:
    body = b'{"token": "a", "holder": "b", "beat": 1, "seconds": 1e12}'
    written_by_others(server, namespace, body)
    way.on("", "", s3proxy.ahead(86400 + 60), times=None)
    taken(make()).release()


@pytest.mark.slow
def test_of_sixteen_writers_one_has_the_lease(make: Make, server: seaweedfs.Server) -> None:
    options: dict[str, Any] = {"region_name": "us-east-1", **server.admin.options()}
    patient = S3MetadataStore(seaweedfs.BUCKET, endpoint_url=server.url, timeout=60, **options)
    stores = [make(client=patient._place.client, timeout=60) for _ in range(16)]
    for store in stores:
        store.open()
    inside: list[int] = []
    done = threading.Semaphore(0)

    def work(store: S3MetadataStore) -> int:
        runs = 0
        while runs < 2:
            beginning = None
            with contextlib.suppress(MetadataBusyError):  # others were quicker, again and again
                beginning = store.begin(KEY)
            if beginning is None:
                until(partial(lambda store: not store.leased([KEY]), store))
                continue
            inside.append(1)
            assert len(inside) == 1, "one at a time"
            inside.pop()
            runs += 1
            assert store.put_valid(a_record(KEY, began_at=beginning.now), beginning.generation)
            beginning.lease.release()
        done.release()
        return runs

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, stores)) == [2] * 16
    patient.close()


def test_a_forked_child_does_not_end_what_its_parent_holds(store: S3MetadataStore) -> None:
    lease = taken(store)

    def child() -> str:
        lease.release()
        assert [*store.renew([lease])] == []
        assert store.try_lease(KEY) is None
        return "still held"

    assert in_forked_child(child) == "still held"
    assert store.leased([KEY]) == {KEY}
    lease.release()
    assert not store.leased([KEY])


def test_in_a_versioned_bucket(server: seaweedfs.Server, namespace: str) -> None:
    client = server.client()
    bucket = namespace.lower()
    client.create_bucket(Bucket=bucket)
    enabled: Any = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=enabled)
    options: dict[str, Any] = {"client": client, "timeout": 5}
    store, other = S3MetadataStore(bucket, **options), S3MetadataStore(bucket, **options)
    for _ in "123":
        beginning = begun(store)
        assert other.begin(KEY) is None
        assert not store.renew([beginning.lease])
        record = a_record(KEY, began_at=beginning.now)
        assert store.put_valid(record, beginning.generation)
        beginning.lease.release()
        theirs = begun(other)
        assert theirs.found is not None
        theirs.lease.release()
        assert other.delete(KEY)
    client.close()


@pytest.mark.slow
def test_two_spots_on_a_way_that_fails_again_and_again(
    make: Make, other: S3MetadataStore, way: s3proxy.S3Proxy, tmp_path: Path
) -> None:
    """Of whatever kind: each result is right, all are stored, and no lease is left."""
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    failing = itertools.cycle(FAULTS.values())

    def bad(request: s3proxy.Request, send: s3proxy.Send) -> s3proxy.Answer | None:
        """The first request for an object fails, and each fourth one after it."""
        what = request.method, request.key
        counts[what] += 1
        if counts[what] % 4 != 1:
            return send(request)
        fault = next(failing)
        sets = request.method == "PUT" and request.without(*s3proxy.CONDITIONS) != request
        if fault in (FAULTS["refused"], FAULTS["missing"]) and not sets:
            fault = s3proxy.BROKEN  # nothing is refused that sets no condition
        return fault(request, send)

    ran: collections.Counter[int] = collections.Counter()

    def double(x: int, ran: Any) -> int:
        ran[x] += 1
        return 2 * x

    spots = [Spot("app", config=False, metadata=make(), directory=tmp_path / name) for name in "ab"]
    marked = [spot.mark(name="f", version="1", ignore=("ran",))(double) for spot in spots]
    way.on("", "", bad, times=None)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(marked[n % 2], n // 2, ran) for n in range(60)]
        assert [call.result(60) for call in calls] == [n // 2 * 2 for n in range(60)]
    assert max(ran.values()) <= 2, "twice where a lease could not be had in three attempts"
    way.heal()
    before = ran.copy()
    assert [marked[0](x, ran) for x in range(30)] == [2 * x for x in range(30)]
    for spot in spots:
        spot.shutdown()
    keys = [record.cache_key for record in other.scan()]
    assert len(keys) == 30, "all were stored"
    assert not other.leased(keys)
    assert sum((ran - before).values()) <= 3, "what was on its way when it healed"


# ------------------------------------------------------------- what a miss and a wait ask for


def test_how_many_requests_a_call_takes(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    way.seen.clear()
    beginning = begun(store)
    assert (way.count("PUT"), way.count("GET"), way.count()) == (1, 2, 3), "lease; row, meta"
    way.seen.clear()
    store.renew([beginning.lease])
    assert (way.count("PUT"), way.count()) == (1, 1)
    way.seen.clear()
    store.put_valid(a_record(KEY, began_at=beginning.now), beginning.generation)
    beginning.lease.release()
    assert (way.count("PUT"), way.count("GET"), way.count()) == (2, 2, 4), "row, lease; meta twice"
    way.seen.clear()
    held = taken(other, KEYS[1])
    assert store.begin(KEYS[1]) is None
    assert (way.count("PUT"), way.count("GET"), way.count()) == (1, 1, 2)
    assert store.begin(KEYS[1]) is None
    assert (way.count("PUT"), way.count("GET"), way.count()) == (1, 2, 3), "no further write"
    held.release()
    way.seen.clear()
    assert store.leased(KEYS[:3]) == set()
    assert (way.count("GET"), way.count()) == (3, 3), "those who wait pay for each key"


# ------------------------------------------------------ servers that know nothing of conditions


@pytest.mark.parametrize(
    "fault",
    [
        s3proxy.unconditional,
        s3proxy.unknown,
        s3proxy.ignoring("If-None-Match"),
        s3proxy.ignoring("If-Match"),
    ],
    ids=["both", "unknown", "absence", "match"],
)
def test_a_server_without_conditions_is_told_once_and_used_without_leases(
    make: Make, way: s3proxy.S3Proxy, caplog: pytest.LogCaptureFixture, fault: s3proxy.Fault
) -> None:
    way.on("PUT", "", fault, times=None)
    store, other = make(), make()
    leases = [store.try_lease(KEY), other.try_lease(KEY), store.try_lease(KEY)]
    assert all(leases)
    beginnings = [store.begin(KEY), *other.begin_many([KEY]).values()]
    assert len([each for each in beginnings if each]) == 2
    assert store.leased([KEY]) == set()
    assert not store.renew([lease for lease in leases if lease])
    assert store.put_valid(a_record(KEY), store.generation())
    assert other.find(KEY) is not None
    for lease in leases:
        assert lease is not None
        lease.release()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2, "once for each store"
    assert all("takes no notice of the conditions" in text for text in said)
    assert all("AWS S3" in text for text in said), "what to do"


def test_a_spot_works_on_a_server_without_conditions(
    make: Make, way: s3proxy.S3Proxy, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    way.on("PUT", "", s3proxy.unconditional, times=None)
    with Spot("app", config=False, metadata=make(), directory=tmp_path) as spot:
        runs: list[int] = []

        @spot.mark(name="f", version="1", ignore=("runs",))
        def double(x: int) -> int:
            runs.append(x)
            return 2 * x

        assert [double(x) for x in (1, 2, 1, 2)] == [2, 4, 2, 4]
        assert runs == [1, 2]
        assert spot.stats()["resting"] == 0
    assert len(caplog.records) == 1


def test_conditions_are_probed_once_a_process(store: S3MetadataStore, way: s3proxy.S3Proxy) -> None:
    assert way.count("PUT", "/leases/~probe-") == 3
    taken(store).release()
    assert way.count("PUT", "/leases/~probe-") == 3


def test_a_server_that_once_knew_conditions_is_never_written_without(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    lease = taken(other)
    way.on("PUT", "/leases/", s3proxy.unknown)
    with pytest.raises(MetadataError):
        store.try_lease(KEY)
    assert store.try_lease(KEY) is None
    lease.release()


def test_a_probe_that_fails_is_made_again(make: Make, way: s3proxy.S3Proxy) -> None:
    store = make()
    way.on("PUT", "/~probe", s3proxy.cut_before, times=None)
    with pytest.raises(MetadataError, match="check endpoint_url"):
        store.begin(KEY)
    way.heal()
    taken(store).release()


def test_who_may_only_read_needs_no_probe(
    server: seaweedfs.Server, other: S3MetadataStore, namespace: str
) -> None:
    since = other.generation()
    assert other.put_valid(a_record(KEY), since)
    client = server.client(server.reader)
    reader = S3MetadataStore(seaweedfs.BUCKET, namespace=namespace, client=client)
    assert reader.find(KEY) is not None
    assert reader.leased([KEY]) == set()
    with pytest.raises(MetadataError, match="grant s3:GetObject, s3:PutObject"):
        reader.begin(KEY)
    client.close()


# -------------------------------------------------------------------------------- the clock


def test_what_was_abandoned_long_ago_is_taken_at_once(
    make: Make, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    taken(other)
    way.on("", "", s3proxy.ahead(29), times=None)  # as long as it holds, and the server's second
    store = make()
    assert store.try_lease(KEY) is None
    way.heal()
    clock._clocks.clear()
    way.on("", "", s3proxy.ahead(33), times=None)
    taken(make()).release()


def test_without_dates_a_lease_is_over_once_it_was_unchanged_for_its_time(
    make: Make, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    way.on("", "", s3proxy.dateless, times=None)
    store = make()
    left, kept = taken(make(direct=True, lease_time=0.2)), taken(other, KEYS[1])
    until(lambda: not other.renew([kept]) and store.leased(KEYS[:2]) == {KEYS[1]})
    lease = taken(store)
    assert other.try_lease(KEY) is None
    for one in (left, kept, lease):
        one.release()


def test_a_server_whose_clock_jumps_ahead_costs_no_holder_its_lease(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    lease = taken(other)
    way.on("", "", s3proxy.ahead(3600), times=None)
    for _ in "123":
        assert store.leased([KEY]) == {KEY}
        assert store.try_lease(KEY) is None
    lease.release()
    assert is_free(store)


def test_a_server_whose_clock_jumps_back_keeps_no_lease_for_ever(
    store: S3MetadataStore, make: Make, way: s3proxy.S3Proxy
) -> None:
    taken(make(direct=True, lease_time=0.2))
    way.on("", "", s3proxy.ahead(-3600), times=None)
    until(lambda: not store.leased([KEY]))
    taken(store).release()


def test_the_dates_of_the_server_are_the_time(
    store: S3MetadataStore, make: Make, way: s3proxy.S3Proxy
) -> None:
    before = store.now()
    way.on("", "", s3proxy.ahead(3600), times=None)
    assert store.find(KEY) is None
    assert store.now() < before + 1800, "one answer alone sets no clock"
    assert store.find(KEY) is None
    assert 3590 < store.now() - before < 3700
    assert 3590 < begun(store).now - before < 3700
    assert make().now() == pytest.approx(store.now(), abs=5), "one clock for all of a process"


def test_without_dates_the_time_is_this_machines(
    make: Make, way: s3proxy.S3Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.on("", "", s3proxy.dateless, times=None)
    monkeypatch.setattr("time.time", lambda: 5.0)
    store = make()
    way.seen.clear()
    assert [store.now(), store.now(), store.now()] == [5.0] * 3
    assert way.count() == 1, "it is not asked again for what it can't tell"


# -------------------------------------------------------------------------- whose result stays


def test_a_result_that_is_refused_ends_its_lease_too(
    store: S3MetadataStore, other: S3MetadataStore
) -> None:
    beginning = begun(store)
    other.put(a_record(KEY, made_at=beginning.now, took=0.0, began_at=beginning.now))
    old = a_record(KEY, began_at=beginning.now - 5)
    assert not store.put_valid(old, beginning.generation)
    assert is_free(other)


def test_what_was_there_as_a_call_began_is_older_whatever_clocks_say(
    store: S3MetadataStore, other: S3MetadataStore
) -> None:
    now = other.now()  # the clocks of two machines agree to the second at first
    other.put(a_record(KEY, made_at=now, took=0.0, began_at=now + 0.9))
    beginning = begun(store)
    record = a_record(KEY, made_at=beginning.now, began_at=beginning.now, result_data=b"newer")
    assert store.put_valid(record, beginning.generation)
    found = other.get(KEY)
    assert found is not None
    assert found.result_data == b"newer"


def test_an_older_result_that_waited_does_not_pass_for_one_of_a_later_call(
    store: S3MetadataStore, other: S3MetadataStore
) -> None:
    now = store.now()
    other.put(a_record(KEY, made_at=now - 5, took=0.0, began_at=now - 5))
    beginning = begun(store)
    late = a_record(KEY, made_at=now - 6, took=1.0, began_at=now - 7)
    assert not store.put_valid(late, beginning.generation), "of a run before"
    beginning.lease.release()


def test_a_row_of_a_machine_that_knows_the_time_better_is_newer(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy
) -> None:
    """It may be ahead of what is known here, and is not the work of a wrong clock for that."""
    since, now = store.generation(), store.now()
    way.on("", "", s3proxy.dateless, times=None)  # no more is known from here on
    most = clock.clock_of(store._place.server).latest()
    assert most is not None
    between = (now + most) / 2
    other.put(a_record(KEY, made_at=between, took=0.0, began_at=between))
    assert not store.put_valid(a_record(KEY, began_at=now), since)
