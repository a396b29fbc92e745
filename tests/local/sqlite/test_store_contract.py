"""The SQLite store keeps the contract, with both kinds of leases."""

from __future__ import annotations

from pathlib import Path

import pytest
from beautyspot_local import SqliteMetadataStore
from beautyspot_local.sqlite import leases
from beautyspot_testing.store import MetadataStoreContract


class TestSqliteMetadataStore(MetadataStoreContract):
    def make(self, tmp_path: Path) -> SqliteMetadataStore:
        return SqliteMetadataStore(tmp_path / "cache" / "store.db")


class TestWithLockFiles(TestSqliteMetadataStore):
    """As on a system without open-file-description locks."""

    @pytest.fixture(autouse=True)
    def without_ranges(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(leases.fcntl, "F_OFD_SETLK", raising=False)
