"""The same programs, whose workers meet in a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workspace.test_workers import ran

if TYPE_CHECKING:
    from pathlib import Path


def test_processes_of_two_folders_share_a_server(
    redis_url: str, namespace: str, tmp_path: Path
) -> None:
    url = f"{redis_url}?namespace={namespace}"
    assert ran(tmp_path / "one", "futures", BEAUTYSPOT_METADATA=url) == 3
    assert ran(tmp_path / "two", "futures", BEAUTYSPOT_METADATA=url) == 0
    assert not (tmp_path / "two" / ".beautyspot").exists()


@pytest.mark.slow
@pytest.mark.parametrize("library", ["joblib", "dask", "ray"])
def test_libraries_share_a_server(
    redis_url: str, namespace: str, tmp_path: Path, library: str
) -> None:
    url = f"{redis_url}?namespace={namespace}"
    assert ran(tmp_path / "one", library, BEAUTYSPOT_METADATA=url) == 3
    assert ran(tmp_path / "two", "futures", BEAUTYSPOT_METADATA=url) == 0
