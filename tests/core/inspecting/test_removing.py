"""What is removed by a filter, a limit or as garbage; and what a dry run counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from beautyspot import ConfigError, Pruned, Removed, Store, open_store
from beautyspot.memory import MemoryMetadataStore
from core.inspecting.stored import DAY, NOW, ROWS
from core.inspecting.test_rows import sizes
from rows import put_rows, remove_row
from scripted import scripted

NOTHING = Pruned(0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("where", "gone"),
    [
        ({"function": "app:ask", "outdated": True}, [3]),
        ({"function": "app:*", "tag": "daily"}, [1, 5]),
        ({"version": ""}, [1, 3, 4, 5, 6]),
        ({"key": "000002"}, [2]),
        ({"key": ROWS[1].cache_key}, [2]),
        ({"arguments": "alice"}, [1]),
        ({"older": "60h", "larger": 4}, [4, 5, 6]),
        ({"function": "*"}, [1, 2, 3, 4, 5, 6]),
        ({"function": "nothing"}, []),
    ],
)
def test_what_matches_goes(store: Store, where: Any, gone: list[int]) -> None:
    expected = Removed(len(gone), sum(gone), 0)
    assert store.remove(dry_run=True, **where) == expected
    assert len(list(store.rows())) == 6
    assert store.remove(**where) == expected
    assert sizes(store.rows()) == [n for n in range(1, 7) if n not in gone]
    assert store.remove(**where) == Removed(0, 0, 0)


def test_nothing_goes_without_a_filter(store: Store) -> None:
    for where in ({}, {"expired": False, "function": None}, {"at": NOW}):
        with pytest.raises(ConfigError, match="say what to remove"):
            store.remove(**where)  # type: ignore[arg-type]  # as a program may give them
    with pytest.raises(ConfigError, match="Did you mean 'older'"):
        store.remove(odler="7d")  # type: ignore[call-arg]  # a mistake
    assert len(list(store.rows())) == 6


@pytest.mark.parametrize(
    ("limits", "gone"),
    [
        ({}, {"expired": 1, "size": 4}),
        ({"expired": False}, {}),
        ({"older_than": "132h"}, {"expired": 1, "old": 1, "size": 10}),
        ({"unused_for": 4.5 * DAY, "function": "app:*"}, {"expired": 1, "unused": 1, "size": 9}),
        ({"max_size": 6}, {"expired": 1, "evicted": 2, "size": 4 + 6 + 5}),
        ({"max_size": "3B", "function": "app:ask"}, {"expired": 1, "evicted": 1, "size": 7}),
        ({"max_size": 100, "expired": False}, {}),
        ({"max_entries": 4}, {"expired": 1, "evicted": 1, "size": 4 + 6}),
        ({"max_entries": 1, "function": "app:ask"}, {"expired": 1, "evicted": 2, "size": 8}),
        ({"max_entries": 4, "max_size": 6}, {"expired": 1, "evicted": 2, "size": 4 + 6 + 5}),
    ],
)
def test_a_dry_run_of_prune_counts_what_goes(store: Store, limits: Any, gone: Any) -> None:
    expected = NOTHING._replace(**gone)
    before = sizes(store.rows())
    assert store.prune(dry_run=True, **limits) == expected
    assert sizes(store.rows()) == before
    assert store.prune(**limits) == expected
    assert store.total().entries == len(before) - expected.entries


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("prune", {"max_size": "big"}, "max_size='big': give a number of bytes"),
        ("prune", {"max_entries": 1.5}, "max_entries=1.5: give a whole number, 0 or more"),
        ("prune", {"older_than": "soon"}, "older_than='soon': give a number of seconds"),
        ("prune", {"older_then": 1}, "prune takes no option 'older_then'"),
        ("collect", {"grace": None}, "grace=None: give a number of seconds"),
        ("collect", {"grase": 1}, "Did you mean 'grace'"),
    ],
)
def test_wrong_limits(store: Store, method: str, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        getattr(store, method)(**options)


def text(x: str) -> str:
    return x * 10


def blobs(spot: Any) -> int:
    return sum(path.is_file() for path in Path(spot.storage.base_dir).rglob("*"))


def test_blobs_go_with_their_rows_and_others_as_garbage(make_spot: Any) -> None:
    spot = make_spot(strict=True)
    marked = spot.mark(save_blob=True)(text)
    for x in "abc":
        marked(x)
    orphan = f"{spot.metadata.store_id}/{7:032x}-12345678.msgpack"
    spot.storage.save(orphan, b"orphan")
    left = Path(spot.storage.base_dir, spot.metadata.store_id, ".tmp-1")
    left.write_bytes(b"of a save that was killed")
    with open_store(spot) as store:
        key = spot.key(marked, "a")
        assert store.remove(key=key[:8]).entries == 1
        assert blobs(spot) == 2 + 2
        foreseen = store.collect(0, dry_run=True)
        assert foreseen == (1, 6, 0, 0)
        assert blobs(spot) == 2 + 2
        assert store.collect(0) == foreseen
        assert store.collect(dry_run=True) == (0, 0, 0, 0)
    assert spot.peek(marked, "b").value == text("b")


def test_what_was_shown_goes_and_what_came_later_stays(make_spot: Any) -> None:
    spot = make_spot(strict=True)
    marked = spot.mark(name="app:text")(text)
    for x in "abc":
        marked(x)
    with open_store(spot.db_path, config=False) as store:
        at = store.metadata.now()
        shown = list(store.rows(at=at, unused=0))
        marked("d")
        spot.refresh(marked, "a")
        size = sum(row.size or 0 for row in shown[1:])
        assert store.total(at=at, unused=0).entries == 2
        assert [*store.over_limits(older_than=0, at=at)] == [*store.rows(at=at)]
        assert store.remove(at=at, unused=0) == Removed(2, size)
        assert store.prune(older_than=0, at=at).entries == 0
        assert {row.cache_key for row in store.rows()} == {spot.key(marked, x) for x in "ad"}


def test_a_row_that_was_replaced_meanwhile_stays() -> None:
    """Another process replaces one and removes the other just before they are removed."""

    def replacing(_: Any) -> None:
        put_rows(metadata, ROWS[0]._replace(made_at=NOW + 1))
        remove_row(metadata, ROWS[2].cache_key)

    metadata = scripted(MemoryMetadataStore, slow={"delete": replacing})
    put_rows(metadata, ROWS[0], ROWS[2])
    with open_store(metadata, config=False) as store:
        assert store.remove(larger=0) == Removed(0, 0, 1)
        assert store.total().entries == 1
