"""The SQLite store keeps the contract, and both kinds of leases do."""

from __future__ import annotations

import pytest
from beautyspot_local.sqlite import leases
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.metadata import MetadataStoreContract
from beautyspot_testing.metadata_leases import LeaseContract


class Sqlite:
    def make(self, tmp_path):
        return SqliteMetadataStore(tmp_path / "cache" / "store.db")

    def source(self, tmp_path):
        path = str(tmp_path / "cache" / "store.db")
        return (
            "from beautyspot_local.sqlite.store import SqliteMetadataStore\n"
            f"store = SqliteMetadataStore({path!r}, timeout=30)"
        )


class TestSqliteMetadataStore(Sqlite, MetadataStoreContract):
    pass


class TestWithLockFiles(Sqlite, LeaseContract):
    """As on a system without open-file-description locks."""

    @pytest.fixture(autouse=True)
    def without_ranges(self, monkeypatch):
        monkeypatch.delattr(leases.fcntl, "F_OFD_SETLK", raising=False)

    def source(self, tmp_path):
        without = (
            "import beautyspot_local.sqlite.leases as l\n"
            "l.fcntl.__dict__.pop('F_OFD_SETLK', None)\n"
        )
        return without + super().source(tmp_path)
