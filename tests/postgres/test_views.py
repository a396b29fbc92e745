"""What SQL tells of a store is what `beautyspot ls` and `beautyspot stats` tell of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import beautyspot as bs
import pytest
from servers.postgres import Postgres

ENTRIES = [
    *("namespace", "function", "version", "tags", "key", "arguments", "size", "took", "price"),
    *("made", "used", "expires", "in_storage", "content_type", "serializer"),
]
FUNCTIONS = [
    *("namespace", "function", "entries", "size", "oldest", "newest", "hits", "runs", "failures"),
    *("seconds_saved", "seconds_spent", "money_saved", "money_spent"),
]


def asked(server: Postgres, query: str, *params: Any) -> list[dict[str, Any]]:
    with server.connect() as connection:
        cursor = connection.execute(query, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def used(make_spot: Callable[..., bs.Spot], postgres_server: Postgres, namespace: str) -> bs.Spot:
    """A Spot with results of two functions, one of them removed, and hits."""
    spot = make_spot(namespace, metadata=postgres_server.url)

    @spot.mark(version="2", tags=["a", "b"], ttl="1 day", price=lambda result: 0.5)
    def square(x: int) -> int:
        return x * x

    @spot.mark
    def gone(x: int) -> int:
        return x

    @spot.mark
    def fails() -> None:
        raise ValueError("no")

    for x in (1, 2, 2, 2):
        assert square(x) == x * x
    gone(1)
    assert spot.invalidate(gone, 1)
    with pytest.raises(ValueError, match="no"):
        fails()
    spot.shutdown()
    return spot


@pytest.mark.usefixtures("used")
def test_a_row_for_each_result(postgres_server: Postgres, namespace: str) -> None:
    query = "SELECT * FROM beautyspot.entries WHERE namespace = %s ORDER BY key"
    rows = asked(postgres_server, query, namespace)
    with bs.open_store(postgres_server.url, name=namespace, config=False) as store:
        found = list(store.rows())
    assert [*rows[0]] == ENTRIES
    assert [row["key"] for row in rows] == [one.cache_key for one in found]
    for row, one in zip(rows, found, strict=True):
        assert row["function"] == one.func_identifier
        assert (row["version"], row["tags"]) == (one.version, [*one.tags])
        assert (row["size"], row["took"], row["price"]) == (one.size, one.took, 0.5)
        assert row["made"].timestamp() == pytest.approx(one.made_at)
        assert row["expires"].timestamp() == pytest.approx(one.expires_at)
        assert row["arguments"] == one.arguments
        assert (row["in_storage"], row["serializer"]) == (False, one.serializer)


@pytest.mark.usefixtures("used")
def test_a_row_for_each_function(postgres_server: Postgres, namespace: str) -> None:
    query = "SELECT * FROM beautyspot.functions WHERE namespace = %s ORDER BY function"
    rows = asked(postgres_server, query, namespace)
    with bs.open_store(postgres_server.url, name=namespace, config=False) as store:
        found = store.functions()
    assert [*rows[0]] == FUNCTIONS
    assert [row["function"] for row in rows] == [one.name for one in found]
    for row, one in zip(rows, found, strict=True):
        assert (row["entries"], row["size"]) == (one.entries, one.size)
        for name in FUNCTIONS[6:]:
            assert row[name] == getattr(one.counts, name)
    square = rows[-1]
    assert (square["hits"], square["runs"], square["money_saved"]) == (2, 2, 1.0)
    assert square["oldest"] <= square["newest"]
