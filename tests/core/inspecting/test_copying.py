"""A store is copied into another one: rows, blobs, counts, in their order."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot import ConfigError
from beautyspot.contracts.records import less_mark
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from rows import put_rows

SIGNED = "a-signing-key-0123456789"


OTHER = "another-signing-key-0123"


def work(number: int) -> Any:
    return [number, "x" * (70_000 if number in (1, 3, 5) else 10)]


def marked_in(spot: bs.Spot) -> Any:
    return spot.mark(name="app:work", tags=("t",))(work)


@pytest.fixture
def full(make_spot: Callable[..., bs.Spot]) -> bs.Spot:
    """A Spot in SQLite with six results, three of them blobs."""
    spot = make_spot(strict=True, blob_threshold=1000)
    marked = marked_in(spot)
    for number in (3, 1, 4, 0, 5, 2):
        marked(number)
    return spot


TARGETS: dict[str, Callable[[Path], Any]] = {
    "sqlite": lambda folder: bs.open_store(folder / "copy.db", create=True),
    "folder": lambda folder: bs.open_store(folder / "new" / ".beautyspot", name="a", create=True),
    "memory": lambda _: bs.open_store(MemoryMetadataStore(), storage=MemoryStorage()),
}


def rows(store: bs.Store) -> list[bs.TaskRecord]:
    """All rows, but for where their blobs are, and the mark of a copy."""
    return [row._replace(result_value=None, digest=less_mark(row.digest)) for row in store.rows()]


@pytest.mark.parametrize("kind", TARGETS)
def test_all_of_a_row_is_copied_there_and_back(full, tmp_path, kind):
    source = bs.open_store(full.db_path)
    with TARGETS[kind](tmp_path) as target:
        done = source.copy_to(target)
        assert done[:4] == (6, source.total().size, 0, ())
        assert rows(target) == rows(source)
        assert [*target.verify()] == []
        for row in source.rows():
            assert target.value(row.cache_key) == source.value(row.cache_key)
        with bs.open_store(tmp_path / "back.db", create=True) as back:
            assert target.copy_to(back).entries == 6
            assert rows(back) == rows(source)


def test_the_copy_is_hit(full, tmp_path, make_spot):
    with bs.open_store(tmp_path / "other" / "app.db", create=True) as target:
        bs.open_store(full.db_path).copy_to(target)
    full.shutdown()
    spot = make_spot(directory=tmp_path / "other", mode="replay")
    assert [marked_in(spot)(number) for number in range(6)] == [work(n) for n in range(6)]


def test_a_second_copy_takes_what_is_missing_or_newer(full, tmp_path):
    source = bs.open_store(full)
    told: list[tuple[int, int]] = []
    with bs.open_store(tmp_path / "copy.db", create=True) as target:
        source.copy_to(target, progress=lambda *done: told.append(done))
        assert told[-1] == (6, 6)
        assert source.copy_to(target)[:3] == (0, 0, 6)
        marked = marked_in(full)
        full.refresh(marked, 1)
        marked(7)
        size = sum(source.row(full.key(marked, number)).size for number in (1, 7))
        blobs = {row.cache_key: row.result_value for row in target.rows()}
        assert source.copy_to(target)[:3] == (2, size, 5)
        replaced = blobs[full.key(marked, 1)]
        assert replaced
        with pytest.raises(bs.BlobNotFound):
            target.storage.load(replaced)
        assert target.total().entries == 7
        assert target.copy_to(source)[:3] == (0, 0, 7), "what is as new there stays"


def test_what_the_target_makes_meanwhile_is_newer_and_stays(full, tmp_path, make_spot):
    class Slow(MemoryStorage):
        """While the first blob is on its way, a program makes all results of the target anew."""

        waiting = True

        def save(self, key, data, *, content_type=None):
            if self.waiting:
                self.waiting = False
                for number in range(6):
                    made(number)
            return super().save(key, data, content_type=content_type)

    storage = Slow()
    spot = make_spot(directory=tmp_path / "other", storage=storage, blob_threshold=1000)
    made = marked_in(spot)
    with bs.open_store(spot.db_path, create=True, storage=storage) as target:
        done = bs.open_store(full).copy_to(target)
        assert done[:3] == (0, 0, 6)
        assert min(row.made_at for row in target.rows()) > max(
            row.made_at for row in bs.open_store(full).rows()
        )
        assert [*target.verify()] == []
        assert target.collect(grace=0, dry_run=True).blobs == 0


@pytest.mark.parametrize("what", ["text", "damaged"])
@pytest.mark.parametrize("given", ["file", "url", "folder"])
def test_what_is_no_sound_store_is_not_written_into(full, tmp_path, what, given):
    folder = tmp_path / "there"
    path = folder / "app.db"
    with bs.open_store(path, create=True) as target:
        bs.open_store(full).copy_to(target)
    data = path.read_bytes()
    path.write_bytes(b"my notes" if what == "text" else data[:4096] + bytes(4096) + data[8192:])
    data = path.read_bytes()
    where = {"file": path, "url": f"sqlite:///{path}", "folder": folder}[given]
    with pytest.raises(bs.MetadataError, match="damaged"):
        bs.open_store(where, create=True)
    assert path.read_bytes() == data
    assert not list(folder.glob("*.damaged-*"))


def test_a_store_is_not_copied_into_itself(full):
    with pytest.raises(ConfigError, match="this store itself"):
        bs.open_store(full.db_path).copy_to(bs.open_store(full.db_path))
    with pytest.raises(ConfigError, match=r"open_store\(\.\.\., create=True\)"):
        bs.open_store(full.db_path).copy_to("copy.db")


class Shared(MemoryMetadataStore):
    private = False


class Private(MemoryMetadataStore):
    private = True


def with_text() -> bs.Store:
    metadata = MemoryMetadataStore()
    with bs.Spot("app", metadata=metadata, storage=MemoryStorage(), config=False) as spot:
        key = spot.key(fill_one(spot), 1)
    put_rows(metadata, metadata.get(key)._replace(arguments="number=1", price=0.5, used_at=7.0))
    put_rows(metadata, bs.TaskRecord("old", "f", "i", result_data=b"of 2.x"))
    return bs.open_store(metadata, storage=MemoryStorage())


def fill_one(spot: bs.Spot) -> Any:
    marked = spot.mark(name="app:work", save_blob=False)(work)
    marked(1)
    return marked


@pytest.mark.parametrize(
    ("kind", "wanted", "text"),
    [
        (Shared, None, None),
        (Shared, True, "number=1"),
        (Private, None, "number=1"),
        (Private, False, None),
    ],
)
def test_texts_of_arguments_go_where_nobody_else_reads_them(kind, wanted, text):
    target = bs.open_store(kind(), storage=MemoryStorage())
    assert with_text().copy_to(target, with_arguments=wanted).entries == 1
    (row,) = target.rows()
    assert (row.arguments, row.price, row.used_at) == (text, 0.5, 7.0)


class Counting(MemoryMetadataStore):
    """Keeps counts as they come."""

    def __init__(self, *counts: bs.Counts) -> None:
        super().__init__()
        self.counted = list(counts)

    def add_counts(self, counts: Any) -> None:
        self.counted += counts

    def counts(self, *, func_identifier: str | None = None, since: int | None = None) -> Any:
        del func_identifier, since
        return iter(self.counted)


def test_counts_are_copied_once():
    source = bs.open_store(Counting(bs.Counts("a", 1, hits=3), bs.Counts("b", 1, hits=4)))
    metadata = Counting(bs.Counts("a", 1, hits=9))
    target = bs.open_store(metadata)
    assert source.copy_to(target, tag="t").counts == 0
    assert source.copy_to(target, function="a*").counts == 0
    assert source.copy_to(target).counts == 1
    assert source.copy_to(target).counts == 0
    assert metadata.counted == [bs.Counts("a", 1, hits=9), bs.Counts("b", 1, hits=4)]


def test_what_is_damaged_is_not_copied(tmp_path):
    metadata, storage = MemoryMetadataStore(), MemoryStorage()
    with bs.Spot(
        "app", metadata=metadata, storage=storage, config=False, blob_threshold=1000
    ) as spot:
        marked = marked_in(spot)
        keys = [spot.key(marked, n) for n in range(6) if marked(n)]
    row = metadata.get(keys[0])
    put_rows(metadata, row._replace(result_data=b"x" * row.size))
    row = metadata.get(keys[1])
    put_rows(metadata, row._replace(result_value=storage.save(row.result_value, b"x" * row.size)))
    storage.delete(metadata.get(keys[3]).result_value)
    with bs.open_store(tmp_path / "copy.db", create=True) as target:
        done = bs.open_store(metadata, storage=storage).copy_to(target)
        assert done.entries == 3
        found = {fault.key: fault.kind for fault in done.faults}
        assert found == {keys[0]: "damaged", keys[1]: "damaged", keys[3]: "missing"}
        assert {row.cache_key for row in target.rows()} == {keys[2], keys[4], keys[5]}
        assert [*target.verify()] == []


class Unreadable(MemoryMetadataStore):
    """Lists all of its rows, and fails where one of them is read."""

    damaged = ""

    def get(self, key: str) -> bs.TaskRecord | None:
        if key == self.damaged:
            raise bs.MetadataError("a row that makes no sense")
        return super().get(key)

    def find_many(self, keys: Any) -> dict[str, Any]:
        return {key: row for key in keys if (row := self.get(key)) is not None}


class UnreadableBlobs(MemoryStorage):
    """Has one blob that it may not read."""

    lost = ""

    def load(self, location: str) -> bytes:
        if location == self.lost:
            raise bs.StorageError("permission denied")
        return super().load(location)


def test_what_can_t_be_read_at_all_ends_no_copy(tmp_path):
    metadata, storage = Unreadable(), UnreadableBlobs()
    with bs.Spot(
        "app", metadata=metadata, storage=storage, config=False, blob_threshold=1000
    ) as spot:
        marked = marked_in(spot)
        keys = [spot.key(marked, n) for n in range(6) if marked(n)]
    storage.lost = metadata.get(keys[1]).result_value
    metadata.damaged = keys[2]
    with bs.open_store(tmp_path / "copy.db", create=True) as target:
        done = bs.open_store(metadata, storage=storage).copy_to(target)
        assert done.entries == 4
        assert {f.key: (f.kind, f.problem) for f in done.faults} == {
            keys[1]: ("unreadable", "permission denied"),
            keys[2]: ("unreadable", "a row that makes no sense"),
        }
        assert {row.cache_key for row in target.rows()} == {*keys} - {keys[1], keys[2]}


def signed(key: str | None) -> tuple[Any, dict[str, Any]]:
    metadata, storage = MemoryMetadataStore(), MemoryStorage()
    keys = {} if key is None else {"signing_key": key}
    with bs.Spot("app", metadata=metadata, storage=storage, config=False, **keys) as spot:
        fill_one(spot)
    return metadata, {"storage": storage, "config": False}


KEYS: list[tuple[str | None, str | None, str | None, str]] = [
    # stored by, source opened with, target opened with -> what becomes of it
    (SIGNED, SIGNED, SIGNED, "kept"),
    (SIGNED, None, SIGNED, "kept"),
    (SIGNED, None, None, "kept"),
    (SIGNED, SIGNED, None, "kept"),
    (SIGNED, SIGNED, OTHER, "anew"),
    (SIGNED, None, OTHER, "signed"),
    (SIGNED, OTHER, None, "damaged"),
    (None, None, SIGNED, "signed"),
    (None, SIGNED, SIGNED, "damaged"),
    (None, None, None, "kept"),
]


VOUCHED: list[tuple[str | None, str | None, str | None, str]] = [
    (None, None, SIGNED, "anew"),
    (None, OTHER, SIGNED, "anew"),
    (SIGNED, None, OTHER, "signed"),
    (SIGNED, SIGNED, OTHER, "anew"),
    (None, None, None, "kept"),
]


@pytest.mark.parametrize(
    ("stored", "ours", "theirs", "what", "vouch"),
    [(*each, False) for each in KEYS] + [(*each, True) for each in VOUCHED],
)
def test_signatures_are_kept_or_made_anew_or_refused(stored, ours, theirs, what, vouch):
    metadata, options = signed(stored)
    source = bs.open_store(metadata, **options, **({"signing_key": ours} if ours else {}))
    theirs_too = {"signing_key": theirs} if theirs else {}
    target = bs.open_store(
        MemoryMetadataStore(), storage=MemoryStorage(), config=False, **theirs_too
    )
    done = source.copy_to(target, vouch=vouch)
    if what in ("kept", "anew"):
        (before,), (after,) = source.rows(), target.rows()
        assert (before.digest == less_mark(after.digest)) is (what == "kept")
        assert [fault for fault in target.verify() if fault.kind != "signed"] == []
    else:
        (fault,) = done.faults
        assert fault.kind == what
        assert done.entries == target.total().entries == 0


KILLED = """
import os, signal, sys
import beautyspot as bs

source, target, after = sys.argv[1], sys.argv[2], int(sys.argv[3])

def progress(done, of):
    if done >= after:
        os.kill(os.getpid(), signal.SIGKILL)

bs.open_store(source).copy_to(bs.open_store(target, create=True), progress=progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_copy_that_was_killed_is_completed_by_the_next(full, tmp_path):
    target = tmp_path / "target" / "app.db"
    marked = marked_in(full)
    for number in range(6, 230):
        marked(number)
    command = [sys.executable, "-c", KILLED, str(full.db_path), str(target), "200"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    with closing(sqlite3.connect(target)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    source = bs.open_store(full.db_path)
    with bs.open_store(target) as there:
        done = source.copy_to(there)
        assert done.entries + done.present == 230
        assert 0 < done.present < 230, "rows are written in batches"
        assert rows(there) == rows(source)
        assert [*there.verify()] == []


# ------------------------------------------------------------------- classes that nobody named


@dataclass
class Found:
    number: int


def named(number: int) -> Found:
    RAN.append(number)
    return Found(number)


def unnamed(number: int):  # type: ignore[no-untyped-def]
    RAN.append(number)
    return Found(number)


RAN: list[int] = []


@pytest.mark.parametrize("options", [{}, {"save_blob": True}], ids=["row", "blob"])
def test_of_a_copy_only_classes_that_the_program_names_are_restored(
    tmp_path: Path, make_spot: Callable[..., bs.Spot], options: dict[str, Any]
) -> None:
    RAN.clear()
    given = {"version": "1", **options}
    source = make_spot("source")
    for function in (named, unnamed, work):
        source.mark(function, **given)(1)
        source.mark(function, **given)(1)
    assert RAN == [1, 1], "the store is private"
    with bs.open_store(source.db_path) as store:
        with bs.open_store(tmp_path / "target" / "app.db", create=True) as target:
            assert store.copy_to(target).entries == 3
        assert [*store.verify()] == []
    with bs.open_store(tmp_path / "target" / "app.db") as store:
        assert [*store.verify()] == []
        with bs.open_store(tmp_path / "third" / "app.db", create=True) as third:
            store.copy_to(third)
    for name in ("target", "third"):
        RAN.clear()
        spot = make_spot(directory=tmp_path / name)
        assert spot.mark(named, **given)(1) == spot.mark(unnamed, **given)(1) == Found(1)
        assert RAN == [1], "the class that no annotation names is made anew"
        assert spot.mark(unnamed, **given)(1) == Found(1)
        assert spot.mark(work, **given)(1) == work(1)
        assert list(spot.map(spot.mark(work, **given), [1])) == [work(1)]
        assert (RAN, spot.stats()["hits"]) == ([1], 4)
