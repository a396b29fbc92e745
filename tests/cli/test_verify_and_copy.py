"""Verifying and copying by the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import beautyspot as bs
import pytest
from click.testing import Result
from terminals import Terminal

Run = Callable[..., Result]


def rows(place: Path) -> dict[str, str | None]:
    """The arguments of each key."""
    with bs.open_store(place) as store:
        return {record.cache_key: record.arguments for record in store.rows()}


@pytest.fixture
def damaged(shop: Path) -> Path:
    """The folder with the store, whose one picture has a wrong byte."""
    [picture] = shop.rglob("*.png")
    picture.write_bytes(picture.read_bytes()[:-1] + b"?")
    return shop


def test_of_a_sound_store_verify_says_how_much_it_read(shop: Path, run: Run) -> None:
    done = run("verify")
    assert done.stdout == ""
    assert f"verified {len(rows(shop))} results" in done.stderr
    assert ": no faults" in done.stderr


def test_a_fault_is_a_line_and_makes_the_status_one(damaged: Path, run: Run) -> None:
    [line] = run("verify", status=1).stdout.splitlines()
    kind, key, function, _ = line.split("\t")
    assert (kind, function) == ("damaged", "shop:draw")
    first, last = run("verify", "--json", status=1).stdout.splitlines()
    document, total = json.loads(first), json.loads(last)
    assert (total["verified"], total["faults"]) == (len(rows(damaged)), 1)
    assert (document["schema"], document["kind"], document["key"]) == (1, "damaged", key)
    run("verify", "--function", "shop:ask")


def test_on_a_terminal_a_line_shows_how_far_it_is(damaged: Path) -> None:
    terminal = Terminal("verify")
    assert terminal.end() == 1
    assert "damaged" in terminal.text
    assert "1 fault" in terminal.text


def test_what_is_found_stands_above_the_line(
    damaged: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a terminal, without one."""
    monkeypatch.setattr("beautyspot_cli.progress.is_shown", lambda _: True)
    done = run("verify", status=1)
    assert done.stdout.startswith("damaged\t")


# ------------------------------------------------------------------------------------------- copy


@pytest.mark.parametrize("target", ["new/other.db", "new"])
def test_copy_makes_the_target_and_completes_it(target: str, shop: Path, run: Run) -> None:
    done = run("copy", ".", target, "--function", "shop:ask")
    assert "copied 4 results" in done.stderr
    place = shop / "new" / ("other.db" if "db" in target else "shop.db")
    assert len(rows(place)) == 4
    counted = json.loads(run("copy", ".", target, "--json").stdout)
    assert (counted["entries"], counted["present"], counted["faults"]) == (
        len(rows(shop)) - 4, 4, [],
    )  # fmt: skip
    assert rows(place) == rows(shop)
    run("verify", str(place))


def test_arguments_are_left_out_where_one_says_so(shop: Path, run: Run) -> None:
    run("copy", ".", "new/other.db", "--no-arguments")
    assert set(rows(shop / "new" / "other.db").values()) == {None}


def test_what_is_damaged_is_not_copied_and_said(damaged: Path, run: Run) -> None:
    done = run("copy", ".", "new/other.db", status=1)
    assert "1 could not be copied" in done.stderr
    assert "of shop:draw: " in done.stderr
    assert len(rows(damaged / "new" / "other.db")) == len(rows(damaged)) - 1


@pytest.mark.parametrize(
    ("target", "said"), [(".beautyspot/shop.db", "is this store itself"), ("notes.db", "notes.db")]
)
def test_neither_the_store_itself_nor_another_file_is_a_target(
    target: str, said: str, shop: Path, run: Run
) -> None:
    (shop / "notes.db").write_text("these are no results\n" * 100)
    before = rows(shop)
    assert said in run("copy", ".", target, status=2).stderr
    assert rows(shop) == before
    assert (shop / "notes.db").read_text() == "these are no results\n" * 100


def test_a_source_that_can_t_be_read_to_its_end_is_said(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = bs.Fault("", "", "the store can't be read any further: damaged", "database")
    monkeypatch.setattr(bs.Store, "copy_to", lambda *_, **__: bs.Copied(2, 10, 0, (lost,), 0))
    done = run("copy", ".", "new/other.db", status=1)
    assert "not all was copied: the store can't be read any further: damaged" in done.stderr


def test_an_interrupt_says_how_far_the_copy_came(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, progress: Callable[[int, int], object], **__: object) -> None:
        progress(2, 6)
        raise KeyboardInterrupt

    monkeypatch.setattr(bs.Store, "copy_to", interrupted)
    done = run("copy", ".", "new/other.db", status=130)
    assert "interrupted at result 2 of 6: do it again" in done.stderr
