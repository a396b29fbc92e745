"""`beautyspot show`."""

from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def key_of(shop: Path) -> Callable[..., str]:
    """The key of the newest result that some filters leave."""

    def key_of(**where: str) -> str:
        with bs.open_store(shop) as store:
            return next(store.rows("newest", **where)).cache_key  # type: ignore[arg-type]

    return key_of


def test_a_result_with_all_that_is_known_of_it(run: Run, key_of: Callable[..., str]) -> None:
    key = key_of(function="shop:ask")
    shown = run("show", key[:8]).stdout
    lines = shown.partition("\n\n")[0].splitlines()
    told = dict(line.split(maxsplit=1) for line in lines)
    assert told["function"] == "shop:ask"
    assert told["key"] == key
    assert told["version"] == "1"
    assert told["tags"] == "llm"
    assert told["price"] == "0.19"
    assert "good morning" in told["arguments"]
    assert "ago)" in told["made"]
    assert {"took", "size", "code", "stored"} <= set(told)
    assert shown.partition("\n\n")[2] == "large: good morning\n"


def test_an_instance_of_a_class_that_is_not_here(run: Run, key_of: Callable[..., str]) -> None:
    key = key_of(function="shop:report")
    assert run("show", key).stdout.endswith("\n\nReport(title='sales', numbers=[1, 2, 3])\n")
    value = json.loads(run("show", key, "--json").stdout)["value"]
    assert json.loads(run("show", "--value", key).stdout) == value
    assert value.pop("$class").endswith(":Report")
    assert value == {"title": "sales", "numbers": [1, 2, 3]}


@pytest.mark.parametrize(
    ("value", "text", "in_json"),
    [
        ({1: "a", "1": "b"}, "{1: 'a', '1': 'b'}", {"$dict": [[1, "a"], ["1", "b"]]}),
        ({True: 1, 2: 3}, "{True: 1, 2: 3}", {"True": 1, "2": 3}),
        (
            [1 << 20_000],
            '[{"$class": "builtins.int", "$text": "0x1000',
            [{"$class": "builtins.int", "$text": f"{1 << 20_000:#x}"}],
        ),
    ],
    ids=["keys of one text", "keys that are no texts", "a long number"],
)
def test_nothing_of_a_value_is_lost(
    value: object, text: str, in_json: object, run: Run, tmp_path: Path
) -> None:
    with bs.Spot("odd", directory=tmp_path / "odd", config=False, strict=True) as spot:
        spot.mark(lambda: value)()
        with bs.open_store(spot) as store:
            key = next(store.rows()).cache_key
    at = ("-s", str(tmp_path / "odd"), "show", key)
    assert f"\n\n{text}" in run(*at).stdout
    assert json.loads(run(*at, "--json").stdout)["value"] == in_json
    assert json.loads(run(*at, "--value").stdout) == in_json


def test_json_has_the_row_and_the_value(run: Run, key_of: Callable[..., str]) -> None:
    key = key_of(function="shop:ask")
    told = json.loads(run("show", key, "--json").stdout)
    assert (told["schema"], told["key"]) == (1, key)
    assert told["value"] == "large: good morning"
    assert json.loads(run("show", key, "--json", "--value").stdout) == {
        "schema": 1, "value": "large: good morning",
    }  # fmt: skip


def test_a_picture_that_is_not_shown_says_how_to_get_it(
    run: Run, key_of: Callable[..., str], shop: Path
) -> None:
    key = key_of(function="shop:draw")
    told = run("show", key).stderr
    assert told.startswith("image/png, 70 B, which is not shown here: beautyspot show")
    command = told.partition(": beautyspot ")[2].partition(" writes")[0].split()
    assert f"wrote 70 B (image/png) to {command[-1]}" in run(*command).stderr
    assert (shop / command[-1]).read_bytes().startswith(b"\x89PNG")
    assert not stat.S_IMODE((shop / command[-1]).stat().st_mode) & 0o111
    value = json.loads(run("show", key, "--json").stdout)["value"]
    assert value == {"$bytes": 70, "$type": "image/png"}
    assert (
        "--value does not write image/png, 70 B: --out FILE does"
        in run("show", key, "--value", status=2).stderr
    )


def test_a_text_of_any_type_is_shown_as_it_is(shop: Path, run: Run) -> None:
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False) as spot:
        drawn = spot.mark(name="shop:drawn", content_type="image/svg+xml")(lambda: "<svg/>")
        drawn()
        key = spot.key(drawn)
    assert run("show", key, "--value").stdout == "<svg/>\n"


def test_bytes_go_to_stdout_too(run: Run, key_of: Callable[..., str]) -> None:
    done = run("show", key_of(function="shop:draw"), "--out", "-")
    assert done.stdout_bytes.startswith(b"\x89PNG")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--force"], "--force is for --out FILE"),
        (["--value", "--out", "x"], "without --value: leave one out"),
        (["--json", "--out", "-"], "without --json: leave one out"),
    ],
)
def test_no_option_is_ignored(run: Run, shop: Path, words: list[str], said: str) -> None:
    assert said in run("show", "0" * 32, *words, status=2).stderr


def test_a_file_is_replaced_only_where_that_is_said(
    run: Run, key_of: Callable[..., str], shop: Path
) -> None:
    key = key_of(function="shop:draw")
    (shop / "mine").write_text("precious")
    assert "give --force" in run("show", key, "--out", "mine", status=2).stderr
    assert (shop / "mine").read_text() == "precious"
    run("show", key, "--out", "mine", "--force")
    assert (shop / "mine").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in shop.iterdir()} == {".beautyspot", "mine"}
    run("show", key, "--out", ".")
    assert (shop / f"draw-{key[:8]}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [[], ["--force"]])
def test_of_what_is_damaged_no_file_is_left(
    run: Run, key_of: Callable[..., str], shop: Path, words: list[str]
) -> None:
    key = key_of(function="shop:draw")
    [picture] = shop.rglob("*.png")
    picture.write_bytes(picture.read_bytes()[:-1] + b"?")
    said = run("show", key, "--out", "x.png", *words, status=2).stderr
    assert "damaged" in said
    assert not (shop / "x.png").exists()
    (shop / "device").symlink_to("/dev/null")
    run("show", key, "--out", "device", "--force", status=2)
    assert (shop / "device").is_char_device()


def test_what_can_not_be_written_is_one_line(run: Run, key_of: Callable[..., str]) -> None:
    said = run("show", key_of(function="shop:draw"), "--out", "no/such/file", status=2).stderr
    assert "no/such/file: No such file or directory" in said


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "Missing argument"),
        (["abc"], 2, "give 6 hex digits or more"),
        (["0123456789"], 1, "has a key that begins with 0123456789: 'beautyspot ls' lists"),
    ],
)
def test_no_such_key(run: Run, shop: Path, words: list[str], status: int, said: str) -> None:
    assert said in run("show", *words, status=status).stderr


def test_a_blob_that_is_gone_is_one_line(run: Run, key_of: Callable[..., str], shop: Path) -> None:
    key = key_of(function="shop:draw")
    for path in (shop / ".beautyspot").rglob("*.png"):
        path.unlink()
    said = run("show", key, "--out", "x.png", status=2).stderr
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
    assert not (shop / "x.png").exists()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [1, 2.5, None, True]}, "{'a': [1, 2.5, None, True]}"),
        (("x", b"\x00y"), r"('x', b'\x00y')"),
        (float("inf"), "inf"),
        ("\x1b[2Jtext", r"\x1b[2Jtext"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_values_as_text(shop: Path, run: Run, value: object, shown: str) -> None:
    key = stored(shop, value)
    assert run("show", key).stdout.partition("\n\n")[2] == f"{shown}\n"


def stored(shop: Path, value: object) -> str:
    """Store a value; its key."""
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False, strict=True) as spot:
        keep = spot.mark(name="keep")(lambda: value)
        keep()
        return spot.key(keep)


def test_a_long_value_is_cut_unless_all_of_it_is_wanted(shop: Path, run: Run) -> None:
    key = stored(shop, "line\n" * 500)
    shown = run("show", key).stdout
    assert shown.count("line") < 100
    assert "more characters: --value shows all" in shown
    assert run("show", key, "--value").stdout == "line\n" * 500 + "\n"


def test_a_large_value_is_not_loaded_to_be_shown(shop: Path, run: Run) -> None:
    key = stored(shop, "x" * 10_000_001)
    assert "10.0 MB, which is not shown here" in run("show", key).stderr
    value = json.loads(run("show", key, "--json").stdout)["value"]
    assert set(value) == {"$bytes", "$type"}
    assert value["$bytes"] > 10_000_000
    run("show", key, "--out", "large")
    assert (shop / "large").stat().st_size > 10_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({1: (1, 2), "b": {3}}, {"1": [1, 2], "b": [3]}),
        (float("nan"), {"$class": "builtins.float", "$text": "nan"}),
        (b"\x01", {"$bytes": 1, "$base64": "AQ=="}),
        (bytes(5000), {"$bytes": 5000}),
        (date(2026, 11, 26), "2026-11-26"),
        (1 + 2j, {"$class": "builtins.complex", "$text": "(1+2j)"}),
    ],
)
def test_values_as_json(shop: Path, run: Run, value: object, expected: object) -> None:
    assert json.loads(run("show", stored(shop, value), "--json").stdout)["value"] == expected


@pytest.mark.parametrize(
    ("name", "said"),
    [("page.pdf", "application/pdf, 5 B, which"), ("data", "application/octet-stream, 5 B, which")],
)
def test_a_file_says_what_it_is_and_how_to_get_it(
    shop: Path, run: Run, name: str, said: str
) -> None:
    (shop / name).write_bytes(b"%PDF-")
    with bs.Spot("shop", directory=shop / ".beautyspot", config=False, strict=True) as spot:
        made = spot.mark(name="made")(lambda: bs.File(shop / name))
        made()
        key = spot.key(made)
    assert said in run("show", key).stderr
    run("show", key, "--out", "copy")
    assert (shop / "copy").read_bytes() == b"%PDF-"
    assert json.loads(run("show", key, "--json").stdout)["value"]["$bytes"] == 5


class NotFound(Exception):
    """A class that the command line does not have."""


def test_an_error_that_is_a_result(shop: Path, run: Run) -> None:
    def find(name: str) -> str:
        raise NotFound(name, 404)

    with bs.Spot("shop", directory=shop / ".beautyspot", config=False, strict=True) as spot:
        found = spot.mark(name="shop:find", cache_errors=NotFound)(find)
        with pytest.raises(NotFound):
            found("a")
        key = spot.key(found, "a")
    shown = run("show", key).stdout
    assert "stored by  error:msgpack\n" in shown
    assert shown.endswith("\n\nerror NotFound('a', 404)\n")
    value = json.loads(run("show", key, "--json").stdout)["value"]
    assert value.pop("$error").endswith(":NotFound")
    assert value == {"0": "a", "1": 404}
