"""Limiters in a server keep the contract of all limiters."""

from __future__ import annotations

import pytest
from servers import limiters, shared
from servers.shared import Shared


@pytest.mark.parametrize("kind", shared.LIMITERS)
class TestLimiter(limiters.Contract):
    @pytest.fixture(autouse=True)
    def _setting(self, server: Shared) -> None:
        self.setting = server.at()
