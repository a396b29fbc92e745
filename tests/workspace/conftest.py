"""The wheels of the members, built once for all tests that install them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workspace.environments import build
from workspace.sources import MEMBERS, ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive and the wheel of each distribution."""
    folder = tmp_path_factory.mktemp("dist")
    for source in (ROOT, *MEMBERS.values()):
        build(folder, source)
    return folder
