"""Both kinds of leases, where the contract suite does not reach."""

from __future__ import annotations

import errno
import os
import struct
import sys
import types
from pathlib import Path

import pytest
from beautyspot.errors import MetadataError
from beautyspot_local.sqlite import leases
from beautyspot_local.sqlite.leases import FileLeases, RangeLeases, leases_beside, offset_of
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS
from beautyspot_testing.shared import Child
from hypothesis import given
from hypothesis import strategies as st

linux = pytest.mark.skipif(sys.platform != "linux", reason="open file description locks")
posix = pytest.mark.skipif(os.name != "posix", reason="needs fcntl")


@pytest.fixture(params=[pytest.param(RangeLeases, marks=linux), FileLeases])
def table(request, tmp_path):
    return request.param(tmp_path / "dir" / "locks")


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@given(st.text(st.characters()) | st.text("0123456789abcdef", min_size=32, max_size=32))
def test_an_offset_is_a_place_that_can_be_locked(key):
    assert 0 <= offset_of(key) < 2**62
    assert offset_of(key) == offset_of(key)


def test_close_keys_have_places_of_their_own():
    keys = [*KEYS, *(key[::-1] for key in KEYS), *map(str, range(100)), "z" * 32, "z" * 31]
    assert len({offset_of(key) for key in keys}) == len(set(keys))


@linux
def test_the_lock_structure_has_the_size_of_the_system_s():
    # struct flock64: two shorts, two 64-bit offsets, a pid_t, padded (asm-generic/fcntl.h).
    assert leases._FLOCK.size == (32 if struct.calcsize("P") == 8 else leases._FLOCK.size)


@linux
def test_the_kind_is_what_the_system_has(tmp_path, monkeypatch):
    assert isinstance(leases_beside(tmp_path / "a.db"), RangeLeases)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isinstance(leases_beside(tmp_path / "a.db"), FileLeases)


def test_the_lock_files_are_private(table, tmp_path):
    lease = table.try_lease("k")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert files[0].stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "dir").stat().st_mode & 0o777 == 0o700
    lease.release()


def test_released_lock_files_are_removed(tmp_path):
    table = FileLeases(tmp_path / "locks")
    held = [table.try_lease(key) for key in KEYS]
    assert len(list((tmp_path / "locks").iterdir())) == len(KEYS)
    for lease in held:
        lease.release()
    assert list((tmp_path / "locks").iterdir()) == []


@linux
def test_no_file_stays_open(table):
    table.try_lease("warm up").release()
    table.forget()
    before = open_files()
    held = [table.try_lease(key) for key in KEYS]
    for lease in held:
        lease.release()
    del held, lease
    table.forget()
    assert open_files() <= before


def test_a_lease_that_is_dropped_is_released(table, tmp_path):
    """By who was interrupted before he had it, say."""
    others = type(table)(tmp_path / "dir" / "locks")
    lease = table.try_lease("k")
    assert table.try_lease("k") is None
    assert others.try_lease("k") is None
    del lease
    lease = others.try_lease("k")
    assert lease is not None
    assert table.try_lease("k") is None
    lease.release()
    assert table.try_lease("k") is not None


@linux
def test_an_interrupted_release_unlocks_all_the_same(tmp_path, monkeypatch):
    table, others = RangeLeases(tmp_path / "locks"), RangeLeases(tmp_path / "locks")
    lease = table.try_lease("k")
    real = leases._set_lock

    def interrupted(*args):
        monkeypatch.setattr(leases, "_set_lock", real)
        raise KeyboardInterrupt

    monkeypatch.setattr(leases, "_set_lock", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lease.release()
    assert others.try_lease("k") is not None


def test_forgetting_keeps_what_is_held(table):
    lease = table.try_lease("k")
    table.forget()
    assert table.try_lease("k") is None
    other = table.try_lease("other")
    lease.release()
    table.try_lease("k").release()
    other.release()


def test_a_failed_range_lock_is_reported_and_not_held(tmp_path, monkeypatch):
    table = RangeLeases(tmp_path / "locks")

    def fail(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    with monkeypatch.context() as patch:
        patch.setattr(leases, "_set_lock", fail)
        with pytest.raises(OSError, match="no locks") as kept:  # and with it what it passed
            table.try_lease("k")
    table.try_lease("k").release()
    assert kept.value.errno == errno.ENOLCK


def test_a_failed_file_lock_is_reported(tmp_path, monkeypatch):
    table = FileLeases(tmp_path / "locks")
    before = open_files()

    def fail(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    with monkeypatch.context() as patch:
        patch.setattr(leases.fcntl, "flock", fail)
        with pytest.raises(OSError, match="no locks"):
            table.try_lease("k")
    assert open_files() <= before


def test_a_lock_file_that_was_removed_meanwhile_is_locked_again(tmp_path, monkeypatch):
    """Its holder released it between our `open` and our lock."""
    table = FileLeases(tmp_path / "locks")
    lock_whole = leases.lock_whole
    removed = []

    def lock_late(number):
        if not removed:
            (path,) = (tmp_path / "locks").iterdir()
            path.unlink()
            removed.append(path)
        return lock_whole(number)

    monkeypatch.setattr(leases, "lock_whole", lock_late)
    lease = table.try_lease("k")
    assert removed
    assert table.try_lease("k") is None, "the file that is there must be the locked one"
    lease.release()


def test_a_lock_file_that_never_stays_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "is_at", lambda *_: False)
    assert FileLeases(tmp_path / "locks").try_lease("k") is None


@pytest.mark.parametrize("times", [1, 1000])
def test_a_lock_file_that_another_one_makes_and_removes(tmp_path, monkeypatch, times):
    """Between the look for it and its making; it is not tried for ever."""
    create, left = leases.create, iter(range(times))

    def late(path, flags):
        for _ in left:
            raise FileExistsError(errno.EEXIST, "File exists")
        return create(path, flags)

    monkeypatch.setattr(leases, "create", late)
    if times == 1:
        os.close(leases.open_lock_file(tmp_path / "lock"))
    else:
        with pytest.raises(FileNotFoundError):
            leases.open_lock_file(tmp_path / "lock")
    assert next(left, None) in (None, leases._TRIES)


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
    table = leases_beside(tmp_path / "a.db")
    lease = table.try_lease("k")
    assert lease is not None
    assert table.try_lease("k") is None
    lease.release()


# ---------------------------------------------------------------------------------------- fork


def test_a_child_s_copies_are_empty(table):
    """What the child does after a fork, done here: the lock itself is the parent's."""
    lease = table.try_lease("k")
    before = open_files()
    table.after_fork_in_child()
    lease.release()
    assert open_files() == before - 1, "the child must close what it inherited"
    table.after_fork_in_child()
    again = table.try_lease("k")  # here nobody else held the file, so it is free
    again.release()


FORK = """
import os, sys, time
from pathlib import Path
from beautyspot_local.sqlite import leases
{setup}
from beautyspot_local.sqlite.store import SqliteMetadataStore
store = SqliteMetadataStore({path!r})
lease = store.try_lease("k")
assert lease
read, write = os.pipe()
child = os.fork()
if child == 0:
    assert store.try_lease("k") is None     # the parent has it
    lease.release()                         # not the child's to release
    assert store.try_lease("k") is None
    other = store.try_lease("other")
    assert other
    print("checked", flush=True)
    os.close(write)
    os.read(read, 1)                        # until the parent is going
    deadline = time.monotonic() + 30
    while (again := store.try_lease("k")) is None and time.monotonic() < deadline:
        os.sched_yield()
    print("free" if again else "held", flush=True)
    os._exit(0)
sys.stdin.readline()
os._exit(0)
"""


@posix
@pytest.mark.parametrize("setup", ["", "leases.fcntl.__dict__.pop('F_OFD_SETLK', None)"])
def test_a_lease_falls_with_the_parent_though_a_child_lives(tmp_path, setup):
    code = FORK.format(setup=setup, path=str(tmp_path / "a.db"))
    store = SqliteMetadataStore(tmp_path / "a.db")
    with Child(code) as parent:
        assert parent.heard() == "checked"
        parent.go_on()
        assert parent.heard() == "free"
    store.close()


def test_a_place_that_can_t_be_locked_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    store = SqliteMetadataStore(tmp_path / "file" / "a.db")
    with pytest.raises(MetadataError, match="check that the directory may be written"):
        store.try_lease("k")
    store.close()
    with pytest.raises(MetadataError, match="closed"):
        store.try_lease("k")
