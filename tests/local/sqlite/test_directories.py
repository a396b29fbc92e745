"""Where a Spot lives: it writes in its folder and nowhere else, and runs without one."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beautyspot.spot import Spot
from beautyspot_local.folders import make_private
from beautyspot_local.sqlite.leases import FileLeases
from kinds import result, work


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


@pytest.mark.parametrize("umask", ["000", "277", "575", "777"])
def test_all_is_private_and_usable_under_any_umask(tmp_path: Path, umask: str) -> None:
    pytest.importorskip("fcntl")
    home = tmp_path / "deep" / "er"
    limiter = {"use": "gcra-shared", "rate": "1000/s", "path": tmp_path / "own" / "limit"}
    before = os.umask(int(umask, 8))
    try:
        spot = Spot("app", directory=home, limiter=limiter, strict=True, config=False)
        leases = FileLeases(tmp_path / "locks")
        assert leases.take(["0" * 32], "1" * 32)
        marked = spot.mark(save_blob=True)(spot.limiter(cost=1)(work))
        assert marked(1) == marked(1) == result(1)
        made = {path: path.stat().st_mode for path in tmp_path.rglob("*")}
        spot.shutdown()
    finally:
        os.umask(before)
    leases.end()
    assert set(made.values()) == {stat.S_IFDIR | 0o700, stat.S_IFREG | 0o600}
    marks = {home / name for name in MARKS}
    assert made.keys() > marks | {home / "app.db", home / "app.db-wal", tmp_path / "own/limit"}


# ------------------------------------------------- a folder that is made later, or again

MARKS = {".gitignore", "CACHEDIR.TAG"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o070)
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o070
    folder.chmod(0o700)


@pytest.mark.parametrize("blob", [False, True])
def test_a_folder_that_was_removed_is_made_again_with_its_marks(
    make_spot: Callable[..., Spot], tmp_path: Path, *, blob: bool
) -> None:
    spot = make_spot(save="sync")
    marked = spot.mark(save_blob=blob)(work)
    for x in range(3):
        assert marked(x) == result(x)
        assert names(tmp_path / "cache") >= MARKS | {"app.db"}
        assert (tmp_path / "cache" / ".gitignore").read_text().endswith("*\n")
        shutil.rmtree(tmp_path / "cache")


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"metadata": "sqlite:///{0}/taken"}, "taken"),
        ({"db_path": "{0}/taken"}, "taken"),
        ({"directory": "{0}"}, "app.db"),
    ],
)
def test_a_place_that_can_t_be_used_is_named_and_what_chooses_it(
    tmp_path: Path, options: dict[str, str], place: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / place).mkdir()
    spot = Spot("app", **{name: text.format(tmp_path) for name, text in options.items()})  # type: ignore[arg-type]
    assert spot.mark(work)(1) == result(1)
    [record] = caplog.records
    assert f"a directory stands at {tmp_path / place}" in record.getMessage()
    assert record.getMessage().endswith(
        "there is room; give directory=, db_path= or metadata= to choose another place"
    )
    assert "app.db" not in record.getMessage().replace(f"{tmp_path}/{place}", "")
    spot.shutdown()
