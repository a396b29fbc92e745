"""`beautyspot ls`."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest
from cli.conftest import rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


def test_functions_with_what_they_hold_and_saved(shop: Path, run: Run) -> None:
    done = run("ls")
    by_name = {row["FUNCTION"]: row for row in rows(done)}
    assert set(by_name) == {"shop:ask", "shop:draw", "shop:fail", "shop:report"}
    ask = by_name["shop:ask"]
    assert (ask["ENTRIES"], ask["HITS"], ask["RUNS"]) == ("4", "1", "4")
    assert ask["MONEY SAVED"] == "0.19"
    assert "6 results" in done.stderr
    assert str(shop / ".beautyspot") in done.stderr


def test_results_are_a_line_each_and_newest_first(shop: Path, run: Run) -> None:
    found = rows(run("ls", "shop:ask", "--rows"))
    assert {row["FUNCTION"] for row in found} == {"shop:ask"}
    arguments = [row["ARGUMENTS"] for row in found]
    assert "large" in arguments[0]
    assert "good morning" in arguments[-1]
    code = json.loads(run("show", found[0]["KEY"], "--json").stdout)["code"]
    for given in (code, code.partition(":")[0], code[:8]):
        assert len(rows(run("ls", "shop:ask", "--code", given))) == 4


def test_results_as_json_are_a_document_on_each_line(shop: Path, run: Run) -> None:
    lines = [json.loads(line) for line in run("ls", "--rows", "--json").stdout.splitlines()]
    assert len(lines) == 6
    assert {line["schema"] for line in lines} == {1}
    assert set(lines[0]) == {
        "schema", "key", "function", "version", "arguments", "tags", "made", "used", "expires",
        "took", "price", "size", "content_type", "serializer", "code", "blob",
    }  # fmt: skip
    ask = next(line for line in lines if line["function"] == "shop:ask")
    assert (ask["version"], ask["tags"]) == ("1", ["llm"])


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (["shop:*"], 6),
        (["--function", "shop:ask", "--arguments", "EVENING"], 1),
        (["--tag", "llm"], 4),
        (["--version", "none"], 2),
        (["--newer", "1h"], 6),
        (["--older", "1h"], 0),
        (["--smaller", "1MB", "--limit", "3"], 3),
        (["--rows", "--limit", "0"], 6),
    ],
)
def test_filters(shop: Path, run: Run, words: list[str], number: int) -> None:
    done = run("ls", "-q", "--json", *words)
    assert len(done.stdout.splitlines()) == number
    assert done.stderr == ""


def test_a_name_is_a_pattern_only_with_a_wildcard(shop: Path, run: Run) -> None:
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        spot.mark(name="shop:make[int]")(lambda: 1)()
    for name in ("shop:make[int]", "make[int]", "shop:ma?e*"):
        assert len(rows(run("ls", name))) == 1
    assert "shop:make[int] " in run("stats", "make[int]").stdout


def test_what_finds_nothing_says_so(shop: Path, run: Run) -> None:
    assert "nothing in" in run("ls", "--older", "1h").stderr


@pytest.mark.parametrize(
    "order", ["largest", "smallest", "newest", "oldest", "name", "hits", "saved", "entries"]
)
def test_orders_of_functions(shop: Path, run: Run, order: str) -> None:
    names = [row["FUNCTION"] for row in rows(run("ls", "--sort", order))]
    assert sorted(names) == ["shop:ask", "shop:draw", "shop:fail", "shop:report"]
    first = {"name": "shop:ask", "hits": "shop:ask", "newest": "shop:report", "oldest": "shop:ask"}
    assert names[0] == first.get(order, names[0])


def test_a_hostile_name_is_no_command_to_a_terminal(shop: Path, run: Run) -> None:
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        spot.mark(name="\x1b]0;owned\x07[red]", tags=["\x9bm"])(lambda: 1)()
    for words in (["ls"], ["ls", "--rows"], ["ls", "--rows", "--json"]):
        shown = run(*words).stdout
        assert "[red]" in shown
        assert not re.search("\x1b]|\x07|\x9b", shown)


def test_numbers_that_are_none_end_no_command(shop: Path, run: Run) -> None:
    with closing(sqlite3.connect(shop / ".beautyspot" / "shop.db")) as database, database:
        database.execute("UPDATE tasks SET took = 9e999, price = 9e999, made_at = 9e999")
    run("ls", "shop:ask")
    row = rows(run("ls", "shop:ask", "--rows"))[0]
    assert row["PRICE"] == "Infinity"
    assert row.get("TOOK", "-") == "-"
    for words in (["ls", "--rows"], ["show", row["KEY"]]):
        done = run(*words, "--json").stdout.splitlines()[0]
        told = json.loads(done, parse_constant=pytest.fail)
        assert (told["took"], told["price"], told["made"]) == (None, None, None)


def test_that_there_is_more_is_said(shop: Path, run: Run) -> None:
    assert "these are the first 2: -n 0 shows all" in run("ls", "--rows", "-n", "2").stderr
    assert run("ls", "--rows").stderr == ""
    assert run("ls", "--older", "1h").stdout == ""


LOCKED = "shop:lock is not stored, because "


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["ls", "lock"], 0),
        (["ls", "shop:l*", "--older", "0"], 0),
        (["rm", "--function", "lock"], 0),
        (["rm", "--function", "lock", "--dry-run"], 0),
        (["prune", "--function", "lock"], 0),
        (["verify", "--function", "lock"], 0),
        (["copy", ".", "new/", "--function", "lock"], 0),
    ],
)
def test_of_a_function_that_can_not_be_stored_it_says_why(
    words: list[str], status: int, shop: Path, run: Run
) -> None:
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        spot.mark(name="shop:lock")(threading.Lock)()
        spot.mark(name="shop:other")(threading.Lock)()
    said = run(*words, status=status).stderr
    assert LOCKED in said
    assert "spot.register" in said
    assert "shop:other" not in said


def test_an_empty_store_holds_nothing(tmp_path: Path, run: Run) -> None:
    with bs.Spot("empty", directory=tmp_path / "e", config=False) as spot:
        spot.metadata.open()
    done = run("-s", str(tmp_path / "e"), "ls")
    assert done.stdout == ""
    assert done.stderr.startswith("0 results")
