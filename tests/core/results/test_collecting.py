"""Collecting garbage: orphans go, what lives stays, whoever writes meanwhile."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from beautyspot import (
    ConfigError,
)
from beautyspot.results.collecting import Collected
from beautyspot_local import LocalStorage
from rows import put_rows, remove_row

NOTHING = Collected(0, 0, 0, 0)
HOUR = 3600.0


def text(x: int) -> str:
    return f"{x}" * 100


@pytest.fixture
def spot(make_spot: Any) -> Any:
    return make_spot(strict=True)


@pytest.fixture
def marked(spot: Any) -> Any:
    """Three results in the storage."""
    marked = spot.mark(save_blob=True)(text)
    for x in range(3):
        marked(x)
    return marked


def orphan(spot: Any, name: str = "") -> str:
    """What a process leaves that is killed between a blob and its row."""
    key = f"{7:032x}"
    name = name or f"{key}-{os.urandom(4).hex()}.msgpack"
    location: str = spot.storage.save(f"{spot.metadata.store_id}/{name}", b"orphan")
    return location


def age(spot: Any, seconds: float = 2 * HOUR) -> None:
    """Make every file of the storage older."""
    for path in Path(spot.storage.base_dir).rglob("*"):
        os.utime(path, (time.time() - seconds,) * 2)


def test_orphans_go_and_what_lives_stays(spot: Any, marked: Any) -> None:
    gone = orphan(spot)
    age(spot)
    young = orphan(spot)
    assert spot.collect() == Collected(blobs=1, size=6, leftovers=0, failed=0)
    assert [blob.location for blob in spot.storage.list()].count(gone) == 0
    assert spot.storage.load(young) == b"orphan"
    assert all(spot.peek(marked, x).value == text(x) for x in range(3))
    assert spot.collect() == NOTHING
    assert spot.collect(grace=0).blobs == 1
    assert all(spot.peek(marked, x).value == text(x) for x in range(3))


def test_two_stores_in_one_place_leave_each_other_alone(make_spot: Any, tmp_path: Path) -> None:
    place = {"storage": LocalStorage(tmp_path / "shared")}
    one, two = make_spot("one", **place), make_spot("two", **place)
    both = [spot.mark(save_blob=True)(text) for spot in (one, two)]
    for marked in both:
        marked(1)
    orphan(two)
    age(two)
    assert one.collect() == NOTHING
    assert two.collect().blobs == 1
    assert one.peek(both[0], 1).value == two.peek(both[1], 1).value == text(1)


def test_what_is_not_named_as_ours_is_left_alone(spot: Any, marked: Any) -> None:
    for name in ("notes.txt", "ab/notes.txt", f"{7:032x}.bin", f"zz/{7:032x}-12345678.bin"):
        orphan(spot, name)
    age(spot)
    assert spot.collect() == NOTHING


def test_a_row_may_name_a_blob_by_an_absolute_path_or_another_s_key(spot: Any, marked: Any) -> None:
    """Whatever names it, it is in use."""
    rows = list(spot.metadata.all_rows())
    absolute = f"{spot.storage.base_dir}/{rows[0].result_value}"
    put_rows(spot.metadata, rows[0]._replace(result_value=absolute))
    remove_row(spot.metadata, rows[1].cache_key)
    put_rows(spot.metadata, rows[1]._replace(cache_key="f" * 32))
    age(spot)
    assert spot.collect() == NOTHING


def test_leftovers_of_broken_saves_go(spot: Any, marked: Any) -> None:
    folder = Path(spot.storage.base_dir) / spot.metadata.store_id / "ab"
    folder.mkdir()
    (folder / ".tmp-0123").write_bytes(b"half")
    assert spot.collect() == NOTHING
    age(spot)
    assert spot.collect() == NOTHING._replace(leftovers=1)
    assert not (folder / ".tmp-0123").exists()


@pytest.mark.parametrize("grace", ["soon", -1, None, b"1"])
def test_a_wrong_grace_time(spot: Any, grace: Any) -> None:
    with pytest.raises(ConfigError, match="grace=.*: give a number of seconds"):
        spot.collect(grace=grace)
