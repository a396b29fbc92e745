"""Removing by the command line: what is shown is what goes, after a question or `--yes`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from click.testing import Result
from terminals import Terminal

Run = Callable[..., Result]


def keys(shop: Path, **where: Any) -> set[str]:
    """What is stored."""
    with bs.open_store(shop) as store:
        return {record.cache_key for record in store.rows(**where)}


def test_rm_removes_what_the_filters_choose_and_nothing_else(shop: Path, run: Run) -> None:
    others = keys(shop) - keys(shop, function="shop:ask")
    done = run("rm", "--function", "shop:ask", "--yes")
    assert done.stdout == ""
    assert "removed 4 results" in done.stderr
    assert keys(shop) == others


def test_rm_takes_keys_and_their_beginnings(shop: Path, run: Run) -> None:
    first, second, *rest = sorted(keys(shop))
    run("rm", first, second[:8], second, "--yes")
    assert keys(shop) == set(rest)


def test_a_blob_goes_with_its_result(shop: Path, run: Run) -> None:
    assert list(shop.rglob("*.png"))
    run("rm", "--function", "shop:draw", "-y")
    assert not list(shop.rglob("*.png"))


@pytest.mark.parametrize("words", [["rm", "--function", "*"], ["prune", "--max-size", "0"]])
def test_a_dry_run_shows_the_same_and_removes_nothing(
    words: list[str], shop: Path, run: Run
) -> None:
    before = keys(shop)
    shown = json.loads(run(*words, "--dry-run", "--json").stdout)
    assert (shown["entries"], shown["removed"]) == (len(before), None)
    assert set(shown["keys"]) == before
    listed = run(*words, "--dry-run").stdout
    assert all(f"\n{key[:12]} " in listed for key in before)
    assert {each["function"] for each in shown["functions"]} >= {"shop:ask", "shop:draw"}
    assert keys(shop) == before
    removed = json.loads(run(*words, "--yes", "--json").stdout)
    assert removed["removed"] == {"entries": len(before), "size": shown["size"], "kept": 0}
    assert keys(shop) == set()
    nothing = json.loads(run(*words, "--yes", "--json").stdout)
    assert nothing["removed"] == {"entries": 0, "size": 0, "kept": 0}


@pytest.mark.parametrize("words", [["rm", "--function", "*"], ["prune", "--older", "0"]])
def test_where_nobody_can_be_asked_nothing_goes_without_yes(
    words: list[str], shop: Path, run: Run
) -> None:
    before = keys(shop)
    done = run(*words, status=2)
    assert "nothing was removed: nobody can be asked here. Give --yes" in done.stderr
    assert keys(shop) == before


def test_prune_removes_what_has_expired_and_no_more(shop: Path, run: Run) -> None:
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        spot.mark(name="shop:short", ttl=0)(lambda: 1)()
    assert " shop:short " in run("prune", "--keep-expired", "--older", "0", "--dry-run").stdout
    assert "is to be removed" in run("prune", "--keep-expired").stderr
    assert "removed 1 results" in run("prune", "--yes").stderr
    assert keys(shop, function="shop:short") == set()
    assert keys(shop, function="shop:ask")


def test_prune_bounds_the_size_of_one_function(shop: Path, run: Run) -> None:
    others = keys(shop) - keys(shop, function="shop:ask")
    run("prune", "--function", "shop:ask", "--max-size", "0", "--yes")
    assert keys(shop) == others
    run("prune", "--max-entries", "1", "--keep-expired", "--yes")
    assert len(keys(shop)) == 1


@pytest.mark.parametrize(
    "words",
    [["rm", "--larger", "1GB"], ["prune"], ["prune", "--max-size", "1GB"]],
)
@pytest.mark.parametrize("more", [["--dry-run"], ["--yes"], []])
@pytest.mark.usefixtures("shop")
def test_where_nothing_matches_it_says_so_and_no_more(
    words: list[str], more: list[str], run: Run
) -> None:
    done = run(*words, *more)
    assert done.stdout == ""
    assert re.fullmatch(r"nothing in \S+shop.db is to be removed\n", done.stderr)


# --------------------------------------------------------------------------------------- collect


@pytest.fixture
def orphan(shop: Path) -> Path:
    """A blob that no row names, of an hour ago and more."""
    with bs.open_store(shop) as store:
        folder = shop / ".beautyspot" / "blobs" / store.metadata.store_id
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{'0' * 32}-00000000.bin"
    path.write_bytes(b"of a killed process")
    os.utime(path, (0, 0))
    return path


def test_collect_removes_blobs_of_no_result(orphan: Path, run: Run) -> None:
    dry = run("collect", "--dry-run", "--json")
    assert json.loads(dry.stdout)["blobs"] == 1
    assert "nobody can be asked" in run("collect", status=2).stderr
    assert orphan.exists()
    done = run("collect", "--yes", "--grace", "30min")
    assert "1 blobs, 19 B, belong to no result" in done.stderr
    assert "removed 1 blobs" in done.stderr
    assert not orphan.exists()
    assert "0 blobs" in run("collect", "--grace", "1800s").stderr


def test_collect_removes_another_store_that_is_named(orphan: Path, run: Run) -> None:
    other = orphan.parents[1] / "abcdef0123456789" / orphan.name
    other.parent.mkdir(parents=True)
    orphan.rename(other)
    assert "0 blobs" in run("collect", "--yes").stderr
    words = ("collect", "--store-id", "abcdef0123456789")
    assert json.loads(run(*words, "--dry-run", "--json").stdout)["blobs"] == 1
    assert "nobody can be asked" in run(*words, status=2).stderr
    assert other.exists()
    done = run(*words, "--yes")
    assert "1 blobs, 19 B, are of the store abcdef0123456789" in done.stderr
    assert "removed 1 blobs" in done.stderr
    assert not other.exists()
    assert "give an ID as `beautyspot doctor` lists it" in run(*words, "--yes", status=2).stderr


# ------------------------------------------------------------------------- output that is not read


def test_a_pipe_that_closes_does_not_stop_a_removal(shop: Path) -> None:
    script = '"$0" -m beautyspot rm --function "*" --yes 2>&1 | true; exit "${PIPESTATUS[0]}"'
    done = subprocess.run(["bash", "-c", script, sys.executable], capture_output=True)
    assert (done.returncode, keys(shop)) == (0, set())


# ----------------------------------------------------------------------------------- a terminal


def test_a_person_is_asked_and_what_comes_meanwhile_stays(shop: Path) -> None:
    run = Terminal("rm", "--function", "shop:ask")
    run.wait_for("Remove this? [y/N]")
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        late = spot.mark(name="shop:ask", version=1)(lambda prompt: prompt)
        late("late")
    run.write("y\n")
    assert run.end() == 0
    assert "removed 4 results" in run.text
    assert len(keys(shop, function="shop:ask")) == 1
