"""Disks, directories and files that fail below a running Spot, met by every kind of function.

Real ones: a full tmpfs, a read-only mount, another user, another process that locks or damages.
Each cell: the result is right, it is said once what is wrong and what to do, and when the fault is
gone the same Spot caches again.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from beautyspot.spot import Spot
from kinds import KINDS, RAN, result


def mounted(options: str, place: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if not mounted("size=2m", place):
        pytest.skip("mounting a disk is not permitted here: run as root, in a container of its own")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def one_thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def other_process(program: str, *arguments: object) -> None:
    """By another process: a descriptor closed in this one would drop SQLite's locks."""
    subprocess.run([sys.executable, "-c", program, *map(str, arguments)], check=True)


def read_again(spot: Spot) -> None:
    """Have this thread's connection read the file at its next use, not what it remembers of it."""
    spot.metadata._database.handle().execute("PRAGMA shrink_memory")  # type: ignore[attr-defined]


@contextmanager
def full_disk(disk: Path, spot: Spot) -> Iterator[None]:
    with (disk / "filler").open("wb", buffering=0) as filler:
        size = 2**16
        while size >= 1:
            try:
                filler.write(b"x" * size)
            except OSError:
                size //= 2
    yield
    (disk / "filler").unlink()


@contextmanager
def read_only_mount(disk: Path, spot: Spot) -> Iterator[None]:
    # An open descriptor for writing keeps the kernel from it: those of another moment are closed.
    spot._engine.executor.stop(wait=True)
    spot.metadata._database.reset()  # type: ignore[attr-defined]
    gc.collect()
    command = ["mount", "-o", "remount,ro", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("the kernel does not remount it read-only while it is in use")
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


@contextmanager
def removed_directory(place: Path, spot: Spot) -> Iterator[None]:
    shutil.rmtree(spot.db_path.parent)
    yield
    assert spot.db_path.exists(), "made again: what is unlinked serves this process only"


@contextmanager
def file_in_the_way(place: Path, spot: Spot) -> Iterator[None]:
    directory = spot.db_path.parent
    shutil.move(directory, place / "elsewhere")
    directory.write_text("in the way")
    yield
    directory.unlink()


@contextmanager
def another_user(place: Path, spot: Spot) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    spot.metadata._database.reset()  # type: ignore[attr-defined]
    spot.executor  # its threads share the process's user
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def locked(place: Path, spot: Spot) -> Iterator[None]:
    other = sqlite3.connect(spot.db_path, isolation_level=None, timeout=5)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def damaged_file(place: Path, spot: Spot) -> Iterator[None]:
    other_process(CHECKPOINT, spot.db_path)
    other_process(DAMAGE, spot.db_path)
    yield
    assert list(spot.db_path.parent.glob("app.db.damaged-*")), "moved aside, never deleted"


@contextmanager
def damaged_wal(place: Path, spot: Spot) -> Iterator[None]:
    other_process(DAMAGE_WAL, f"{spot.db_path}-wal")
    read_again(spot)
    yield


@contextmanager
def cut_wal(place: Path, spot: Spot) -> Iterator[None]:
    other_process("import os, sys; os.truncate(sys.argv[1], 5000)", f"{spot.db_path}-wal")
    read_again(spot)
    yield


@contextmanager
def dropped_table(place: Path, spot: Spot) -> Iterator[None]:
    other_process(DROP, spot.db_path)
    yield


@contextmanager
def future_schema(place: Path, spot: Spot) -> Iterator[None]:
    spot.metadata._database.reset()  # type: ignore[attr-defined]
    other_process(SET_VERSION, spot.db_path, 99)
    yield
    other_process(SET_VERSION, spot.db_path, 3)


CHECKPOINT = """
import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
"""
DAMAGE = """
import os, sys
with open(sys.argv[1], "r+b") as file:
    file.write(b"\\xa5" * os.path.getsize(sys.argv[1]))
"""
DAMAGE_WAL = """
import os, sys
with open(sys.argv[1], "r+b") as file:
    file.seek(32)
    file.write(b"\\xa5" * (os.path.getsize(sys.argv[1]) - 32))
"""
DROP = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=10) as connection:
    connection.execute("DROP TABLE tasks")
"""
SET_VERSION = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=10) as connection:
    connection.execute(f"PRAGMA user_version = {sys.argv[2]}")
    change = "UPDATE beautyspot_meta SET value = ? WHERE name = 'readable_from'"
    connection.execute(change, (sys.argv[2],))
"""

FRESH = "a fresh one takes its place|check that it is the file you mean|check the disk"

FAULTS: dict[str, tuple[Any, str, str]] = {
    "disk full": (full_disk, "disk", "free some space|the disk has room|check the disk"),
    "read-only mount": (read_only_mount, "disk", "writable|may be written|may write into it"),
    "removed directory": (removed_directory, "place", "check that the (file and its )?directory"),
    "file in the way": (file_in_the_way, "place", "check that the (file and its )?directory"),
    "permission denied": (
        another_user,
        "place",
        "check that the (file and its )?directory may be (read and )?written",
    ),
    "locked database": (locked, "place", "try again"),
    "damaged database": (damaged_file, "place", FRESH),
    "damaged wal": (damaged_wal, "place", FRESH),
    "cut wal": (cut_wal, "place", FRESH),
    "dropped table": (dropped_table, "place", "check .* that no other program changes the file"),
    "schema of the future": (future_schema, "place", "upgrade beautyspot"),
}
"""What goes wrong, where, and what each warning says to do (a regular expression)."""

HEALS = {"removed directory", "damaged wal", "cut wal", "dropped table"}
"""Mended by the first operation that meets them, so that there may be nothing to say."""


# The saver does not know what kind of function its results are from: two of them are enough.
SAVED = [(kind, "sync") for kind in KINDS] + [("sync", "background"), ("async", "background")]


@pytest.mark.parametrize(("kind", "save"), SAVED)
@pytest.mark.parametrize("blob", [False, True], ids=["row", "blob"])
def test_without_a_fault(
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    kind: str,
    blob: bool,
    save: str,
) -> None:
    """The control: what a cell finds is the doing of its fault."""
    function, call = KINDS[kind]
    spot = make_spot(save=save)
    marked = spot.mark(name="f", save_blob=blob)(function)
    for x in (1, 2, 1, 2):
        assert call(marked, x) == result(x)
        assert spot.flush()
    assert RAN == [1, 2]
    assert not caplog.records


def cells() -> list[Any]:
    """Each fault with each kind of function and each way to save; but for two in turn all slow."""
    ways = [(blob, kind, save) for blob in (False, True) for kind, save in SAVED]
    found = []
    for number, fault in enumerate(FAULTS):
        ordinary = {ways[number % len(ways)], ways[(number + len(ways) // 2 + 1) % len(ways)]}
        for blob, kind, save in ways:
            name = "-".join((fault, "blob" if blob else "row", kind, save))
            marks = () if (blob, kind, save) in ordinary else (pytest.mark.slow,)
            found.append(pytest.param(fault, blob, kind, save, marks=marks, id=name))
    return found


@pytest.mark.parametrize(("fault", "blob", "kind", "save"), cells())
def test_cell(
    request: pytest.FixtureRequest,
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    fault: str,
    kind: str,
    blob: bool,
    save: str,
) -> None:
    breaking, where, advice = FAULTS[fault]
    place: Path = request.getfixturevalue(where)
    function, call = KINDS[kind]
    metadata = {"use": "sqlite", "timeout": 0.02}
    options: dict[str, Any] = {"directory": place / "cache", "metadata": metadata, "save": save}
    if fault == "removed directory":  # or a thread that is new to it would make it again by chance
        options["executor"] = request.getfixturevalue("one_thread")
    spot = make_spot(**options)
    marked = spot.mark(name="f", save_blob=blob)(function)
    for x in (1, 2):
        assert call(marked, x) == result(x)
        assert spot.flush()
    assert not caplog.records
    with breaking(place, spot):
        for x in (1, 3, 1, 3, 4):
            assert call(marked, x) == result(x), "the result is right"
        spot.flush()
        said = [record.getMessage() for record in caplog.records]
    assert said or fault in HEALS or where == "disk", "it is said"
    assert len(said) == len(set(said)), "once"
    assert len(said) <= 4, "saving a blob and a row, looking up, a lease"
    troubles = [text for text in said if not text.endswith("works again")]
    assert all(re.search(advice, text) for text in troubles), "with what to do"
    spot.flush()
    call(marked, 5)
    assert spot.flush()
    RAN.clear()
    for x in (9, 9):
        assert call(marked, x) == result(x)
        assert spot.flush()
    assert RAN == [9], "when the fault is gone, caching works again"
    for _ in range(2):
        for x in (1, 2, 3, 4):
            assert call(marked, x) == result(x)
            assert spot.flush()
    assert all(RAN.count(x) <= 1 for x in (1, 2, 3, 4))


@pytest.mark.parametrize("shortage", ["blocks", "files"])
def test_a_process_that_starts_on_a_full_disk(
    disk: Path, make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, shortage: str
) -> None:
    """It can make neither the log nor what SQLite shares; what is stored is found all the same."""
    if shortage == "files":
        command = ["mount", "-o", "remount,nr_inodes=16", str(disk)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("the kernel does not limit their number there")
    function, call = KINDS["sync"]
    with make_spot(directory=disk / "cache") as first:
        marked = first.mark(name="f")(function)
        assert [call(marked, x) for x in (1, 2)] == [result(1), result(2)]
    RAN.clear()
    with full_disk(disk, first) if shortage == "blocks" else no_more_files(disk):
        spot = make_spot(directory=disk / "cache")
        marked = spot.mark(name="f")(function)
        assert [call(marked, x) for x in (1, 2, 3, 1, 3)] == [result(x) for x in (1, 2, 3, 1, 3)]
        assert RAN == [3], "what is stored is found, and what can't be stored waits"
        assert spot.stats()["unsaved"] == 1
        said = [record.getMessage() for record in caplog.records]
        assert len(said) == 1
        assert re.search("free some space on the disk|as many files as it can: delete", said[0])
    assert spot.flush()
    with make_spot(directory=disk / "cache") as third:
        assert call(third.mark(name="f")(function), 3) == result(3)
    assert RAN == [3]


@contextmanager
def no_more_files(disk: Path) -> Iterator[None]:
    made = []
    with suppress(OSError):
        for number in range(100):
            (disk / f"filler{number}").touch(exist_ok=False)
            made.append(disk / f"filler{number}")
    yield
    for path in made:
        path.unlink()
