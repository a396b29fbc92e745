"""The store that tests use in the place of a server keeps the contract; its leases fall."""

from __future__ import annotations

from pathlib import Path

import pytest
from beautyspot_testing.store import ShortLeaseContract
from remote_store import RemoteStore, Server


class TestRemoteStore(ShortLeaseContract):
    @pytest.fixture(autouse=True)
    def _servers(self) -> None:
        self.servers: dict[Path, Server] = {}

    def make(self, tmp_path: Path) -> RemoteStore:
        if tmp_path not in self.servers:
            self.servers[tmp_path] = Server()
            self.servers[tmp_path].flush()  # of a store that nobody has opened yet
        return RemoteStore(self.servers[tmp_path], lease_time=0.2)
