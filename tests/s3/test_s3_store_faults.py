"""The store while the server, or the way to it, fails: a proxy in between sees to that.

Whatever happens to a request, a key has one holder, no older result takes the place of a newer one,
nothing that was invalidated comes back, and what failed succeeds when it is asked for again.
"""

from __future__ import annotations

import collections
import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from beautyspot.contracts import Counts, Invalidation
from beautyspot.contracts.records import ALL, cover_of, covers_of
from beautyspot.contracts.store import Begun, Put
from beautyspot.errors import MetadataError
from beautyspot_s3 import S3MetadataStore, S3Storage, clock
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import ANY, MINE, OTHER, stored
from botocore.retries.standard import ExponentialBackoff
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
    "broken": s3proxy.BROKEN,
    "conflict": s3proxy.CONFLICT,
    "refused": s3proxy.REFUSED,
    "missing": s3proxy.answer(404, "NoSuchKey"),  # as AWS says where nothing is to be replaced
}

WRITES_ALONE = ("conflict", "refused", "missing")
"""What no server answers to a read."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is sent again at once."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


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
            S3MetadataStore(seaweedfs.BUCKET, endpoint_url=url, timeout=15, **options)
            for url in (proxy.url, server.url)
        ]
        yield proxy, stores[0]._bucket.client, stores[1]._bucket.client
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
        options = {"namespace": namespace, "client": clients[1 + direct], **options}
        made.append(S3MetadataStore(seaweedfs.BUCKET, **options))
        return made[-1]

    yield store
    for one in made:
        one.close()


@pytest.fixture
def store(make: Make) -> S3MetadataStore:
    """One behind the proxy; it has found out what the server heeds."""
    store = make()
    store.begin([], MINE)
    return store


@pytest.fixture
def other(make: Make) -> S3MetadataStore:
    """Another machine, as it were, with a good way to the server."""
    return make(direct=True)


def begun(store: S3MetadataStore, key: str = KEY, token: str = MINE) -> Begun:
    """What `begin` gives once it gives the lease."""
    found: list[Begun] = []

    def is_leased() -> bool:
        found.append(store.begin([key], token, rejected={key: ANY}))
        return key in found[-1].leased

    until(is_leased)
    return found[-1]


def is_free(store: S3MetadataStore, key: str = KEY) -> bool:
    """Whether the lease of a key can be had; it is given back."""
    token = secrets.token_hex(16)
    leased = store.begin([key], token, rejected={key: ANY}).leased
    store.release([key], token)
    return bool(leased)


def result(began: float, since: int, key: str = KEY, **fields: Any) -> Put:
    """A result of a run that began then."""
    record = a_record(key, began_at=began, made_at=began, **fields)
    return Put(record, covers_of(record), since, MINE)


def again(work: Callable[[], Any]) -> Any:
    """What it gives; again and again where it fails, as core does."""
    for _ in range(20):
        with suppress(MetadataError):
            return work()
    return work()


def each(*faults: str) -> Any:
    return pytest.mark.parametrize("fault", [pytest.param(FAULTS[one], id=one) for one in faults])


each_fault = each(*FAULTS)


# ------------------------------------------------------------------- each request fails once


@each_fault
def test_a_lease_that_is_taken_has_one_holder(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy, fault: s3proxy.Fault
) -> None:
    way.on("PUT", "/l/", fault)
    begun(store)
    assert not other.begin([KEY], OTHER).leased
    assert store.renew([KEY], MINE) == set()
    store.release([KEY], MINE)
    assert is_free(other)


@each_fault
def test_a_lease_that_is_released_is_free(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy, fault: s3proxy.Fault
) -> None:
    begun(store)
    way.on("DELETE", "/l/", fault)
    store.release([KEY], MINE)
    begun(other, token=OTHER)
    store.release([KEY], MINE)
    assert not store.begin([KEY], MINE).leased
    other.release([KEY], OTHER)


@each_fault
@pytest.mark.parametrize("at", ["PUT /r/", "DELETE /l/", "GET /covers"])
def test_a_result_is_stored_and_ends_its_lease(
    store: S3MetadataStore,
    other: S3MetadataStore,
    way: s3proxy.S3Proxy,
    fault: s3proxy.Fault,
    at: str,
) -> None:
    if at.startswith("GET") and fault in [FAULTS[name] for name in WRITES_ALONE]:
        pytest.skip("no server answers so to a read")
    now = begun(store)
    way.on(*at.split(), fault)
    assert store.put([result(now.now, now.since, version="mine")]) == set()
    found = other.get(KEY)
    assert found is not None
    assert found.version == "mine"
    assert is_free(other)


@each_fault
@pytest.mark.parametrize("at", ["/r/", "/covers"])
@pytest.mark.parametrize("cover", [f"key:{KEY}", cover_of(Invalidation(tag="red"))])
def test_what_is_invalidated_stays_so(
    store: S3MetadataStore,
    other: S3MetadataStore,
    way: s3proxy.S3Proxy,
    fault: s3proxy.Fault,
    at: str,
    cover: str,
) -> None:
    now = begun(other)
    way.on("PUT", at, fault)
    store.note(cover)
    assert other.put([result(now.now, now.since)]) == {KEY}
    assert store.find(KEY) is None
    after = begun(other)
    assert other.put([result(after.now, after.since)]) == set()


@each_fault
def test_a_removal_removes_what_was_seen(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy, fault: s3proxy.Fault
) -> None:
    stored(other, a_record(made_at=5.0))
    way.on("DELETE", "/r/", fault)
    until(lambda: again(lambda: store.delete({KEY: 5.0})) or other.get(KEY) is None)
    stored(other, a_record(made_at=6.0))
    way.on("DELETE", "/r/", fault)
    assert store.delete({KEY: 5.0}) == set()
    assert other.get(KEY) is not None


@each(*(name for name in FAULTS if name != "repeated"))
def test_what_is_counted_counts_once(
    store: S3MetadataStore, other: S3MetadataStore, way: s3proxy.S3Proxy, fault: s3proxy.Fault
) -> None:
    """A proxy that sends a request twice has it count twice: nobody is told."""
    for _ in "123":
        way.on("PUT", "/n/", fault)
        store.add_counts([Counts("m:f", 7, hits=1)])
        other.add_counts([Counts("m:f", 7, hits=1)])
    assert [each.hits for each in other.counts()] == [6]


def test_each_request_is_sent_three_times_in_all(
    make: Make, way: s3proxy.S3Proxy, server: seaweedfs.Server
) -> None:
    options: Any = {"endpoint_url": way.url, "region_name": "us-east-1", **server.admin.options()}
    store = S3MetadataStore(seaweedfs.BUCKET, timeout=1.5, **options)
    silent = s3proxy.Held()
    way.on("GET", "/r/", silent, times=None)
    with pytest.raises(MetadataError, match=rf"{way.url} failed \(ReadTimeoutError\)"):
        store.find(KEY)
    assert store._bucket.client.meta.config.read_timeout == 0.5
    silent.let_go()
    until(lambda: way.count("GET", "/r/") == 3)
    store.close()


# -------------------------------------------------------------------------------- many at once


class Bad:
    """The first request for an object fails, and each fourth one after it, of whatever kind."""

    def __init__(self) -> None:
        self._counts: collections.Counter[tuple[str, str]] = collections.Counter()
        self._failing = itertools.cycle(FAULTS.values())

    def __call__(self, request: s3proxy.Request, send: s3proxy.Send) -> s3proxy.Answer | None:
        what = request.method, request.key
        self._counts[what] += 1
        if self._counts[what] % 4 != 1:
            return send(request)
        fault = next(self._failing)
        sets = request.without(*s3proxy.CONDITIONS) != request
        if fault in [FAULTS[name] for name in WRITES_ALONE] and not sets:
            fault = s3proxy.BROKEN
        return fault(request, send)


@pytest.mark.parametrize("keys", [6, pytest.param(30, marks=pytest.mark.slow)])
def test_machines_on_a_way_that_fails_again_and_again(
    make: Make, other: S3MetadataStore, way: s3proxy.S3Proxy, keys: int
) -> None:
    """One runs each call at a time, and all are stored."""
    stores = [make(), make(), make()]
    inside: collections.Counter[str] = collections.Counter()
    runs: collections.Counter[str] = collections.Counter()

    def call(store: S3MetadataStore, key: str, token: str) -> None:
        now = again(lambda: store.begin([key], token))
        while key not in now.found and key not in now.leased:
            now = again(lambda: store.begin([key], token))
        if key in now.found:
            return
        inside[key] += 1
        assert inside[key] == 1, "one at a time"
        runs[key] += 1
        again(lambda: store.renew([key], token))
        inside[key] -= 1
        put = result(now.now, now.since, key)._replace(token=token)
        assert again(lambda: store.put([put])) == set()

    def work(number: int) -> None:
        for turn in range(2 * keys):
            call(stores[number], KEYS[(number + turn) % keys], f"{number + 1:032x}")

    for one in stores:
        one.begin([], MINE)
    way.on("", "/(r|l|covers)", Bad(), times=None)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    way.heal()
    assert set(other.find_many(KEYS[:keys])) == set(KEYS[:keys])
    assert max(runs.values()) == 1


# ------------------------------------------------------------------------------------ the clock


def test_the_dates_of_the_server_are_the_time(
    store: S3MetadataStore, make: Make, way: s3proxy.S3Proxy
) -> None:
    before = store.now()
    assert abs(before - time.time()) < 60
    way.on("", "", s3proxy.ahead(3600), times=None)
    assert store.find(KEY) is None
    assert 3590 < store.now() - before < 3700
    assert 3590 < store.begin([], MINE).now - before < 3700
    assert make().now() == pytest.approx(store.now(), abs=5), "one clock for all of a process"
    way.heal()
    assert store.find(KEY) is None
    assert abs(store.now() - before) < 60


def test_no_clock_of_a_machine_counts(
    store: S3MetadataStore, other: S3MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(other, token=OTHER)
    real = time.time
    for wrong in (-1e6, 1e6):
        monkeypatch.setattr("time.time", lambda wrong=wrong: real() + wrong)
        assert not store.begin([KEY], MINE).leased
    other.release([KEY], OTHER)


# -------------------------------------------------------------- servers that know no conditions


@pytest.mark.parametrize(
    "fault",
    [s3proxy.unconditional, s3proxy.unknown, s3proxy.ignoring("If-None-Match")],
    ids=["both", "unknown", "absence"],
)
def test_a_server_without_conditional_writes_is_no_store(
    make: Make, way: s3proxy.S3Proxy, server: seaweedfs.Server, fault: s3proxy.Fault
) -> None:
    way.on("PUT", "", fault, times=None)
    store = make()
    for work in (
        lambda: store.begin([KEY], MINE),
        lambda: stored(store, a_record(), since=0),
        lambda: store.note(ALL),
        lambda: store.touch({KEY: 1.0}),
    ):
        with pytest.raises(MetadataError, match=r"no notice of conditional writes.*another store"):
            work()
    assert store.find(KEY) is None
    storage = S3Storage(seaweedfs.BUCKET, "unconditional", client=store._bucket.client)
    assert storage.load(storage.save("a/b.bin", b"x")) == b"x"


def test_who_may_not_remove_leaves_empty_objects(make: Make, way: s3proxy.S3Proxy) -> None:
    way.on("DELETE", "", s3proxy.answer(403, "AccessDenied"), times=None)
    store = make()
    now = begun(store)
    assert store.put([result(now.now, now.since)]) == set()
    assert is_free(store)
    assert store.delete({KEY: now.now}) == {KEY}
    assert store.find(KEY) is None
    assert store.rows() == []
