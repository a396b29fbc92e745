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


def test_a_fault_is_a_line_and_makes_the_status_one(damaged: Path, run: Run) -> None:
    [line] = run("verify", status=1).stdout.splitlines()
    kind, key, function, _ = line.split("  ")
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


# ------------------------------------------------------------------------------------------- copy


@pytest.mark.parametrize("target", ["new/other.db", "new"])
def test_copy_makes_the_target_and_completes_it(target: str, shop: Path, run: Run) -> None:
    done = run("copy", ".", target, "--function", "shop:ask")
    assert "copied 4 results" in done.stderr
    assert "unless the function's annotation, or spot.register, names the class" in done.stderr
    place = shop / "new" / ("other.db" if "db" in target else "shop.db")
    assert len(rows(place)) == 4
    counted = json.loads(run("copy", ".", target, "--json").stdout)
    assert (counted["entries"], counted["present"], counted["faults"]) == (
        len(rows(shop)) - 4, 4, [],
    )  # fmt: skip
    assert rows(place) == rows(shop)
    run("-s", str(place), "verify")


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


PROFILES = """
[profiles.here]
directory = ".beautyspot"

[profiles.team]
db_path = "team/all.db"
directory = "team"
signing_key = "a-signing-key-0123456789"

[profiles.backup]
directory = "backup"
"""


@pytest.fixture
def profiles(shop: Path) -> Path:
    """The folder with a store, and a configuration with profiles of three."""
    (shop / "beautyspot.toml").write_text(PROFILES)
    return shop


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["--profile", "here", "copy", "new/other.db"], "new/other.db"),
        (["--profile", "here", "copy", "--target-profile", "backup"], "backup/shop.db"),
        (["copy", ".", "--target-profile", "backup", "--target-name", "shop2"], "backup/shop2.db"),
        (["copy", "--target-profile", "backup"], "backup/shop.db"),
        (["--config", "beautyspot.toml", "copy", "new"], "new/shop.db"),
        (["-s", ".beautyspot", "copy", "new"], "new/shop.db"),
        (["copy", "sqlite:///.beautyspot/shop.db", "sqlite:///new/other.db"], "new/other.db"),
    ],
)
def test_either_end_is_a_place_or_a_profile(
    words: list[str], place: str, profiles: Path, run: Run
) -> None:
    run(*words)
    assert rows(profiles / place) == rows(profiles)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["copy"], "say where to"),
        (["copy", "a", "b", "c"], "say where to"),
        (["copy", "a", "b", "--target-profile", "backup"], "say where to"),
        (["--profile", "nowhere", "copy", "new"], "nowhere"),
    ],
)
def test_ends_that_are_not_clear_are_refused(
    words: list[str], said: str, profiles: Path, run: Run
) -> None:
    def files() -> list[Path]:
        """Less what SQLite makes beside a database that it reads."""
        return sorted(path for path in profiles.rglob("*") if "-" not in path.suffix)

    before = files()
    assert said in run(*words, status=2).stderr
    assert files() == before


def test_what_nobody_signed_is_signed_by_who_vouches_for_it(profiles: Path, run: Run) -> None:
    words = ("--profile", "here", "copy", "--target-profile", "team")
    done = run(*words, status=1)
    assert "vouch=True, --vouch" in done.stderr
    assert "copied 0 results" in done.stderr
    run(*words, "--vouch")
    assert len(rows(profiles / "team" / "all.db")) == len(rows(profiles))
    run("--profile", "team", "verify")
    # back, where nobody signs: the signatures stay
    run("--profile", "team", "copy", "--target-profile", "backup", "--target-name", "shop")
    with bs.open_store(profiles / "backup") as store:
        assert all(row.is_signed for row in store.rows())


def test_a_url_tells_no_name_for_the_target(profiles: Path, run: Run) -> None:
    assert "there is no store in" in run("copy", "memory://", "new", status=2).stderr
    run("copy", "memory://", "new", "--target-name", "shop")
    assert rows(profiles / "new" / "shop.db") == {}


def test_a_folder_that_is_handed_over_is_replayed_by_the_same_program(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("copy", ".beautyspot", "handover")
    (shop / ".beautyspot").rename(shop / "at-home")
    monkeypatch.setenv("BEAUTYSPOT_DIRECTORY", "handover")
    monkeypatch.setenv("BEAUTYSPOT_MODE", "replay")

    with bs.Spot("shop", config=False) as spot:
        draw = spot.mark(
            lambda size: bytes(size), name="shop:draw", content_type="image/png", save_blob=True
        )
        with pytest.raises(bs.CacheMissError):
            draw(1)
        ask = spot.mark(_ask, name="shop:ask", version=1)
        assert ask("good morning") == "small: good morning"


def _ask(prompt: str, model: str = "small") -> str:
    raise AssertionError("nothing should run")


def test_of_a_sound_store_verify_says_how_much_it_read(shop: Path, run: Run) -> None:
    done = run("verify")
    assert done.stdout == ""
    assert f"verified {len(rows(shop))} results" in done.stderr
    assert ": no faults" in done.stderr
