"""Bad input of every command: a clear line, status 2, nothing on stdout, and nothing is lost."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from beautyspot_cli.program import beautyspot
from click.testing import Result

Run = Callable[..., Result]

LOOKING = ["ls", "show", "stats", "why", "verify", "doctor"]
CHANGING = ["rm", "prune", "collect", "copy"]
OPENING = [*LOOKING, *CHANGING]

NEEDED = {"show": ["0" * 32], "why": ["0" * 32], "rm": ["--function", "*", "--yes"],
          "prune": ["--yes"], "collect": ["--yes"]}  # fmt: skip
"""What a command takes beside a store, to be right."""


def content(folder: Path) -> dict[str, bytes]:
    """Every file that is not SQLite's own aid to reading."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal", ".lock"))
    }


def at(command: str, place: str) -> list[str]:
    """A command line that is right but for the place of its store."""
    if command == "copy":
        return ["copy", place, "new/other.db"]
    return ["-s", place, command, *NEEDED.get(command, [])]


def refused(run: Run, folder: Path, words: list[str], status: int = 2) -> str:
    """What is said about a command line, which has to be refused and to change nothing."""
    before = content(folder)
    done = run(*words, status=status)
    assert done.stdout == "", words
    assert "Traceback" not in done.stderr
    assert done.stderr.strip(), words
    assert content(folder) == before, words
    return done.stderr


@pytest.mark.parametrize("command", beautyspot.commands)
def test_an_option_that_there_is_not(command: str, shop: Path, run: Run) -> None:
    if command == "ui":  # whose options are the dashboard's
        refused(run, shop, [command, "--wrong"])
        return
    said = refused(run, shop, [command, "--wrong"])
    assert "No such option" in said


def each(commands: list[str], cells: list[Any]) -> list[Any]:
    """Every cell with the first command, which opens as all do; the first cell with the others."""
    first, *others = commands
    return [*((first, *cell) for cell in cells), *((name, *cells[0]) for name in others)]


PLACES = [
    ("nowhere/x.db", "there is no file"),
    ("empty/", "there is no store in"),
    ("nowhere://host/x", "nowhere"),
    ("sqlite://x.db", "three slashes"),
]


@pytest.mark.parametrize(
    ("command", "place", "said"),
    [*each(OPENING, PLACES), ("doctor", *PLACES[2]), *(("copy", *place) for place in PLACES[1:])],
)
def test_a_store_that_is_not_there(
    command: str, place: str, said: str, shop: Path, run: Run
) -> None:
    (shop / "empty").mkdir()
    if (command, place) == ("doctor", "nowhere://host/x"):  # which finds what is to be installed
        assert said in run("-s", place, command, status=1).stdout
        return
    assert said in refused(run, shop, at(command, place))


def make_text(path: Path) -> None:
    path.write_text("these are no results, but notes\n" * 200)


def make_bytes(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def make_other(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tasks (id INTEGER, title TEXT)")
        connection.commit()


@pytest.mark.parametrize(
    ("command", "make"),
    each(
        [name for name in OPENING if name != "doctor"],
        [(make_text,), (make_bytes,), (make_other,)],
    ),
)
def test_a_file_that_is_no_store(
    command: str, make: Callable[[Path], None], shop: Path, run: Run
) -> None:
    make(shop / "other.db")
    assert "other.db" in refused(run, shop, at(command, "./other.db"))


@pytest.mark.parametrize("command", OPENING)
def test_a_folder_with_several_stores(command: str, shop: Path, run: Run) -> None:
    (shop / ".beautyspot" / "other.db").write_bytes((shop / ".beautyspot" / "shop.db").read_bytes())
    words = at(command, ".")
    if command == "doctor":  # which examines them all
        run(*words)
    else:
        assert "--name 'other' or --name 'shop'" in refused(run, shop, words)


FILTERS = [
    ("--older", "soon", "--older 'soon'"),
    ("--unused", "7", "7 of what? give 7d"),
    ("--newer", "2026-13-45", "--newer '2026-13-45'"),
    ("--larger", "big", "--larger 'big'"),
    ("--function", "", "--function ''"),
    ("--version", "auto", "names no version"),
    ("--version", "", "for results without a version give none"),
    ("--code", "xyz", "--code 'xyz': give hex digits"),
]


@pytest.mark.parametrize(
    ("command", "option", "value", "said"), each(["rm", "ls", "verify", "copy"], FILTERS)
)
def test_a_filter_that_means_nothing(
    command: str, option: str, value: str, said: str, shop: Path, run: Run
) -> None:
    words = ["copy", ".", "new/other.db"] if command == "copy" else [command]
    assert said in refused(run, shop, [*words, option, value])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prune", "--max-entries", "-1", "--yes"], "'--max-entries': -1 is not in the range x>=0"),
        (["prune", "--max-size", "much", "--yes"], "--max-size 'much': give a number of bytes"),
        (["prune", "--older", "soon", "--yes"], "'soon': give a number of seconds"),
        (["prune", "--version", "", "--yes"], "give none"),
        (["collect", "--grace", "soon", "--yes"], "'soon'"),
        (["collect", "--grace", "7", "--yes"], "--grace 7 of what? give 7d, 7h or 7s"),
        (["stats", "--by", "year"], "'year' is not one of"),
        (["rm", "0" * 32, "--function", "*"], "give KEYs or filters, not both"),
        (["rm", "--yes"], "say what to remove: KEYs, or a filter"),
        (["rm", "zz", "--yes"], "'zz' is no key"),
        (["rm", "12", "--yes"], "give 6 hex digits or more"),
        (["show"], "Missing argument"),
        (["copy"], "say where to"),
        (["copy", ".", "."], "is this store itself"),
        (["--profile", "prod", "config"], "the profile 'prod'"),
        (["--config", "none.toml", "config"], "is no file"),
        (["completion", "tcsh"], "'tcsh' is not one of"),
        (["--name", "../x", "ls"], "can't be the name of a Spot"),
        (["ls", "--store", "."], "--store stands before the command: beautyspot --store ... ls"),
        (["--quiet", "ls"], "--quiet stands behind the command: beautyspot ls --quiet"),
        (["--older", "7d", "rm"], "--older stands behind the command: beautyspot rm --older"),
        (["--json"], "--json stands behind the command: beautyspot COMMAND --json"),
        (["--quit", "ls"], "No such option '--quit'"),
        (["show", "ask"], "'beautyspot ls' lists the keys"),
        (["ls", "a", "b"], "unexpected extra argument"),
        (["ls", "a", "--function", "b"], "give one of 'a' and --function, not both"),
        (["ls", "--sort", "hits", "--rows"], "--sort hits is no order here; there are: newest"),
        (["explain"], "No such command 'explain'"),
    ],
)
def test_a_word_or_a_value_that_is_wrong(words: list[str], said: str, shop: Path, run: Run) -> None:
    assert said in refused(run, shop, words)


@pytest.mark.parametrize(
    "words",
    [
        ["ls", "aks"],
        ["why", "aks"],
        ["stats", "aks"],
        ["rm", "--function", "shop:aks", "--yes"],
        ["prune", "--function", "aks", "--older", "0", "--yes"],
        ["verify", "--function", "aks"],
        ["copy", ".", "new/", "--function", "aks"],
    ],
)
def test_a_function_that_there_is_not(words: list[str], shop: Path, run: Run) -> None:
    said = refused(run, shop, words, status=1)
    assert "ask'?" in said
    assert "Name one of these, or run the function first" in said


@pytest.mark.parametrize("command", ["show", "why", "rm"])
def test_a_key_that_there_is_not(command: str, shop: Path, run: Run) -> None:
    words = [command, "f" * 32, *(["--yes"] if command == "rm" else [])]
    assert "f" * 32 in refused(run, shop, words, status=1)


def test_of_several_keys_of_which_one_is_wrong_none_is_removed(shop: Path, run: Run) -> None:
    good = json.loads(run("ls", "--rows", "--json", "-n", "1").stdout)["key"]
    refused(run, shop, ["rm", good, "f" * 32, "--yes"], status=1)


@pytest.mark.parametrize("command", ["ls", "verify", "rm", "prune", "copy"])
def test_a_filter_that_is_repeated(command: str, shop: Path, run: Run) -> None:
    words = [*at(command, ".beautyspot"), "--function", "shop:ask", "--function", "shop:draw"]
    said = refused(run, shop, words)
    assert "'--function': it takes one value: give a pattern that matches all of them" in said
