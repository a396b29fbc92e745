"""How often the server is asked: each operation is one statement, however many keys it is about.

Statements are counted in the log of a server that logs each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from beautyspot.contracts import Selection
from beautyspot.contracts.records import covers_of
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
        before = logged(logging)
        operation(store)
        return statements(logging, before)

    yield counted
    store.close()


def logged(server: Postgres) -> int:
    """How many bytes its log has so far."""
    return (server.directory / "log").stat().st_size


def statements(server: Postgres, before: int) -> int:
    """How many it has logged since then."""
    with (server.directory / "log").open("rb") as log:
        log.seek(before)
        return len(re.findall(b"LOG:  (?:execute|statement)", log.read()))


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


def test_each_operation_is_one_statement(trips: Callable[..., int]) -> None:
    for name, operation in OPERATIONS.items():
        taken = [trips(operation) for _ in range(8)]  # some statements are prepared after five
        assert taken == [1] * 8, name


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
    before = logged(logging)
    assert marked(-2) == 2
    assert statements(logging, before) == 3
    assert marked(-2) == 2
    assert statements(logging, before) == 4
