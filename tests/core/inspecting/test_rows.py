"""What a store shows of its rows: by filters, in orders and pages, by key, in sums."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from beautyspot import (
    ConfigError,
    Counts,
    MetadataStoreBase,
    RecordNotFound,
    Store,
    Totals,
    open_store,
)
from beautyspot.memory import MemoryMetadataStore
from core.inspecting.stored import DAY, NEW, NOW, OLD, ROWS, row
from rows import put_rows

HALF = datetime.fromtimestamp(NOW - 2.5 * DAY).astimezone().replace(tzinfo=None)
"""Between the second and the third, in local time."""


def sizes(rows: Any) -> list[int]:
    """The rows by their numbers."""
    return [row.size for row in rows]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"function": None, "expired": False}, [1, 2, 3, 4, 5, 6]),
        ({"function": "app:*"}, [1, 2, 3, 4, 5]),
        ({"function": "app:draw"}, [5]),
        ({"function": "lib:load[1]"}, [6]),  # a bracket is a bracket
        ({"function": "*[1]"}, [6]),
        ({"function": "[a]pp:*"}, []),
        ({"version": 2}, [2]),
        ({"version": ""}, [1, 3, 4, 5, 6]),
        ({"tag": "daily"}, [1, 5]),
        ({"key": "00000"}, [1, 2, 3, 4, 5, 6]),
        ({"key": "000003"}, [3]),
        ({"older": "84h"}, [4, 5, 6]),
        ({"older": 3.5 * DAY, "newer": timedelta(days=5.5)}, [4, 5]),
        ({"newer": HALF}, [1, 2]),
        ({"newer": HALF.astimezone(UTC).isoformat()}, [1, 2]),
        ({"older": str(HALF)[:16]}, [3, 4, 5, 6]),
        ({"older": (HALF - timedelta(days=60)).date()}, []),
        ({"newer": "2026-01-02"}, [1, 2, 3, 4, 5, 6]),
        ({"unused": "60h"}, [3, 4, 5, 6]),
        ({"at": NOW - 2.5 * DAY}, [3, 4, 5, 6]),
        ({"at": NOW - DAY, "older": "60h"}, [4, 5, 6]),
        ({"expired": True}, [4]),
        ({"larger": 3, "smaller": "4B"}, [3, 4]),
        ({"arguments": "ALICE"}, [1]),
        ({"code": OLD[:4]}, [3]),
        ({"outdated": True}, [3]),
        ({"outdated": True, "larger": 4}, []),
        ({"function": "app:ask", "newer": "84h", "outdated": False}, [1, 2, 3]),
    ],
)
def test_filters(shown: Store, where: Any, found: list[int]) -> None:
    assert sizes(shown.rows(**where)) == found
    assert sizes(shown.page(**where).records) == found
    assert shown.total(**where) == Totals(len(found), sum(found))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"funtion": "x"}, "Did you mean 'function'"),
        ({"function": ""}, "function='': give a text"),
        ({"older": "soon"}, "older='soon': give how long ago"),
        ({"older": "2026-13-01"}, "or a date, such as"),
        ({"newer": "20261119"}, "newer='20261119' may be seconds or a date: write \"20261119s\""),
        ({"older": " 2026 "}, "may be seconds or a date"),
        ({"older": "1" * 5000}, "may be seconds or a date"),
        ({"older": True}, "or a date, such as"),
        ({"newer": time.time()}, "give datetime.fromtimestamp"),
        ({"newer": "0001-01-01"}, "or a date, such as"),
        ({"unused": "2026-11-19"}, "unused='2026-11-19': give a number of seconds"),
        ({"larger": "big"}, "larger='big': give a number of bytes"),
        ({"version": 1.5}, "version=1.5: give a text or a whole number"),
        ({"version": "auto"}, "names no version"),
        ({"at": "now"}, "at='now': give a Unix time"),
        ({"expired": "yes"}, "expired='yes': give True or False"),
        ({"order": "bigest"}, "order='bigest': there is no such order. Did you mean 'largest'"),
        ({"limit": 0}, "limit=0: give a whole number, 1 or more"),
    ],
)
def test_wrong_filters_say_what_to_write(shown: Store, where: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", "[(]")):
        shown.rows(**where)


ORDERS = {
    "key": [1, 2, 3, 4, 5, 6],
    "newest": [1, 2, 3, 4, 5, 6],
    "oldest": [6, 5, 4, 3, 2, 1],
    "largest": [6, 5, 4, 3, 2, 1],
    "smallest": [1, 2, 3, 4, 5, 6],
    "slowest": [6, 4, 3, 2, 1, 5],  # what is not known comes last
    "dearest": [3, 1, 2, 4, 5, 6],
    "unused": [6, 5, 4, 3, 1, 2],
}


@pytest.mark.parametrize("order", ORDERS)
def test_orders(shown: Store, order: Any) -> None:
    assert sizes(shown.rows(order)) == ORDERS[order]
    assert sizes(shown.rows(order, 2)) == ORDERS[order][:2]
    assert sizes(shown.rows(order, 2, larger=2)) == [n for n in ORDERS[order] if n > 1][:2]
    assert all(each.result_data is None for each in shown.rows(order))


@pytest.mark.parametrize("order", ORDERS)
def test_pages_go_on_where_the_last_one_ended(shown: Store, order: Any) -> None:
    found: list[int] = []
    following = None
    while True:
        page = shown.page(order, following, 4)
        found += sizes(page.records)
        following = page.following
        if following is None:
            break
    assert found == ORDERS[order]


def test_a_row_by_the_beginning_of_its_key(shown: Store) -> None:
    key = ROWS[2].cache_key
    assert shown.row(key) == shown.row("000003") == shown.row(key.upper()[:10])
    assert shown.row(key).result_data is None
    assert shown.row(next(shown.rows(key=key))) == shown.row(key)
    with pytest.raises(RecordNotFound, match="begins with abc"):
        shown.row(ROWS[2]._replace(cache_key="abc"))
    with pytest.raises(ConfigError, match="give 6 hex digits or more"):
        shown.row("00003")
    with pytest.raises(ConfigError, match="no key"):
        shown.row("")
    with pytest.raises(LookupError, match="has a key that begins with 123456"):
        shown.row("123456")


def test_a_prefix_of_several_keys_lists_them(store: Store, metadata: MetadataStoreBase) -> None:
    keys = [f"000001f{number:x}{'0' * 24}" for number in range(12)]
    for key in keys:
        put_rows(metadata, ROWS[0]._replace(cache_key=key))
    with pytest.raises(RecordNotFound, match="give more digits") as caught:
        store.row("000001f")
    assert caught.value.candidates == tuple(keys[:10])
    assert "…" in str(caught.value)
    assert store.row("000001fa").cache_key == keys[10]


def test_functions_with_their_sums(shown: Store) -> None:
    assert [each[:5] for each in shown.functions()] == [
        ("app:ask", 4, 10, ROWS[3].made_at, ROWS[0].made_at),
        ("app:draw", 1, 5, ROWS[4].made_at, ROWS[4].made_at),
        ("lib:load[1]", 1, 6, ROWS[5].made_at, ROWS[5].made_at),
    ]
    assert [each.code for each in shown.functions()] == [NEW[:16], NEW[:16], None]
    assert [each.code_changed for each in shown.functions()] == [True, False, None]


class Counting(MemoryMetadataStore):
    """A store that keeps counts."""

    kept = (Counts("app:ask", 10, 1, 2), Counts("app:ask", 12, 3, 4, 1, 0.5), Counts("old:f", 9, 7))

    def counts(self, *, func_identifier: str | None = None, since: int | None = None) -> Any:
        return (each for each in self.kept if since is None or each.hour >= since)


def test_counts_outlive_the_results_that_they_are_of() -> None:
    metadata = Counting()
    put_rows(metadata, ROWS[0])
    with open_store(metadata, config=False) as store:
        ask, old = store.functions()
        assert ask.counts == Counts("app:ask", 0, 4, 6, 1, 0.5)
        assert old == ("old:f", 0, 0, None, None, Counts("old:f", 0, 7), None, None, "")
        assert store.counts(hourly=False) == [ask.counts, old.counts]
        assert store.counts("app:*", hourly=False) == [ask.counts]
        assert store.counts("old:*") == [Counts("old:f", 9, 7)]
        since = datetime.fromtimestamp(12 * 3600 + 60, UTC)
        assert store.counts(since=since) == [Counts("app:ask", 12, 3, 4, 1, 0.5)]
        assert store.counts(since=since, hourly=False) == [Counts("app:ask", 0, 3, 4, 1, 0.5)]
        with pytest.raises(ConfigError, match="since='x'"):
            store.counts(since="x")


def test_rows_of_earlier_releases(store: Store, metadata: MetadataStoreBase) -> None:
    """They have neither size nor time, and a bare name."""
    put_rows(
        metadata,
        row(
            7,
            func_identifier=None,
            size=None,
            made_at=None,
            key_scheme=None,
            code=None,
        ),
    )
    assert sizes(store.rows(function="ask")) == [None]
    assert store.total(function="ask") == Totals(1, 0)
    assert len(list(store.rows("oldest"))) == 7
    assert sizes(store.rows(outdated=True)) == [3]
