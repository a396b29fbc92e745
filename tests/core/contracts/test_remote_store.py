"""The leases of the store that tests use in the place of a server: they fall as a server's do."""

from __future__ import annotations

import pytest
from beautyspot_testing.metadata_falling import FallingContract
from remote_store import RemoteStore, Server


class TestRemoteStore(FallingContract):
    shared_between_processes = False

    @pytest.fixture(autouse=True)
    def _server(self):
        self.server = Server()

    def make(self, tmp_path):
        return RemoteStore(self.server, tells=True)

    def make_brief(self, tmp_path):
        return RemoteStore(self.server, lease_time=0.5)

    def lapse(self, store):
        self.server.clock.now += store.lease_time / 5


class TestWhereItCantTell(TestRemoteStore):
    def make(self, tmp_path):
        return RemoteStore(self.server)
