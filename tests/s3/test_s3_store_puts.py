"""Which of two rows stays: a save replaces what its call has seen, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beautyspot.contracts import Invalidation
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot_s3 import S3MetadataStore, objects
from beautyspot_testing.records import KEYS, a_record
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    IncompleteReadError,
)

ROW = f"cache/store/app/rows/{KEYS[0]}"


@pytest.fixture
def other(mocked: Any) -> Iterator[S3MetadataStore]:
    """Another process, as far as the store is concerned."""
    other = S3MetadataStore("bucket", "cache", namespace="app", client=mocked)
    yield other
    other.close()


class Network:
    """Between the client and the bucket: what happens there just before or after a request.

    Requests are named as "PutObject rows".
    """

    def __init__(self, real: Any) -> None:
        self._real = real
        self._before: dict[str, Callable[[], object]] = {}
        self._lost: set[str] = set()

    def before(self, request: str, happen: Callable[[], object]) -> None:
        """Have something happen before the next such request."""
        self._before[request] = happen

    def lose(self, request: str) -> None:
        """Have the answer to the next such request lost."""
        self._lost.add(request)

    def __call__(self, operation: str, params: Any) -> Any:
        part = params.get("Key", "").removeprefix("cache/store/app/").partition("/")[0]
        request = f"{operation} {part}"
        happen = self._before.pop(request, None)
        if happen is not None:
            happen()
        answer = self._real(operation, params)
        if request in self._lost:
            self._lost.discard(request)
            raise ConnectionClosedError(endpoint_url="http://s3")
        return answer


@pytest.fixture
def network(mocked: Any, monkeypatch: pytest.MonkeyPatch) -> Network:
    """What is between the stores and the bucket; a request that is lost is sent again at once."""
    network = Network(mocked._make_api_call)
    monkeypatch.setattr(mocked, "_make_api_call", network)
    monkeypatch.setattr(objects, "FIRST_PAUSE", 0.0)
    return network


def run(store: S3MetadataStore, began: float, **fields: Any) -> Any:
    """A result of a run that began then."""
    return a_record(began_at=began, made_at=began + 0.5, took=0.5, **fields)


def version(store: S3MetadataStore) -> str | None:
    record = store.get(KEYS[0])
    return None if record is None else record.version


@pytest.mark.parametrize("older_first", [True, False])
def test_of_two_runs_the_newer_one_stays(
    store: S3MetadataStore, other: S3MetadataStore, *, older_first: bool
) -> None:
    """Both leases were lost: each began without knowing of the other's result."""
    since = store.generation()
    for one in (store, other):
        lease = one.begin(KEYS[0])
        assert lease is not None
        lease.lease.release()
    now = store.now()
    rows = [(store, run(store, now - 20, version="older"))]
    rows.insert(older_first, (other, run(other, now - 10, version="newer")))
    put = [one.put_valid(record, since) for one, record in rows]
    assert put == [True, older_first]
    assert version(store) == "newer"


def test_a_row_that_came_between_the_look_and_the_put(
    store: S3MetadataStore, other: S3MetadataStore, network: Network
) -> None:
    since, now = store.generation(), store.now()
    network.before(
        "PutObject rows", lambda: other.put_valid(run(other, now - 10, version="newer"), since)
    )
    assert not store.put_valid(run(store, now - 20, version="older"), since)
    assert version(store) == "newer"
    network.before(
        "PutObject rows", lambda: other.put_valid(run(other, now - 9, version="older"), since)
    )
    assert store.put_valid(run(store, now - 8, version="newest"), since)
    assert version(store) == "newest"


def test_a_row_that_was_removed_between(
    store: S3MetadataStore, other: S3MetadataStore, mocked: Any, network: Network
) -> None:
    """Such as by a rule of the bucket: the condition names an ETag that nothing has."""
    since, now = store.generation(), store.now()
    assert store.put_valid(run(store, now - 20), since)
    network.before("PutObject rows", lambda: mocked.delete_object(Bucket="bucket", Key=ROW))
    assert store.put_valid(run(store, now - 10, version="newer"), since)
    assert version(store) == "newer"


# ------------------------------------------------------------------------------ invalidations

BEGIN = {
    "no row": lambda _store: None,
    "a row": lambda store: store.put(a_record(began_at=1.0, made_at=1.5)),
    "a tombstone": lambda store: (store.put(a_record()), store.delete(KEYS[0])),
}


@pytest.mark.parametrize("at_first", BEGIN)
@pytest.mark.parametrize("moment", ["GetObject meta", "PutObject rows", "PutObject leases"])
def test_what_is_invalidated_during_a_save_is_not_found(
    store: S3MetadataStore, other: S3MetadataStore, network: Network, at_first: str, moment: str
) -> None:
    BEGIN[at_first](store)
    begun = store.begin(KEYS[0])
    assert begun is not None

    def invalidate() -> None:
        other.note_invalidation(Invalidation(cache_key=KEYS[0]))
        other.delete(KEYS[0])

    network.before(moment, invalidate)
    put = store.put_valid(run(store, begun.now), begun.generation)
    begun.lease.release()
    assert put == (moment == "PutObject leases"), "that is after it was stored"
    assert store.find(KEYS[0]) is None


@pytest.mark.parametrize("at_first", BEGIN)
def test_what_was_invalidated_is_not_even_found_where_the_process_ends_at_once(
    store: S3MetadataStore, other: S3MetadataStore, network: Network, at_first: str
) -> None:
    """The put itself fails on the tombstone: nothing has to be removed afterwards."""
    BEGIN[at_first](store)
    begun = store.begin(KEYS[0])
    assert begun is not None

    found: list[object] = []

    def invalidate() -> None:
        other.note_invalidation(Invalidation(cache_key=KEYS[0]))
        other.delete(KEYS[0])
        network.before("GetObject rows", lambda: found.append(other.find(KEYS[0])))

    network.before("PutObject rows", invalidate)
    assert not store.put_valid(run(store, begun.now), begun.generation)
    begun.lease.release()
    assert found == [None]


def test_what_many_are_invalidated_with_is_removed_at_once(
    store: S3MetadataStore, other: S3MetadataStore, network: Network
) -> None:
    begun = store.begin(KEYS[0])
    assert begun is not None
    network.before(
        "PutObject rows",
        lambda: other.note_invalidation(Invalidation(func_identifier="module:f")),
    )
    assert not store.put_valid(run(store, begun.now), begun.generation)
    begun.lease.release()
    assert store.find(KEYS[0]) is None


def test_what_a_save_left_that_failed_is_removed_by_the_next(
    store: S3MetadataStore, other: S3MetadataStore, network: Network
) -> None:
    """It has put the row, and could not ask whether that was invalidated at the same time."""

    def fail() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    def invalidate() -> None:
        other.note_invalidation(Invalidation(tag="a"))
        network.before("GetObject meta", fail)

    since, late = store.generation(), run(store, store.now(), tags=("a",))
    network.before("PutObject rows", invalidate)
    with pytest.raises(MetadataError):
        store.put_valid(late, since)
    assert store.put_valid(late, since) is False
    assert store.find(KEYS[0]) is None
    other.put(run(store, store.now() + 1, tags=("a",)))
    assert store.put_valid(late, since) is False
    assert store.find(KEYS[0]) is not None, "another run's"


def test_a_removal_without_an_invalidation_refuses_nothing(
    store: S3MetadataStore, other: S3MetadataStore
) -> None:
    """Such as that of what has expired, while a call computes it anew: it cost money."""
    store.put(a_record())
    begun = store.begin(KEYS[0])
    assert begun is not None
    assert other.delete(KEYS[0]) is True
    assert store.put_valid(run(store, begun.now, version="new"), begun.generation)
    assert version(store) == "new"


def test_an_invalidation_of_another_key_refuses_nothing(store: S3MetadataStore) -> None:
    begun = store.begin(KEYS[0])
    assert begun is not None
    store.note_invalidation(Invalidation(cache_key=KEYS[1]))
    store.delete(KEYS[1])
    assert store.put_valid(run(store, begun.now), begun.generation)


# ------------------------------------------------------------------------- answers that are lost


def test_a_put_that_meets_itself_is_done(
    store: S3MetadataStore, network: Network, asked: list[str]
) -> None:
    store.open()
    network.lose("PutObject rows")
    since = store.generation()
    assert store.put_valid(run(store, store.now()), since)
    assert asked.count("PutObject rows") == 2
    assert store.find(KEYS[0]) is not None


def test_a_removal_that_meets_itself_is_done(
    store: S3MetadataStore, network: Network, asked: list[str]
) -> None:
    store.put(a_record())
    asked.clear()
    network.lose("PutObject rows")
    assert store.delete(KEYS[0]) is True
    assert asked.count("PutObject rows") == 2
    assert store.find(KEYS[0]) is None


def test_a_note_that_meets_itself_is_noted_once(store: S3MetadataStore, network: Network) -> None:
    since = store.generation()
    network.lose("PutObject meta")
    store.note_invalidation(Invalidation(tag="a"))
    assert store.invalidated_since(since) == [Invalidation(tag="a")]


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://s3"),
        ConnectionClosedError(endpoint_url="http://s3"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_request_whose_way_broke_is_sent_again(
    store: S3MetadataStore, mocked: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store.put(a_record())
    monkeypatch.setattr(objects, "FIRST_PAUSE", 0.0)
    real, broken = mocked._make_api_call, [error, error]

    def breaking(operation: str, params: Any) -> Any:
        if broken:
            raise broken.pop()
        return real(operation, params)

    monkeypatch.setattr(mocked, "_make_api_call", breaking)
    assert store.find(KEYS[0]) is not None
    broken += [error] * 3
    with pytest.raises(MetadataError, match="check endpoint_url"):
        store.find(KEYS[0])


# ----------------------------------------------------------------------------- several together


def several(store: S3MetadataStore, began: float) -> list[Any]:
    since = store.generation()
    rows = [run(store, began, cache_key=key) for key in KEYS[:3]]
    return [(row, since) for row in rows]


def test_rows_that_are_put_together_share_the_looks_at_what_is_invalid(
    store: S3MetadataStore, asked: list[str]
) -> None:
    rows = several(store, store.now() - 10)
    asked.clear()
    assert store.put_many_valid(rows) == set()
    assert sorted(asked) == ["GetObject meta"] * 2 + ["GetObject rows"] * 3 + ["PutObject rows"] * 3


def test_of_rows_that_are_put_together_those_are_removed_that_were_invalidated(
    store: S3MetadataStore, other: S3MetadataStore, network: Network
) -> None:
    rows = several(store, store.now() - 10)
    late = Invalidation(cache_key=KEYS[1])
    network.before("PutObject rows", lambda: other.note_invalidation(late))
    assert store.put_many_valid(rows) == {KEYS[1]}
    assert [store.get(key) is not None for key in KEYS[:3]] == [True, False, True]


def test_they_are_removed_as_well_where_another_one_can_t_be_put(
    store: S3MetadataStore, other: S3MetadataStore, network: Network
) -> None:
    rows = several(store, store.now() - 10)
    record, since = rows.pop()
    rows.append((record._replace(tags=(object(),)), since))
    late = Invalidation(func_identifier="module:f")
    network.before("PutObject rows", lambda: other.note_invalidation(late))
    with pytest.raises(MetadataError):
        store.put_many_valid(rows)
    assert [store.get(key) for key in KEYS[:3]] == [None, None, None]


def test_a_server_that_refuses_every_condition_ends_a_save_in_time(
    mocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one behind a proxy that changes ETags."""
    store = S3MetadataStore("bucket", "cache", namespace="app", client=mocked, timeout=0.2)
    store.put(a_record(began_at=1.0))
    since = store.generation()
    real = mocked._make_api_call

    def refusing(operation: str, params: Any) -> Any:
        if operation == "PutObject" and "IfMatch" in params:
            params = {**params, "IfMatch": '"another"'}
        return real(operation, params)

    monkeypatch.setattr(mocked, "_make_api_call", refusing)
    for operation in (lambda: store.put_valid(a_record(), since), lambda: store.delete(KEYS[0])):
        with pytest.raises(MetadataBusyError, match="beautyspot doctor"):
            operation()
    assert store.get(KEYS[0]) == a_record(began_at=1.0)


def test_what_was_replaced_since_it_was_found_is_removed_too(
    store: S3MetadataStore, other: S3MetadataStore, asked: list[str]
) -> None:
    store.put(a_record())
    assert store.find(KEYS[0]) is not None
    asked.clear()
    assert store.delete(KEYS[0]) is True
    assert asked == ["PutObject rows"], "what was found need not be looked at again"
    store.put(a_record())
    assert store.find(KEYS[0]) is not None
    other.put(a_record(version="new"))
    assert store.delete(KEYS[0]) is True
    assert store.find(KEYS[0]) is None
    other.put(a_record())
    assert store.find(KEYS[0]) is not None
    assert other.delete(KEYS[0]) is True
    assert store.delete(KEYS[0]) is False
