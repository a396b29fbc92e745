"""How often the server is asked: each operation is one statement, however many keys it is about.

Statements are counted in the log of a server that logs each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from beautyspot.contracts import Counts, Selection
from beautyspot.contracts.covers import covers_of
from beautyspot.contracts.store import Put
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.records import a_record
from servers import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot import Spot
    from servers.postgres import Postgres

TOKEN = "1" * 32
MANY = [f"{number:032x}" for number in range(1000)]
FEW = MANY[:256]


@pytest.fixture(scope="module")
def logging(_programs: None) -> Iterator[Postgres]:
    with postgres.running(log_statement="all") as server:
        yield server


@pytest.fixture
def trips(logging: Postgres, namespace: str) -> Iterator[Callable[..., int]]:
    """How many statements an operation of a store takes."""
    store = PostgresMetadataStore(logging.url, namespace=namespace)
    store.open()
    store.put([a_put(key) for key in FEW])

    def counted(operation: Callable[[PostgresMetadataStore], object]) -> int:
        before = statements(logging)
        operation(store)
        return statements(logging) - before

    yield counted
    store.close()


def statements(server: Postgres) -> int:
    return len(re.findall("LOG:  (?:execute|statement)", server.log()))


def a_put(key: str, **fields: object) -> Put:
    record = a_record(key, began_at=1.0, **fields)
    return Put(record, covers_of(record), 2**60, TOKEN)


OPERATIONS: dict[str, Callable[[PostgresMetadataStore], object]] = {
    "find": lambda store: store.find(MANY[0]),
    "find nothing": lambda store: store.find(MANY[-1]),
    "find many": lambda store: store.find_many(MANY),
    "get": lambda store: store.get(MANY[0]),
    "begin": lambda store: store.begin([MANY[-1]], TOKEN),
    "begin many": lambda store: store.begin(MANY, TOKEN, rejected={MANY[0]: float("inf")}),
    "put": lambda store: store.put([a_put(MANY[0])]),
    "put many": lambda store: store.put([a_put(key) for key in FEW]),
    "delete": lambda store: store.delete(dict.fromkeys(FEW, 1709208000.5)),
    "renew": lambda store: store.renew(MANY, TOKEN),
    "release": lambda store: store.release(MANY, TOKEN),
    "note": lambda store: store.note("all"),
    "rows": lambda store: store.rows(),
    "rows with data": lambda store: store.rows(data=True),
    "select": lambda store: store.select(Selection(tag="red"), "newest", None, 100),
    "function totals": lambda store: store.function_totals(),
    "sweep": lambda store: store.sweep(3600.0),
    "touch": lambda store: store.touch(dict.fromkeys(FEW, 2e9)),
    "counts": lambda store: list(store.counts()),
    "remark": lambda store: store.remark({"price_unit": "$", "unstored m:f": "a socket"}),
    "remarks": lambda store: store.remarks(),
    "now": lambda store: store.now(),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_one_statement(trips: Callable[..., int], name: str) -> None:
    for _ in range(8):  # some statements are prepared after five
        assert trips(OPERATIONS[name]) == 1


def test_a_miss_is_three_statements(trips: Callable[..., int]) -> None:
    def miss(store: PostgresMetadataStore) -> None:
        assert store.find(MANY[-1]) is None
        begun = store.begin([MANY[-1]], TOKEN)
        record = a_record(MANY[-1], began_at=begun.now)
        assert store.put([Put(record, covers_of(record), begun.since, TOKEN)]) == set()

    assert trips(miss) == 3


def test_a_spot_s_hit_is_one_statement_and_its_miss_three(
    make_spot: Callable[..., Spot], logging: Postgres, namespace: str
) -> None:
    spot = make_spot(metadata={"use": logging.url, "namespace": namespace}, strict=True)
    marked = spot.mark(abs, version="1")
    assert [marked(-1), marked(-1)] == [1, 1]
    before = statements(logging)
    assert marked(-2) == 2
    assert statements(logging) - before == 3
    assert marked(-2) == 2
    assert statements(logging) - before == 4


def test_what_may_run_once_only_asks_first_whether_its_connection_is_good(
    trips: Callable[..., int],
) -> None:
    assert trips(lambda store: store.add_counts([Counts("m:f", 1, hits=1)] * 3)) == 2


def test_large_data_are_asked_for_one_by_one(trips: Callable[..., int]) -> None:
    """A thousand keys are one answer, which has to come in time and to be held."""
    large, data = MANY[:2], b"x" * 100_000

    def find(store: PostgresMetadataStore) -> None:
        found = store.find_many(MANY)
        assert {key: len(found[key][0]) for key in large} == dict.fromkeys(large, len(data))
        assert len(found) == len(FEW)

    def begin(store: PostgresMetadataStore) -> None:
        found = store.begin(FEW, TOKEN).found
        assert {key: len(found[key][0]) for key in large} == dict.fromkeys(large, len(data))

    puts = [a_put(key, result_data=data, expires_at=None) for key in large]
    assert trips(lambda store: store.put(puts)) == 1
    assert trips(find) == 3
    assert trips(begin) == 3


def test_rows_of_many_megabytes_go_in_parts(trips: Callable[..., int]) -> None:
    """Each has the time-out for itself."""
    data = b"x" * 1_500_000
    puts = [a_put(key, result_data=data) for key in FEW[:9]]
    assert trips(lambda store: store.put(puts)) == 4

    def all_rows(store: PostgresMetadataStore) -> None:
        keys = [record.cache_key for record in store.all_rows(data=True)]
        assert keys == FEW

    assert trips(all_rows) == 5


def test_to_open_it_again_asks_three_times(logging: Postgres, namespace: str) -> None:
    PostgresMetadataStore(logging.url, namespace=namespace).open()
    store = PostgresMetadataStore(logging.url, namespace=namespace)
    before = statements(logging)
    assert store.find(MANY[0]) is None
    connects = 1  # asks for the number of its process
    assert statements(logging) - before == connects + 3 + 1
    store.close()
