"""Both kinds of leases, where the contract suite does not reach."""

from __future__ import annotations

import errno
import os
import sys
import types
from contextlib import closing

import pytest
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import leases
from beautyspot_local.sqlite.leases import FileLeases, Leases, leases_beside
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import ANY, MINE, OTHER, stored
from child import Child
from sqlite_tools import another, linux, open_files, posix

KEY = KEYS[0]


@pytest.fixture(params=[pytest.param(Leases, marks=linux), FileLeases])
def kind(request):
    return request.param


@linux
def test_the_kind_is_what_the_system_has(tmp_path, monkeypatch):
    assert type(leases_beside(tmp_path / "a.db")) is Leases
    monkeypatch.setattr(sys, "platform", "darwin")
    assert type(leases_beside(tmp_path / "a.db")) is FileLeases


def test_released_lock_files_are_removed(tmp_path):
    table = FileLeases(tmp_path / "locks")
    table.take(KEYS, MINE)
    assert len(list((tmp_path / "locks").iterdir())) == len(KEYS)
    table.release(KEYS, MINE)
    assert list((tmp_path / "locks").iterdir()) == []


@linux
def test_one_that_is_dropped_leaves_nothing(kind, tmp_path):
    before = open_files()
    dropped = kind(tmp_path / "locks")
    dropped.take(KEYS, MINE)
    del dropped
    assert open_files() == before
    assert len(kind(tmp_path / "locks").take(KEYS, OTHER)) == len(KEYS)


def test_a_lock_file_that_was_removed_meanwhile_is_none(tmp_path, monkeypatch):
    """Its holder released it between our `open` and our lock; the next call gets the new one."""
    table, lock_whole = FileLeases(tmp_path / "locks"), leases._lock_whole

    def lock_late(number):
        (path,) = (tmp_path / "locks").iterdir()
        path.unlink()
        return lock_whole(number)

    with monkeypatch.context() as patch:
        patch.setattr(leases, "_lock_whole", lock_late)
        assert table.take([KEY], MINE) == {}
    assert table.take([KEY], MINE) == {KEY: True}
    assert FileLeases(tmp_path / "locks").take([KEY], OTHER) == {}


def test_on_windows_msvcrt_locks(tmp_path, monkeypatch):
    """With a stand-in that, like msvcrt, excludes whoever has the file open a second time."""
    locked = {}

    def locking(number, kind, size):
        assert (kind, size) == ("LK_NBLCK", 1)
        if locked.setdefault(os.fstat(number).st_ino, number) != number:
            raise OSError(errno.EACCES, "locked")

    monkeypatch.setitem(
        sys.modules, "msvcrt", types.SimpleNamespace(locking=locking, LK_NBLCK="LK_NBLCK")
    )
    monkeypatch.setattr(leases, "fcntl", None)
    one, other = (leases_beside(tmp_path / "a.db") for _ in range(2))
    assert one.take([KEY], MINE) == {KEY: True}
    assert other.take([KEY], OTHER) == {}


# -------------------------------------------------------------------------------- of a store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.db"


def test_a_begin_that_fails_leases_nothing(path):
    """Its caller knows of no lease, and would give none back."""
    store, other = SqliteMetadataStore(path, timeout=0), SqliteMetadataStore(path)
    store.begin([KEYS[1]], MINE)
    store._database.handle().execute("PRAGMA journal_mode = DELETE")
    with another(path) as program:
        program.execute("BEGIN EXCLUSIVE")
        with pytest.raises(MetadataBusyError):
            store.begin(KEYS[:3], MINE)
        program.execute("ROLLBACK")
    assert set(other.begin(KEYS[:3], OTHER).leased) == {KEYS[0], KEYS[2]}, "but what it had before"
    store.close()
    other.close()


def test_a_place_that_can_t_be_locked_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    store = SqliteMetadataStore(tmp_path / "file" / "a.db")
    with pytest.raises(MetadataError, match="that its file system has locks; or choose another"):
        store.begin([KEY], MINE)
    store.close()


WITHOUT_RANGES = "leases.fcntl.__dict__.pop('F_OFD_SETLK', None)"

FORK = """
import os, sys, time
from beautyspot_local.sqlite import leases
{setup}
from beautyspot_local import SqliteMetadataStore
store = SqliteMetadataStore({path!r})
key, other = "0" * 32, "1" * 32
assert store.begin([key], "a" * 32).leased
read, write = os.pipe()
child = os.fork()
if child == 0:
    assert not store.begin([key], "b" * 32).leased     # the parent has it
    store.release([key], "a" * 32)                     # not the child's to release
    assert not store.begin([key], "a" * 32).leased     # nor to have, by what it inherited
    assert store.begin([other], "b" * 32).leased
    print("checked", flush=True)
    os.close(write)
    os.read(read, 1)                                   # until the parent is going
    deadline = time.monotonic() + 30
    while not (free := store.begin([key], "b" * 32).leased) and time.monotonic() < deadline:
        os.sched_yield()
    print("free" if free else "held", flush=True)
    os._exit(0)
sys.stdin.readline()
os._exit(0)
"""


@posix
@pytest.mark.parametrize("setup", ["", WITHOUT_RANGES])
def test_a_lease_falls_with_the_parent_though_a_child_lives(path, setup):
    code = FORK.format(setup=setup, path=str(path))
    with Child(code) as parent:
        assert parent.heard() == "checked"
        parent.go_on()
        assert parent.heard() == "free"


HOLD = """
from beautyspot_local.sqlite import leases
{setup}
from beautyspot_local import SqliteMetadataStore
store = SqliteMetadataStore({path!r})
say(len(store.begin([f"{{n:032x}}" for n in range(50)], "a" * 32).leased))
wait()
"""


@posix
@pytest.mark.parametrize("setup", ["", WITHOUT_RANGES])
def test_leases_fall_with_a_process_that_is_killed(path, setup, monkeypatch):
    if setup:
        monkeypatch.delattr(leases.fcntl, "F_OFD_SETLK", raising=False)
    with closing(SqliteMetadataStore(path)) as store:
        with Child(HOLD.format(setup=setup, path=str(path))) as child:
            assert child.heard() == "50"
            assert not store.begin(KEYS[:50], MINE).leased
            child.kill()
        assert set(store.begin(KEYS[:50], MINE).leased) == set(KEYS[:50])


def test_a_run_keeps_its_lease_though_somebody_else_stored_a_result(path):
    """Who asks again, as another call of the same Spot, gets the row; the run goes on."""
    store, other = SqliteMetadataStore(path), SqliteMetadataStore(path)
    store.begin([KEY], MINE)
    stored(other, a_record())
    begun = store.begin([KEY], MINE)
    assert set(begun.found) == {KEY}
    assert not begun.leased
    assert not other.begin([KEY], OTHER, rejected={KEY: ANY}).leased
    store.close()
    other.close()
