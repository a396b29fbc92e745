"""Listings of more rows than are read at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from beautyspot.contracts import Counts, Selection
from beautyspot_postgres import PostgresMetadataStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.postgres import Postgres

ROWS = 12_000
RARE = 4_000  # every so-manieth row has the tag "rare"

INSERT = """
INSERT INTO beautyspot.results
  (namespace, cache_key, func_name, func_identifier, input_id, result_type, tags, size, made_at)
SELECT %s, lpad(n::text, 8, '0'), 'f', 'm:f', '', 'DIRECT_BLOB',
  CASE WHEN n %% %s = 0 THEN ARRAY['rare'] ELSE '{}' END, 1, n
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
    return [f"{number:08}" for number in numbers]


def test_few_among_many_are_found_page_by_page(many: PostgresMetadataStore) -> None:
    rare = Selection(tag="rare")
    assert [one.cache_key for one in many.page(rare).records] == keys(4000, 8000, 12000)
    first = many.page(rare, limit=2)
    assert [one.cache_key for one in first.records] == keys(4000, 8000)
    second = many.page(rare, limit=2, following=first.following)
    assert ([one.cache_key for one in second.records], second.following) == (keys(12000), None)
    assert [one.cache_key for one in many.scan(tag="rare")] == keys(4000, 8000, 12000)


def test_a_page_whose_time_is_over_says_where_to_go_on(many: PostgresMetadataStore) -> None:
    found, following, looked_at, pages = [], None, 0, 0
    while True:
        page = many.page(Selection(tag="rare"), following=following, seconds=1e-6)
        found += [one.cache_key for one in page.records]
        following, pages = page.following, pages + 1
        if following is None:
            break
        assert page.looked_at
        looked_at += page.looked_at
    assert found == keys(4000, 8000, 12000)
    assert pages > 1
    assert 0 < looked_at <= ROWS


def test_an_order_by_another_column_with_a_filter(many: PostgresMetadataStore) -> None:
    """Whether one covers `text` is told by each row: SQL gives all that may."""
    page = many.page(Selection(tag="rare", text=""), order="newest", limit=2)
    assert [one.cache_key for one in page.records] == keys(12000, 8000)
    page = many.page(Selection(tag="rare", text="\xdf"), order="newest", limit=2)
    assert page.records == []


def test_counts_of_many_hours(many: PostgresMetadataStore) -> None:
    hours = 6_000
    many.add_counts([Counts("m:f", hour, hits=1) for hour in range(hours)])
    assert [one.hour for one in many.counts()] == [*range(hours)]
    assert [one.hits for one in many.counts_by_function()] == [hours]
