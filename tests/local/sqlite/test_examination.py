"""What a database and a folder say of their health."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from beautyspot_local import LocalStorage, SqliteMetadataStore
from beautyspot_testing.records import a_record
from beautyspot_testing.store import stored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with a result, in a private folder."""
    path = tmp_path / "own" / "app.db"
    fill(path, 1)
    return path


def fill(path: Path, count: int) -> None:
    with closing(SqliteMetadataStore(path)) as store:
        stored(store, *(a_record(f"{number + 10**31:032x}") for number in range(count)))


def examined(path: Path, *, look: bool = True) -> dict[str, str]:
    with closing(SqliteMetadataStore(path)) as store:
        store.open(look=look)
        findings = [*store.examine(), *LocalStorage(path.parent).examine()]
    # Others write to the disk meanwhile.
    return {
        re.sub(r"[\d,]+ bytes are free", "all is free", one.text): one.state for one in findings
    }


def wrong(path: Path) -> dict[str, str]:
    """The state of each text that is not "ok"."""
    return {text: state for text, state in examined(path).items() if state != "ok"}


def state_of(found: dict[str, str], text: str) -> str:
    """The state of the one finding with this text in it."""
    [state] = {state for each, state in found.items() if text in each}
    return state


def test_of_a_sound_database_all_is_well(path: Path) -> None:
    assert wrong(path) == {}
    assert examined(path, look=False) == examined(path)


@pytest.mark.parametrize(("version", "state"), [(3, "warning"), (1_000_000, "problem")])
def test_another_schema_is_said(path: Path, version: int, state: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    assert state_of(wrong(path), f"schema {version}") == state


def test_a_damaged_database_is_a_problem(path: Path) -> None:
    fill(path, 300)
    with path.open("r+b") as file:
        file.seek(4096 * 6)
        file.write(os.urandom(4096 * 3))
    found = wrong(path)
    assert state_of(found, "is damaged (") == "problem"
    assert not re.search(r"\n|\*\*\*", "".join(found)), "one line, without SQLite's title"
    assert not list(path.parent.glob("*.damaged-*"))


@pytest.mark.parametrize("place", [0, 1])
def test_a_row_and_an_index_that_differ_are_a_problem(path: Path, place: int) -> None:
    """A byte of a key: its row is not found by it, or not at all."""
    found = [*re.finditer(b"%032x" % 10**31, path.read_bytes())]
    assert len(found) == 2
    with path.open("r+b") as file:
        file.seek(found[place].start())
        file.write(b"!")
    assert state_of(wrong(path), "is damaged (") == "problem"


def test_a_database_that_was_set_aside_is_a_problem_until_it_is_removed(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"odd" * 2000)
    fill(path, 1)
    [aside] = path.parent.glob("app.db.damaged-*")
    aside.with_name(f"{aside.name}-wal").touch()
    found = wrong(path)
    assert state_of(found, f"beautyspot copy {aside} {path}") == "problem"
    assert len(found) == 1
    aside.unlink()
    assert wrong(path) == {}


def test_what_others_may_read_is_a_warning(path: Path) -> None:
    path.chmod(0o644)
    path.parent.chmod(0o755)
    found = wrong(path)
    assert state_of(found, f"others can read {path}: chmod 600") == "warning"
    assert state_of(found, f"others can read {path.parent}: chmod 700") == "warning"


def test_what_may_not_be_written_is_a_problem(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.access

    def access(name: os.PathLike[str], mode: int, **options: bool) -> bool:
        return not mode & os.W_OK and real(name, mode, **options)

    with closing(SqliteMetadataStore(path)) as store:
        store.open(look=True)
        monkeypatch.setattr(os, "access", access)
        found = {one.text: one.state for one in store.examine() if one.state != "ok"}
    assert state_of(found, f"{path} can only be read") == "problem"
    assert state_of(found, f"you may not write into {path.parent}, so nothing") == "problem"


@pytest.mark.parametrize(("free", "state"), [(10_000, "problem"), (50_000_000, "warning")])
def test_a_disk_that_is_full_or_nearly_so(
    free: int, state: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statistics = SimpleNamespace(
        f_bavail=free, f_bfree=free, f_frsize=1, f_blocks=free, f_files=1, f_favail=1
    )
    monkeypatch.setattr(os, "statvfs", lambda _: statistics)
    [text] = [text for text, found in examined(path).items() if found == state]
    assert str(path.parent) in text


@pytest.fixture
def mounted(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pretend that the database is on NFS."""
    table = path.parent.parent / "mountinfo"
    table.write_text(f"1 0 0:1 / {path.parent} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr("beautyspot.files._MOUNTS", table)
    yield
    shutil.rmtree(path.parent)


def test_a_network_file_system_is_a_warning(path: Path, mounted: None) -> None:
    found = wrong(path)
    assert state_of(found, "is on a network file system (nfs4)") == "warning"
