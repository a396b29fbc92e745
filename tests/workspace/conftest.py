"""The wheels of the members, built once for all tests that install them."""

from __future__ import annotations

from pathlib import Path

import pytest
from workspace.environments import build_wheels
from workspace.sources import MEMBERS, ROOT


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of each distribution."""
    folder = tmp_path_factory.mktemp("dist")
    build_wheels(folder, ROOT, *MEMBERS.values())
    return folder
