"""A database on a network file system, as the table of mounts has it; the file itself is local."""

from __future__ import annotations

import logging
import shutil
import sys

import pytest
from beautyspot import files
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot_local import LocalStorage, SqliteMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from sqlite_tools import another, keys_in
from sqlite_tools import files as files_in

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """Makes the folder `share` one of a network file system; a database's path in it."""
    table, share = tmp_path / "mounts", tmp_path / "share"
    share.mkdir()
    monkeypatch.setattr(files, "_MOUNTS", table)
    table.write_text("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")

    def mount(kind):
        with table.open("a") as lines:
            lines.write(f"2 1 0:40 / {share} rw - {kind} server:/share rw\n")
        return share / "store.db"

    return mount


@pytest.fixture
def make(request):
    def store(path, **options):
        made = SqliteMetadataStore(path, **options)
        request.addfinalizer(made.close)
        return made

    return store


def record(number):
    return a_record(cache_key=KEYS[number], began_at=1.0, used_at=None)


def test_it_does_all_that_it_does_elsewhere(mounted, make):
    store = make(mounted("nfs4"))
    stored(store, record(0))
    stored(store, record(1), record(2))
    store.touch({KEYS[0]: 5.0})
    assert store.find(KEYS[1]) is not None
    assert store.find(KEYS[9]) is None
    assert not store.private, "its server's users may read it"
    assert store.get(KEYS[0]) == record(0)._replace(used_at=5.0)
    seen = {KEYS[2]: record(2).made_at}
    assert (store.delete(seen), store.delete(seen)) == ({KEYS[2]}, set())
    assert store.begin([KEYS[7]], MINE).leased
    assert keys_in(store) == KEYS[:2]
    assert store.put_at_once([]) is None, "a commit waits for the disk"


def test_its_server_may_not_answer(mounted, tmp_path, make):
    path = mounted("nfs4")
    assert make(path).blocking
    assert not LocalStorage(path.parent).local
    assert not make(tmp_path / "store.db").blocking
    assert LocalStorage(tmp_path).local


def test_it_says_once_that_it_serves_one_machine(mounted, make, caplog):
    caplog.set_level(logging.WARNING)
    store = make(mounted("nfs4"))
    stored(store, record(0))
    store.close()
    (said,) = [each.getMessage() for each in caplog.records]
    assert "serves one machine at a time" in said
    assert "choose a db_path on a local disk" in said
    assert not any(name.endswith("-wal") for name in files_in(mounted("nfs4").parent))


def test_what_was_in_wal_mode_leaves_it(mounted, make, tmp_path):
    elsewhere = make(tmp_path / "store.db")
    stored(elsewhere, record(0))
    elsewhere.close()
    path = mounted("nfs4")
    shutil.copy(tmp_path / "store.db", path)
    assert make(path).get(KEYS[0]) == record(0)
    with another(path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_write_beside_a_reader_is_tried_again_and_then_given_up(mounted, make):
    """A rollback journal is committed only when nobody reads."""
    store = make(mounted("nfs4"), timeout=0)
    stored(store, record(0))
    with another(mounted("nfs4")) as other:
        reading = other.execute("SELECT cache_key FROM tasks")
        with pytest.raises(MetadataBusyError):
            stored(store, record(1))
        reading.close()
    stored(store, record(1))
    assert len(keys_in(store)) == 2


@pytest.mark.parametrize("kind", ["cifs", "smb3", "smbfs"])
def test_a_share_of_smb_is_refused(mounted, make, kind):
    path = mounted(kind)
    store = make(path)
    for ask in (store.open, lambda: stored(store, record(0)), lambda: store.find(KEYS[0])):
        with pytest.raises(MetadataError, match=r"SMB share .* choose a db_path on a local disk"):
            ask()
    assert files_in(path.parent) == []
