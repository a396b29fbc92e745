"""Files that are damaged or no database."""

from __future__ import annotations

import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def cut_short(shop: Path) -> Path:
    """A database in the folder `odd`, of which the end is missing."""
    database = shop / "odd" / "app.db"
    with bs.Spot("app", directory=database.parent, config=False) as spot:
        list(spot.map(spot.mark(name="shop:long")(str.upper), [f"{n:01000}" for n in range(90)]))
    database.write_bytes(database.read_bytes()[:24_576])
    return database


def test_a_database_that_was_cut_short_is_a_fault(cut_short: Path, run: Run) -> None:
    before = cut_short.read_bytes()
    fault, total = map(
        json.loads, run("-s", "odd", "verify", "--json", status=1).stdout.splitlines()
    )
    assert fault["kind"] == "database"
    assert "beautyspot copy" in fault["problem"]
    assert (total["verified"], total["faults"]) == (0, 1)
    assert "copy what can be read" in run("-s", "odd", "doctor", status=1).stdout
    assert cut_short.read_bytes() == before


def test_what_was_set_aside_is_rescued_by_the_command_that_is_named(
    shop: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shop / "a folder"
    database = folder / "app.db"

    def use() -> int:
        """How many results there are after a call."""
        with bs.Spot("app", directory=folder, config=False) as spot:
            spot.mark(name="shop:long")(str.upper)("last")
            spot.stats()  # which reads all pages
        with bs.open_store(database) as store:
            return store.total().entries

    with bs.Spot("app", directory=folder, config=False) as spot:
        list(spot.map(spot.mark(name="shop:long")(str.upper), [f"{n:01000}" for n in range(200)]))
    whole = database.read_bytes()
    middle = len(whole) // 2 // 4096 * 4096
    database.write_bytes(whole[:middle] + bytes(4096) + whole[middle + 4096 :])
    use()
    assert use() == 1
    [told] = [text for text in caplog.messages if "renamed" in text]
    command = told.rpartition(": ")[2]
    lines = run("-s", str(database), "doctor", status=1).stdout.splitlines()
    assert [line.startswith("problem") for line in lines if command in line] == [True]
    run(*shlex.split(command)[1:])
    assert use() > 180
    Path(shlex.split(command)[2]).unlink()
    assert "damaged" not in run("-s", str(database), "doctor").stdout


def test_results_are_rescued_where_the_page_of_the_id_is_damaged(shop: Path, run: Run) -> None:
    database = shop / "odd" / "app.db"
    with bs.Spot("app", directory=database.parent, config=False) as spot:
        list(spot.map(spot.mark(name="shop:long")(str.upper), [f"{n:01000}" for n in range(9)]))
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'beautyspot_meta'"
        ((page,),) = connection.execute(query)
    whole = database.read_bytes()
    at = (page - 1) * 4096
    database.write_bytes(whole[:at] + b"\xa5" * 4096 + whole[at + 4096 :])
    assert "9 results" in run("-s", str(database), "ls").stderr
    run("copy", str(database), "fresh.db")
    assert "9 results" in run("-s", "fresh.db", "ls").stderr


@pytest.mark.usefixtures("cut_short")
def test_a_removal_that_could_not_read_all_says_so(run: Run) -> None:
    done = run("-s", "odd", "rm", "--function", "*", "--yes", status=1)
    assert "is to be removed" in done.stderr
