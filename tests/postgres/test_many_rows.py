"""Listings of more rows than are read at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from beautyspot.contracts import Counts, Selection
from beautyspot.contracts.store import listed
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.postgres import Postgres

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
