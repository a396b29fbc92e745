"""Blobs of other stores, by the command line. That they are hits is tested with a bucket."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from click.testing import Result
from terminals import Terminal

Run = Callable[..., Result]


@pytest.fixture
def lost(shop: Path) -> str:
    """The ID of a store whose database is gone, with one blob; another has taken its place."""
    with bs.open_store(shop) as store:
        store_id = store.metadata.store_id
    for path in (shop / ".beautyspot").glob("shop.db*"):
        path.unlink()
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        assert spot.metadata.store_id != store_id
    return store_id


def blobs(shop: Path) -> int:
    return len([*shop.rglob("*.png")])


def test_strays_are_listed(lost: str, shop: Path, run: Run) -> None:
    done = run("strays")
    headings, line = done.stdout.splitlines()
    assert headings.split("\t") == ["ID", "BLOBS", "SIZE", "NEWEST", "ADOPTED BY"]
    assert line.split("\t")[:2] == [lost, "1"]
    assert "1 blobs, " in done.stderr
    assert run("strays", "--functions").stdout.splitlines()[1].split("\t")[1] == "(not known)"


def test_where_there_are_none_that_is_said(shop: Path, run: Run) -> None:
    done = run("strays")
    assert done.stdout == ""
    assert "no blobs of other stores" in done.stderr


def test_the_document(lost: str, shop: Path, run: Run) -> None:
    document = json.loads(run("strays", "--functions", "--json").stdout)
    [stray] = document["strays"]
    assert (stray["id"], stray["blobs"], document["adopted"]) == (lost, 1, None)
    assert [each["function"] for each in stray["functions"]] == [None]
    words = ("strays", "--remove", "--id", lost, "--force", "--yes", "--json")
    assert json.loads(run(*words).stdout)["removed"]["blobs"] == 1


def test_they_are_removed_by_their_id_alone(lost: str, shop: Path, run: Run) -> None:
    assert "by --id" in run("strays", "--remove", "--yes", status=2).stderr
    assert "two things" in run("strays", "--remove", "--adopt", status=2).stderr
    assert "no store has that ID" in run("strays", "--id", "0" * 16, status=2).stderr
    named = ("strays", "--remove", "--id", lost[:8])
    assert run(*named, "--dry-run").stdout.splitlines()[1].startswith(lost)
    assert "nothing was removed: nobody can be asked here" in run(*named, status=2).stderr
    assert "--force" in run(*named, "--yes", status=2).stderr
    assert blobs(shop) == 1
    assert "removed 1 blobs" in run(*named, "--yes", "--force").stderr
    assert blobs(shop) == 0


def test_of_what_nothing_is_known_nothing_is_adopted(lost: str, shop: Path, run: Run) -> None:
    for more, said in (("--dry-run", "would adopt 0 results"), ("--yes", "adopted 0 results")):
        done = run("strays", "--adopt", more, status=1)
        assert f"left alone, since it may be in use, with blobs younger than an hour: {lost}" in (
            done.stderr
        )
        assert f"give --id {lost}" in done.stderr
        assert said in done.stderr
    done = run("strays", "--adopt", "--id", lost, "--yes")
    assert "not adopted: 1 blobs of which the storage knows nothing" in done.stderr


def test_the_store_is_made_where_it_was_lost(shop: Path, run: Run) -> None:
    """By what is adopted, and not before."""
    with bs.open_store(shop) as store:
        lost = store.metadata.store_id
    for path in (shop / ".beautyspot").glob("shop.db*"):
        path.unlink()
    before = sorted(shop.rglob("*"))
    assert "If its database was lost, give the Spot's --name" in run("strays", status=2).stderr
    done = run("strays", "--name", "shop")
    assert done.stdout.splitlines()[1].split("\t")[:2] == [lost, "1"]
    assert "shop.db is not there" in done.stderr
    named = ("strays", "--name", "shop", "--id", lost)
    done = run("strays", "--name", "shop", "--adopt", "--dry-run", status=1)
    assert f"left alone, since it may be in use, with blobs younger than an hour: {lost}" in (
        done.stderr
    )
    done = run(*named, "--adopt", "--dry-run", "--json")
    assert json.loads(done.stdout)["adopted"] is None
    assert "there is no store" in run(*named, "--remove", "--yes", "--force", status=2).stderr
    assert sorted(shop.rglob("*")) == before
    assert json.loads(run(*named, "--adopt", "--yes", "--json").stdout)["adopted"]["untold"] == 1
    assert (shop / ".beautyspot" / "shop.db").exists()


def test_faults_are_said_and_make_the_status_one(
    lost: str, shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = bs.Fault("0a" * 16, "shop:draw", "it bears no signature", "signed")

    def adopt(*_: object, progress: Callable[[int], object], **__: object) -> bs.Adopted:
        progress(1)
        return bs.Adopted(2, 10, 1, 0, (fault,), ())

    monkeypatch.setattr(bs.Store, "adopt", adopt)
    done = run("strays", "--adopt", "--yes", status=1)
    assert f"not adopted: {fault.key}: it bears no signature" in done.stderr
    assert "not adopted: 1 blobs of results that are there as new, or newer" in done.stderr
    assert done.stderr.endswith("adopted 2 results, 10 B\n")
    document = json.loads(run("strays", "--adopt", "--yes", "--json", status=1).stdout)
    assert document["adopted"]["faults"][0]["kind"] == "signed"


def test_blobs_that_stay_are_told(
    lost: str, shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_strays(*_: object, **__: Any) -> bs.Collected:
        return bs.Collected(0, 0, 0, 1)

    monkeypatch.setattr(bs.Store, "remove_strays", remove_strays)
    done = run("strays", "--remove", "--id", lost, "--yes", status=1)
    assert "1 blobs could not be removed: try again" in done.stderr


def test_a_person_is_asked(lost: str, shop: Path) -> None:
    run = Terminal("strays", "--adopt", "--id", lost)
    run.wait_for("Adopt this? [y/N]")
    run.write("n\n")
    assert run.end() == 0
    assert "nothing was adopted" in run.text
