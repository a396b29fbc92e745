"""Both kinds of leases, where the contract suite does not reach."""

from __future__ import annotations

import os
import sys

import pytest
from beautyspot.errors import MetadataError
from beautyspot_local.sqlite.leases import FileLeases, RangeLeases
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.records import KEYS
from beautyspot_testing.shared import Child

linux = pytest.mark.skipif(sys.platform != "linux", reason="open file description locks")
posix = pytest.mark.skipif(os.name != "posix", reason="needs fcntl")


@pytest.fixture(params=[pytest.param(RangeLeases, marks=linux), FileLeases])
def table(request, tmp_path):
    return request.param(tmp_path / "dir" / "locks")


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


# ---------------------------------------------------------------------------------------- fork


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
