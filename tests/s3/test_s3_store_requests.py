"""How many requests a call takes: what S3 bills. A change of these numbers is told to the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from beautyspot.contracts import Counts, Invalidation
from beautyspot.contracts.records import cover_of, covers_of
from beautyspot.contracts.store import Put
from beautyspot_s3 import S3MetadataStore
from beautyspot_s3.examination import REQUESTS
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, OTHER, stored
from servers import s3proxy, seaweedfs

MISS = {
    "GetObject r/": 3,
    "GetObject covers": 3,
    "PutObject l/": 1,
    "PutObject r/": 1,
    "DeleteObject l/": 1,
}


class Counted(S3MetadataStore):
    """Counts its requests, and for how many of them one after the other it waits.

    Attributes:
        asked: the requests, as "GetObject r/".
        spared: those of which the answers came while others were waited for.
    """

    asked: list[str]
    spared = 0

    def each(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """In turn, so that they can be told apart."""
        results, most, before = [], 0, self.trips
        for item in items:
            start = self.trips
            results.append(work(item))
            most = max(most, self.trips - start)
        self.spared += self.trips - before - most
        return results

    @property
    def trips(self) -> int:
        """How many requests were waited for."""
        return len(self.asked) - self.spared

    def costs(self, work: Callable[[], object]) -> dict[str, int]:
        """The requests of an operation."""
        self.asked.clear()
        self.spared = 0
        work()
        return dict(Counter(self.asked))


def at(client: Any, asked: list[str], **options: Any) -> Counted:
    store = Counted("bucket", "cache", namespace="app", client=client, **options)
    store.asked = asked
    return store


@pytest.fixture
def fresh(mocked: Any, asked: list[str]) -> Counted:
    """The first process of all."""
    return at(mocked, asked)


@pytest.fixture
def store(fresh: Counted) -> Counted:
    """It has found out what the server heeds."""
    fresh.begin([], MINE)
    return fresh


def run(store: S3MetadataStore, *keys: str) -> None:
    """A call of each key: it looks, takes the lease, and stores."""
    if len(keys) == 1:
        assert store.find(keys[0]) is None
    else:
        assert store.find_many(keys) == {}
    begun = store.begin(keys, MINE)
    assert set(begun.leased) == set(keys)
    fresh: dict[str, Any] = {"began_at": begun.now, "made_at": begun.now, "used_at": None}
    records = [a_record(key, **fresh) for key in keys]
    assert store.put([Put(each, covers_of(each), begun.since, MINE) for each in records]) == set()


def test_a_hit_is_one_get(store: Counted) -> None:
    stored(store, a_record())
    assert store.costs(lambda: store.find(KEYS[0])) == {"GetObject r/": 1}
    assert store.costs(lambda: store.find_many(KEYS[:4])) == {"GetObject r/": 4}
    assert store.trips == 1


def test_a_miss(store: Counted) -> None:
    assert store.costs(lambda: run(store, KEYS[0])) == MISS
    assert store.trips == 6
    writes = sum(number for kind, number in MISS.items() if not kind.startswith("Get"))
    assert f"a miss is {sum(MISS.values())}, of which {writes} write" in REQUESTS


def test_a_miss_of_a_key_that_was_computed_before(store: Counted) -> None:
    run(store, KEYS[0])
    store.delete({KEYS[0]: store.rows()[0].made_at})
    assert store.costs(lambda: run(store, KEYS[0])) == MISS
    assert store.trips == 6
    store.note(f"key:{KEYS[0]}")
    assert store.costs(lambda: run(store, KEYS[0])) == MISS


def test_who_waits_for_another_asks_four_times(
    store: Counted, mocked: Any, asked: list[str]
) -> None:
    other = at(mocked, asked)
    other.begin([KEYS[0]], OTHER)
    cost = {"GetObject covers": 1, "PutObject l/": 1, "GetObject l/": 1, "GetObject r/": 1}
    assert store.costs(lambda: store.begin([KEYS[0]], MINE)) == cost


def test_a_renewal_is_one_put(store: Counted) -> None:
    store.begin(KEYS[:3], MINE)
    assert store.costs(lambda: store.renew(KEYS[:3], MINE)) == {"PutObject l/": 3}
    assert store.trips == 1


def test_an_invalidation(store: Counted) -> None:
    stored(store, a_record())
    for key in KEYS[:2]:  # of what is there, and of what is not
        assert store.costs(lambda key=key: store.note(f"key:{key}")) == {  # type: ignore[misc]
            "GetObject covers": 1,
            "PutObject covers": 1,
            "GetObject r/": 1,
            "PutObject r/": 1,
        }
    cover = cover_of(Invalidation(tag="a"))
    assert store.costs(lambda: store.note(cover)) == {"GetObject covers": 1, "PutObject covers": 1}


def test_a_removal_is_one_get_and_one_delete(store: Counted) -> None:
    stored(store, *(a_record(key) for key in KEYS[:20]))
    made = a_record().made_at
    cost = store.costs(lambda: store.delete(dict.fromkeys(KEYS[:20], made)))
    assert cost == {"GetObject r/": 20, "DeleteObject r/": 20}
    assert store.trips == 2


def test_a_listing_is_one_get_a_row(store: Counted) -> None:
    stored(store, *(a_record(key) for key in KEYS[:20]))
    cost = store.costs(lambda: store.rows(limit=500))
    assert cost == {"ListObjectsV2": 2, "GetObject r/": 20, "GetObject u/": 1}
    cost = store.costs(lambda: store.rows(limit=5))
    assert cost == {"ListObjectsV2": 1, "GetObject r/": 5, "GetObject u/": 1}
    assert "a listing is 1 a result" in REQUESTS


def test_last_uses_and_counts(store: Counted) -> None:
    used = {f"{number:02x}" + KEYS[0][2:]: 5.0 for number in range(256)}
    cost = store.costs(lambda: store.touch(used))
    assert cost == {"GetObject u/": 16, "PutObject u/": 16}
    assert store.trips == 2
    counts = [Counts(f"m:{name}", 480_000, hits=1) for name in "abc"]
    cost = store.costs(lambda: store.add_counts(counts))
    assert cost == {"GetObject n/": 1, "PutObject n/": 1}


def test_a_sweep_reads_all(store: Counted) -> None:
    stored(store, *(a_record(key) for key in KEYS[:20]))
    cost = store.costs(lambda: store.sweep(0.0))
    assert cost == {"ListObjectsV2": 2 + 1, "GetObject r/": 20, "GetObject covers": 1}, (
        "of rows, and of leases"
    )


def test_to_open_a_store_is_one_get(store: Counted, mocked: Any, asked: list[str]) -> None:
    store.open()
    again = at(mocked, asked)
    assert again.costs(again.open) == {"GetObject id": 1}
    looking = at(mocked, asked)
    assert looking.costs(lambda: looking.open(look=True)) == {"GetObject id": 1}


def test_a_listing_reads_rows_up_to_their_data(store: S3MetadataStore, mocked: Any) -> None:
    large = a_record(KEYS[0], result_data=b"x" * 200_000, size=200_000, used_at=None)
    long = a_record(KEYS[1], arguments="é" * 5000, used_at=None)
    stored(store, large, long)
    sizes: list[int] = []

    def note(parsed: Any, **_: Any) -> None:
        sizes.append(parsed.get("ContentLength", 0))

    mocked.meta.events.register("after-call.s3.GetObject", note)
    try:
        records = store.rows()
        store.sweep(0.0)
        assert max(sizes) <= 20_000
    finally:
        mocked.meta.events.unregister("after-call.s3.GetObject", note)
    assert [record.arguments for record in records] == [large.arguments, long.arguments]


@pytest.fixture
def options(server: seaweedfs.Server) -> Iterator[tuple[s3proxy.S3Proxy, dict[str, Any]]]:
    with s3proxy.S3Proxy(server) as proxy:
        options: dict[str, Any] = {"endpoint_url": proxy.url, "region_name": "us-east-1"}
        yield proxy, {**options, **server.admin.options()}


@pytest.mark.server
def test_requests_of_several_keys_go_side_by_side(
    options: tuple[s3proxy.S3Proxy, dict[str, Any]],
) -> None:
    """All leases of a `begin` are on their way before the first of them is answered."""
    proxy, given = options
    store = S3MetadataStore(seaweedfs.BUCKET, "side", namespace="app", **given)
    store.begin([], MINE)
    came, all_came = [], s3proxy.Held()

    def wait(request: s3proxy.Request, send: s3proxy.Send) -> s3proxy.Answer | None:
        came.append(request.key)
        if len(came) == 8:
            all_came.let_go()
        return all_came(request, send)

    proxy.on("PUT", "/l/", wait, times=None)
    assert len(store.begin(KEYS[:8], MINE).leased) == 8
    store.close()
