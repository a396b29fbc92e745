"""Few rows are read, also by a plan that was made when the tables were empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_postgres.tables import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

GIVEN = dict.fromkeys(("cache_key", "func_name", "input_id", "result_type"), "'k'")
FIELDS = {**dict.fromkeys(COLUMNS, "NULL"), **GIVEN, "tags": "'[]'", "expires_at": "1"}

CALLS = {
    "begin": "begin_calls('n', 't', 60, '{k}', NULL)",
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
