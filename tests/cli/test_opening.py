"""Which store a command opens, and what it says where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.mark.parametrize(
    "words",
    [
        [], ["-s", "."], ["-s", ".beautyspot/shop.db"], ["--store", ".beautyspot"],
        ["--name", "shop"], ["-s", "./.beautyspot", "--name", "shop"],
    ],
)  # fmt: skip
def test_ways_to_say_which_store(shop: Path, run: Run, words: list[str]) -> None:
    assert "shop:ask" in run(*words, "ls").stdout


def test_a_folder_below_has_the_store_of_the_one_above(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "src" / "inner").mkdir(parents=True)
    monkeypatch.chdir(shop / "src" / "inner")
    assert "shop:ask" in run("ls").stdout


def test_the_environment_says_which_store(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("BEAUTYSPOT_STORE", str(shop))
    assert "shop:ask" in run("ls").stdout
    assert "there is no file" in run("-s", "nowhere/x.db", "ls", status=2).stderr


BESIDE = {".db-shm", ".db-wal"}
"""What SQLite makes beside a database that it reads: an index in memory, and an empty log."""


@pytest.mark.parametrize("words", [["ls"], ["ls", "--rows", "--json"], ["stats"]])
def test_looking_changes_nothing(shop: Path, run: Run, words: list[str]) -> None:
    def content() -> dict[str, tuple[bytes, int]]:
        found = [path for path in shop.rglob("*") if path.is_file() and path.suffix not in BESIDE]
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}

    before = content()
    run(*words)
    assert content() == before
    assert [path.stat().st_size for path in shop.rglob("*.db-wal")] in ([], [0])
