"""The table of a function's results by `beautyspot ls`, and `beautyspot compare`."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from cli.conftest import HOSTILE, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a sweep, and answers of a language model."""
    monkeypatch.chdir(tmp_path)
    with bs.Spot("lab", config=False, price_unit="$") as spot:

        def sweep(c: float, gamma: float, kernel: str = "rbf") -> dict[str, Any]:
            return {"score": c / 3 if c < 3 else float("nan"), "note": HOSTILE, "at": gamma}

        def ask(prompt: str, temperature: float = 0.5) -> dict[str, Any]:
            return {
                "model": "gpt-5",
                "choices": [{"message": {"content": f"Say {prompt}\nor {HOSTILE}", "tool_calls": [
                    {"function": {"name": "find", "arguments": "{}"}},
                ]}}],
                "usage": {"prompt_tokens": 12, "completion_tokens": 3},
            }  # fmt: skip

        marked = spot.mark(sweep, name="lab:sweep")
        for c in (1.0, 2.0, 3.0):
            for gamma in (0.1, 1e-9):
                marked(c, gamma)
        asked = spot.mark(ask, name="lab:ask", price=lambda _: 0.25)
        asked("one"), asked("two\nthree")
        spot.mark(lambda **given: 1, name="lab:=evil")(**{"=1+1": "=2", "\x07\x9b": "\x9b", "-": 3})
        spot.mark(lambda: 2, name="app:sweep")()
    return tmp_path


def test_a_sweep_by_what_went_in_and_came_out(lab: Path, run: Run) -> None:
    done = run(
        "ls", "lab:sweep", "--columns", "c, gamma,score", "--sort", "-score", "--where", "c > 1"
    )
    assert rows(done) == [
        {"c": "2", "gamma": "1e-09", "score": "0.666667"},
        {"c": "2", "gamma": "0.1", "score": "0.666667"},
        {"c": "3", "gamma": "1e-09", "score": "nan"},
        {"c": "3", "gamma": "0.1", "score": "nan"},
    ]
    assert done.stderr == ""
    found = run("ls", "lab:sweep", "-n", "2", "--where", "gamma < 0.1", "--where", "c != 2")
    assert list(rows(found)[0]) == [
        "key",
        "made",
        "took",
        "c",
        "gamma",
        "kernel",
        "score",
        "note",
        "at",
    ]
    assert (len(rows(found)), found.stderr) == (2, "")
    assert "first 1: -n 0" in run("ls", "lab:sweep", "-n", "1").stderr
    assert [row["c"] for row in rows(run("ls", "lab:sweep", "--sort", "oldest"))][::2] == [
        "1",
        "2",
        "3",
    ]


def test_numbers_stand_on_the_right_and_texts_on_the_left(lab: Path, run: Run) -> None:
    heading, line, *_ = run(
        "ls", "lab:sweep", "--columns", "gamma,kernel,c,took"
    ).stdout.splitlines()
    assert line.startswith("1e-09  rbf     3")
    assert heading.startswith("gamma  kernel  c")


def test_a_table_as_csv_is_what_it_is_as_a_list(lab: Path, run: Run) -> None:
    words = ["ls", "lab:sweep", "--columns", "c,note,score", "--where", "c < 3", "--sort", "c"]
    lines = list(csv.reader(run(*words, "--csv").stdout.splitlines()))
    assert [(line[0], line[2]) for line in lines] == [
        *(("c", "score"), ("1.0", "0.3333333333333333"), ("1.0", "0.3333333333333333")),
        *(("2.0", "0.6666666666666666"), ("2.0", "0.6666666666666666")),
    ]  # fmt: skip
    evil = list(
        csv.reader(run("ls", "lab:=evil", "--csv", "--columns", "=1+1,value").stdout.splitlines())
    )
    assert evil == [["'=1+1", "value"], ["'=2", "1"]]


def test_a_table_as_json_has_a_document_for_each_result(lab: Path, run: Run) -> None:
    words = ["ls", "lab:sweep", "--columns", "c,score,key", "--sort", "c", "--json"]
    documents = [json.loads(line) for line in run(*words).stdout.splitlines()]
    assert [document["cells"]["score"] for document in documents[3:]] == [2 / 3, None, None]
    assert documents[0]["cells"]["key"] == documents[0]["key"]
    assert set(documents[0]["cells"]) == {"c", "score", "key"}


def test_a_hostile_name_or_value_is_no_command_to_a_terminal(lab: Path, run: Run) -> None:
    keys = [row["KEY"] for row in rows(run("ls", "--rows"))]
    for words in (
        *(["ls", name] for name in ("lab:sweep", "lab:ask", "lab:=evil")),
        *(["ls", "lab:sweep", "--sort", "\x1b", "--where", "\x1b"], ["compare", *keys[:5]]),
        *(["show", key] for key in keys),
    ):
        shown = run(*words, status=2 if "\x1b" in words else 0).output
        assert not re.search("\x1b|\x07|\x9b", shown), words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--where", "c"],
            "'c' is no condition: write a column, one of = != < <= > >=, and a value",
        ),
        (["--where", "c > 1 and gamma < 1"], "one condition at a time"),
        (["--where", "key = 5"], "key = 5: key holds texts"),
        (["--where", "nothing > 1"], "no result here has a column 'nothing'"),
        (["--sort", "-socre"], "Did you mean 'score'?"),
        (["--columns", "c,,gamma"], "a column ''"),
        (["--csv", "--json"], "give one of --csv and --json, not both"),
        (["--csv", "--rows"], "of the table of one function"),
    ],
)
def test_what_is_wrong_is_told(lab: Path, run: Run, words: list[str], said: str) -> None:
    done = run("ls", "lab:sweep", *words, status=2)
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("words", [[], ["lab:*"], ["--tag", "x"]])
def test_a_table_is_of_one_function(lab: Path, run: Run, words: list[str]) -> None:
    for more in (["--csv"], ["--columns", "c"], ["--where", "c > 1"]):
        assert "give its name" in run("ls", *words, *more, status=2).stderr


def test_what_has_no_room_is_named(lab: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    done = run("ls", "lab:sweep")
    heading, *lines = done.stdout.splitlines()
    assert "no room for made, kernel, note" in done.stderr
    assert "--columns takes" in done.stderr
    assert heading.split() == ["key", "took", "c", "gamma", "score", "at"]
    assert max(map(len, lines)) <= 60
    monkeypatch.setenv("COLUMNS", "10")
    assert run("ls", "lab:sweep").stdout.splitlines()[0] == "key"


def test_results_side_by_side(lab: Path, run: Run) -> None:
    one, two = (row["key"] for row in rows(run("ls", "lab:ask", "--sort", "oldest")))
    shown = run("compare", one, two).stdout
    differing, same, *diffs = shown.split("\n\n")
    assert differing.splitlines()[0].split() == ["DIFFERS", one, two]
    assert re.search(r"prompt +one +two\\nthree", differing)
    assert re.search(r"temperature +0.5\n", same)
    assert not re.search(f"key +{one}", shown)
    assert "-Say one" in diffs[-1].splitlines()
    assert "+three" in "\n".join(diffs).splitlines()
    told = json.loads(run("compare", one, two, "--json").stdout)
    assert told["differs"][0] == "prompt"
    assert [each["cells"]["tokens_in"] for each in told["results"]] == [12, 12]
    assert "give two to five keys" in run("compare", one, status=2).stderr


def test_a_models_answer_is_shown_as_its_text(lab: Path, run: Run) -> None:
    key = rows(run("ls", "lab:ask", "--sort", "oldest"))[0]["key"]
    shown = run("show", key).stdout
    assert re.search(r"price +\$0.25\n", shown)
    assert "\nmodel   gpt-5\ntokens  12 in, 3 out\n\nSay one\nor " in shown
    assert shown.endswith("\ncalls find({})\n")
    assert json.loads(run("show", key, "--value").stdout)["model"] == "gpt-5"


def test_a_table_is_shown_with_its_shape(lab: Path, run: Run) -> None:
    numpy = pytest.importorskip("numpy")
    with bs.Spot("lab", config=False) as spot:
        spot.mark(lambda n: numpy.zeros((n, 4)), name="lab:frame")(200)
    (found,) = rows(run("ls", "lab:frame"))
    assert re.fullmatch("200 × 4, [0-9a-f]{8}", found["value"])
    assert "\nshape  200 × 4\n" in run("show", found["key"]).stdout
