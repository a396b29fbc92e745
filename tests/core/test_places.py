"""Where a Spot lives: it writes in its folder and nowhere else, and runs without one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.spot import Spot
from kinds import RAN, result, work

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A working directory that can't be written: nobody's but root's, who becomes somebody."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    place = tmp_path / "nowhere"
    place.mkdir(mode=0o755)
    for folder in place.parents:
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    with Spot("first", directory=tmp_path / "first", config=False) as first:
        first.mark(save_blob=True)(work)(0)  # imports what another user may not read
    monkeypatch.chdir(place)
    os.seteuid(65534)
    yield place
    os.seteuid(0)


def test_a_working_directory_that_can_not_be_written(
    nowhere: Path, caplog: pytest.LogCaptureFixture
) -> None:
    RAN.clear()
    with Spot("app", config=False) as spot:
        marked, blob = spot.mark(work), spot.mark(name="b", save_blob=True)(work)
        assert [marked(1), marked(1), blob(2), blob(2)] == [result(1)] * 2 + [result(2)] * 2
        assert RAN == [1, 2], "while the program runs, results wait in memory"
        assert len(caplog.records) == 1
        assert "BEAUTYSPOT_DIRECTORY" in caplog.text
        os.seteuid(0)
    assert list(nowhere.iterdir()) == [nowhere / ".beautyspot"], "mended before the end: stored"


def test_files_are_made_in_the_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Spot("app", config=False, save="background") as spot:
        spot.mark(save_blob=True)(work)(1)
    assert [path.name for path in tmp_path.iterdir()] == [".beautyspot"]
    made = {path.name for path in (tmp_path / ".beautyspot").iterdir()}
    assert {".gitignore", "CACHEDIR.TAG", "app.db", "blobs"} <= made
    for path in (tmp_path / ".beautyspot").rglob("*"):
        mode = path.stat().st_mode & 0o777
        assert mode == (0o700 if path.is_dir() else 0o600) or path.name in (
            ".gitignore",
            "CACHEDIR.TAG",
        )


def test_a_later_change_of_the_working_directory_moves_nothing(
    make_spot: Callable[..., Spot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    spot = make_spot(directory="cache", storage="local", strict=True)
    monkeypatch.chdir(tmp_path / "b")
    marked = spot.mark(save_blob=True)(work)
    assert marked(1) == marked(1) == result(1)
    assert list((tmp_path / "b").iterdir()) == []
