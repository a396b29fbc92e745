"""How often the server is asked: each operation is one statement, however many keys it is about.

Statements are counted in the log of a server that logs each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from beautyspot import Spot
from beautyspot.contracts import Counts, Selection
from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put, listed
from beautyspot_postgres import PostgresLimiter, PostgresMetadataStore
from beautyspot_postgres.tables import COLUMNS
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import stored
from servers import postgres
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
    "add counts": lambda store: store.add_counts([Counts("m:f", 1, hits=1)]),
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


def test_a_permit_a_correction_and_a_pause_are_one_statement_each(
    logging: Postgres, namespace: str
) -> None:
    given = {"namespace": namespace, "rate": 1e6}
    limits = {name: PostgresLimiter(logging.url, limit=name, **given) for name in ("a", "b")}
    both: Any = PostgresLimiter.together(limits)
    grant = both.consume({"a": 1, "b": 1})
    for _ in range(8):
        before = logged(logging)
        grant = both.consume({"a": 1, "b": 1}, key="k")
        assert statements(logging, before) == 1
        both.settle(grant, {"a": 2})
        assert statements(logging, before) == 2
        both.pause(1e-6)
        assert statements(logging, before) == 3
    both.settle(grant, {})
    assert statements(logging, before) == 3
    both.close()


# ---- few rows are read, also by a plan that was made when the tables were empty


GIVEN = dict.fromkeys(("cache_key", "func_name", "input_id", "result_type"), "'k'")
FIELDS = {**dict.fromkeys(COLUMNS, "NULL"), **GIVEN, "tags": "'[]'", "expires_at": "1"}

CALLS = {
    "begin": "begin_calls('n', 't', 60, '{k}', NULL)",
    "limits": "ask_limits('n', 'k', 1, '{a,b}', '{1,1}', '{0,0}', '{1,1}', '{1,1}', 0, 0, 1)",
    "put": f"put('n', '{{c}}', 0, 't', 5, {', '.join(FIELDS.values())})",
}


@pytest.fixture
def session(database: str) -> Iterator[Any]:
    """A session in a database whose tables are known to be empty."""
    store = PostgresMetadataStore(database, namespace="n")
    store.open()
    store.close()
    with psycopg.connect(database, autocommit=True, prepare_threshold=None) as made:
        made.execute("VACUUM ANALYZE")
        yield made


@pytest.mark.parametrize("call", CALLS)
def test_no_table_is_read_as_a_whole(session: Any, call: str) -> None:
    for _ in range(8):  # some plans are kept after five
        session.execute(f"SELECT beautyspot.{CALLS[call]}")
    with session.transaction():
        session.execute(f"SELECT beautyspot.{CALLS[call]}")
        read = session.execute(
            "SELECT relname, seq_scan FROM pg_stat_xact_user_tables "
            "WHERE schemaname = 'beautyspot' AND (seq_scan > 0 OR idx_scan > 0)"
        ).fetchall()
    assert read
    assert {count for _, count in read} == {0}, read


# ---- listings of more rows than are read at once


ROWS = 12_000
RARE = 4_000  # every so-manieth row has the tag "rare"

INSERT = """
INSERT INTO beautyspot.results
  (namespace, cache_key, func_name, func_identifier, input_id, result_type, tags, size, made_at)
SELECT %s, lpad(n::text, 32, '0'), 'f', 'm:f', '', 'DIRECT_BLOB',
  CASE WHEN n %% %s = 0 THEN '["rare"]' ELSE '[]' END, 1, n
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def many(postgres_server: Postgres, namespace: str) -> Iterator[PostgresMetadataStore]:
    """A store with so many rows."""
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace)
    store.open()
    postgres_server.ask(INSERT, namespace, RARE, ROWS)
    yield store
    store.close()


def keys(*numbers: int) -> list[str]:
    return [f"{number:032}" for number in numbers]


def test_all_are_read_page_by_page(many: PostgresMetadataStore) -> None:
    assert [one.cache_key for one in many.all_rows()] == keys(*range(1, ROWS + 1))


def test_few_among_many_are_found(many: PostgresMetadataStore) -> None:
    rare = Selection(tag="rare")
    assert [one.cache_key for one in listed(many, rare)] == keys(4000, 8000, 12000)
    newest = listed(many, rare, "newest", limit=2)
    assert [one.cache_key for one in newest] == keys(12000, 8000)
    assert list(listed(many, Selection(tag="rare", text="\xdf"), "newest")) == []


def test_a_listing_of_all_goes_on_behind_each_page(many: PostgresMetadataStore) -> None:
    found = [one.cache_key for one in listed(many, Selection(made_since=9000.0), "newest")]
    assert found == keys(*range(ROWS, 8999, -1))


def test_names_that_are_too_long_for_an_index(store: PostgresMetadataStore) -> None:
    names = [f"{'n' * 5000}{number}" for number in range(2)]
    store.add_counts(Counts(name, 1, hits=1) for name in names)
    store.add_counts(Counts(name, 1, hits=1) for name in names)
    assert {one.func_identifier: one.hits for one in store.counts()} == dict.fromkeys(names, 2)
    store.remark({f"unstored {name}": "it is a socket" for name in names})
    assert len(store.remarks()) == 2
    stored(store, a_record(func_identifier=names[0], tags=tuple(names)))
    found = listed(store, Selection(function=f"*{names[0][1:]}", tag=names[1]))
    assert [one.cache_key for one in found] == KEYS[:1]
