"""The same programs, whose workers meet in a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import beautyspot as bs
import pytest
from workspace.test_workers import ran

if TYPE_CHECKING:
    from pathlib import Path


def words(page: str) -> int:
    return len(page.split())


def test_processes_find_what_another_program_stored(url: str, tmp_path: Path) -> None:
    with bs.Spot("work", directory=tmp_path / "one", metadata=url, config=False) as spot:
        marked = spot.mark(name="work:words")(words)
        assert [marked(page) for page in ("a b", "a b c", "a b c d")] == [2, 3, 4]
    assert ran(tmp_path / "two", "futures", BEAUTYSPOT_METADATA=url) == 0
    assert not (tmp_path / "two" / ".beautyspot").exists()


@pytest.mark.slow
@pytest.mark.parametrize("library", ["joblib", "dask", "ray"])
def test_libraries_share_a_server(url: str, tmp_path: Path, library: str) -> None:
    times = ran(tmp_path / "one", library, BEAUTYSPOT_METADATA=url)
    assert times == 3 or (library == "ray" and times < 3)  # whose log may lose its end
    assert ran(tmp_path / "two", "futures", BEAUTYSPOT_METADATA=url) == 0
