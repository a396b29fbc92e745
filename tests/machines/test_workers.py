"""The same programs, whose workers meet in a server."""

from __future__ import annotations

import json
from pathlib import Path

import beautyspot as bs
import pytest
from servers.shared import Shared
from workspace.test_workers import ran


@pytest.fixture
def address(server: Shared, namespace: str) -> str:
    """A table, as the environment and a file of configuration have it."""
    options = server.at(namespace=namespace).items()
    return f"{{ {', '.join(f'{name} = {json.dumps(value)}' for name, value in options)} }}"


def words(page: str) -> int:
    return len(page.split())


@pytest.mark.slow
def test_processes_find_what_another_program_stored(
    server: Shared, namespace: str, address: str, tmp_path: Path
) -> None:
    store = server.at(namespace=namespace)
    with bs.Spot("work", directory=tmp_path / "one", metadata=store, config=False) as spot:
        marked = spot.mark(name="work:words")(words)
        assert [marked(page) for page in ("a b", "a b c", "a b c d")] == [2, 3, 4]
    assert ran(tmp_path / "two", "futures", BEAUTYSPOT_METADATA=address) == 0
    assert not (tmp_path / "two" / ".beautyspot").exists()


@pytest.mark.slow
@pytest.mark.parametrize("library", ["joblib", "dask", "ray"])
def test_libraries_share_a_server(address: str, tmp_path: Path, library: str) -> None:
    times = ran(tmp_path / "one", library, BEAUTYSPOT_METADATA=address)
    assert times == 3 or (library == "ray" and times < 3)  # whose log may lose its end
    assert ran(tmp_path / "two", "futures", BEAUTYSPOT_METADATA=address) == 0
