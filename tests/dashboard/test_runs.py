"""The runs of a function: columns, conditions, pictures, CSV."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import beautyspot as bs
import pytest
from dashboard.shops import HOSTILE, command_of, linked_keys, run

RUNS = 60
"""More than a page has."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a sweep, and of a function whose names and values are hostile."""
    folder = tmp_path_factory.mktemp("sweep")
    with bs.Spot("sweep", directory=folder, config=False, strict=True, price_unit="$") as spot:

        @spot.mark(name="train:sweep", price=lambda result: 0.5)
        def sweep(c: float, kernel: str, seed: int = 0) -> dict[str, Any]:
            return {
                "score": c / 10,
                "deep": {"epochs": seed},
                "note": "a text",
                "nan": float("nan"),
            }

        @spot.mark(name="train:odd")
        def odd(**names: Any) -> dict[str, Any]:
            return {HOSTILE: HOSTILE, "=1+1": "=1+1", "-x": 3, "big": 10**300, "none": None}

        for number in range(RUNS):
            sweep(10.0 ** (number % 4), ("rbf", "poly")[number % 2], seed=number)
        for number in range(3):
            odd(**{HOSTILE: HOSTILE, "where": number, "b": number * 10.0**300})
        return spot.db_path


@pytest.fixture
def runs(database: Path, visit: Callable[..., Any]) -> Callable[..., Any]:
    """Asks for the runs of a function; the query may name one thing several times."""
    client = visit(str(database))
    return lambda *query, path="runs": client.get(f"/store/sweep/{path}", params=query)


SWEEP = ("function", "train:sweep")


def heads(page: Any) -> list[str]:
    """The columns of the table."""
    head = page.text.partition("</thead>")[0].partition("<thead>")[2]
    found = re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", head, re.DOTALL)
    return [html.unescape(re.sub("<[^>]*>", "", each)).strip(" ↑↓") for each in found]


def cells(page: Any) -> list[list[str]]:
    """The cells of each row."""
    body = page.text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [html.unescape(each) for each in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        for row in body.split("<tr>")[1:]
    ]


def test_arguments_and_fields_are_columns(runs: Any) -> None:
    page = runs(SWEEP, ("sort", "seed"))
    assert page.status_code == 200
    named = ["Run", "c", "kernel", "seed", "score", "deep.epochs", "note", "nan", "made", "took"]
    assert heads(page)[: len(named)] == named
    assert cells(page)[1][:7] == ["10", "poly", "1", "1", "1", "a text", "nan"]
    assert ">$0.5<" in page.text
    assert "60 match" in page.text
    assert len(linked_keys(page)) == 50
    following = re.search(r'rel="next" href="\?([^"]*)"', page.text)
    assert following is not None
    rest = runs(*parse_qsl(html.unescape(following[1])))
    assert [row[2] for row in cells(rest)] == [str(number) for number in range(50, 60)]
    assert "51 to 60" in rest.text


def test_a_head_sorts_by_its_column_down_and_up(runs: Any) -> None:
    page = runs(SWEEP)
    for direction, first in (("descending", "100"), ("ascending", "0.1")):
        link = re.search(r'href="\?([^"]*)" title="Sort by it">score<', page.text)
        assert link is not None
        page = runs(*parse_qsl(html.unescape(link[1])))
        assert f'aria-sort="{direction}"' in page.text
        assert cells(page)[0][3] == first


def test_conditions_are_typed_and_can_be_taken_out(runs: Any) -> None:
    asked = (SWEEP, ("where", "c > 1"), ("where", "kernel = rbf"), ("where", "seed <= 30"))
    page = runs(*asked)
    assert {row[1] for row in cells(page)} == {"rbf"}
    assert {row[0] for row in cells(page)} == {"100"}
    assert len(cells(page)) == 8
    without = dict(re.findall(r'<b>([^<]*)</b> <a href="\?([^"]*)"', page.text))
    assert "train:sweep" not in without, "no run is of no function"
    rest = parse_qsl(html.unescape(without["kernel = rbf"]))
    assert rest == [each for each in asked if each[1] != "kernel = rbf"]
    assert "No run of this function matches" in runs(SWEEP, ("where", "c > 1e9")).text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("where", "c >"), "is no condition"),
        (("where", "c = big"), "c holds number"),
        (("where", "nothing = 1"), "no result here has a column 'nothing'"),
        (("sort", "-nothing"), "no result here has a column 'nothing'"),
        (("column", "nothing"), "no result here has a column 'nothing'"),
        (("tag", "\x00"), ""),
        (("functoin", "x"), "there is no filter 'functoin'"),
    ],
)
def test_what_is_wrong_is_said(runs: Any, asked: tuple[str, str], said: str) -> None:
    page = runs(SWEEP, asked)
    assert page.status_code == (400 if said else 200)
    assert said.lower() in html.unescape(page.text).lower()
    assert runs(SWEEP, asked, path="runs/csv").status_code == page.status_code


def test_without_a_function_there_are_no_columns(runs: Any) -> None:
    for page in (runs(), runs(("function", "train:swee")), runs(path="runs/csv")):
        assert page.status_code == 400
        assert "function" in page.text
        assert not linked_keys(page)


def test_columns_are_chosen_in_the_address_also_of_the_csv(runs: Any, database: Path) -> None:
    chosen = (SWEEP, ("column", "score"), ("column", "c"), ("sort", "-c"), ("where", "c > 1"))
    page = runs(*chosen)
    assert heads(page) == ["Run", "score", "c"]
    assert "All columns" in page.text
    link = re.search(r'href="[^"]*/runs/csv\?([^"]*)"', page.text)
    assert link is not None
    answer = runs(*parse_qsl(html.unescape(link[1])), path="runs/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'attachment; filename="train-sweep.csv"' in answer.headers["content-disposition"]
    with bs.open_store(database, config=False) as store:
        found = store.runs("train:sweep", columns=["score", "c"], sort="-c", conditions=["c > 1"])
    assert answer.text == "".join(found.csv())
    rows = list(csv.reader(StringIO(answer.text)))
    assert rows[0] == ["score", "c"]
    assert len(rows) == 1 + 45


def circles(page: Any) -> list[tuple[str, float, float, str]]:
    """The points of a picture: what each is, where, and its colour."""
    found = re.findall(
        r'aria-label="([^"]*)"><title>[^<]*</title><circle cx="([^%]*)%" cy="([^%]*)%"[^>]*'
        r'fill="([^"]*)"',
        page.text,
    )
    return [(html.unescape(text), float(x), float(y), colour) for text, x, y, colour in found]


def test_a_column_is_drawn_over_another_coloured_by_a_third(runs: Any) -> None:
    asked = [("x", "seed"), ("y", "c"), ("by", "kernel")]
    page = runs(SWEEP, ("view", "points"), ("sort", "seed"), *asked)
    points = circles(page)
    assert len(points) == RUNS
    assert points[0][:3] == ("seed = 0, c = 1.0", 0.0, 100.0)
    assert points[-1][:3] == ("seed = 59, c = 1000.0", 100.0, 0.0)
    assert points[1][2] == pytest.approx(66.67), "by powers, from 1 to 1000"
    assert len({colour for *_, colour in points}) == 2
    assert len(linked_keys(page)) == RUNS
    assert "<script" not in page.text
    usual = circles(runs(SWEEP, ("view", "points"), ("sort", "seed")))
    assert usual[0][0] == "c = 1.0, score = 0.1", "an argument, and a field of the result"


def test_lines_go_through_all_columns_that_can_be_drawn(runs: Any) -> None:
    page = runs(SWEEP, ("view", "lines"), ("sort", "seed"))
    lines = re.findall(r'<polyline stroke="([^"]*)" points="([^"]*)"', page.text)
    assert len(lines) == RUNS
    names = re.findall(r'<text class="name"[^>]*>([^<]*)<', page.text)
    assert names == ["c", "kernel", "seed", "score", "deep.epochs", "note"]
    assert [point.split(",")[0] for point in lines[0][1].split()] == [
        "0.0", "20.0", "40.0", "60.0", "80.0", "100.0",
    ]  # fmt: skip
    few = runs(SWEEP, ("view", "lines"), ("column", "c"), ("column", "score"))
    assert re.findall(r'<text class="name"[^>]*>([^<]*)<', few.text) == ["c", "score"]
    assert "too few numbers" in runs(SWEEP, ("view", "lines"), ("column", "c")).text


@pytest.mark.parametrize("view", ["", "points", "lines"])
def test_hostile_names_and_values_are_texts(runs: Any, view: str) -> None:
    page = runs(("function", "train:odd"), *([("view", view)] if view else []))
    assert page.status_code == 200
    assert not {"\x1b", "\u202e"} & set(page.text)
    assert "<script" not in page.text
    assert view == "points" or "alert(1)" in page.text
    for name in ("-x", HOSTILE, "result.-x", '"><b>'):
        again = runs(("function", "train:odd"), ("x", name), ("by", name), ("sort", name))
        assert again.status_code in (200, 400)
        assert '<b>"' not in again.text
    if not view:
        assert max(len(cell) for row in cells(page) for cell in row) < 120, "no cell is a page wide"
    assert cells(runs(("function", "train:odd"), ("view", "<b>"))), "there is no such view"
    table = runs(("function", "train:odd"), path="runs/csv").text
    assert "'=1+1" in table


@pytest.mark.usefixtures("processes")
def test_values_are_decoded_by_a_process_of_its_own(
    runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bs.Store, "fields", lambda *_: pytest.fail("decoded in this process"))
    assert cells(runs(SWEEP, ("sort", "seed")))[1][3] == "1"
    monkeypatch.setitem(__import__("beautyspot_dashboard").values.child.LIMITS, "fields", (0, 1000))
    late = runs(SWEEP, ("sort", "-seed"))
    assert late.status_code == 200
    assert "score" not in heads(late), "what takes too long has no fields"
    assert cells(late)[0][:3] == ["1000", "poly", "59"]


def test_some_are_compared_side_by_side(runs: Any, database: Path) -> None:
    page = runs(SWEEP, ("sort", "seed"))
    assert re.search(r'<form method="get" action="[^"]*/compare">', page.text)
    marked = re.findall(r'<input type="checkbox" name="key" value="([0-9a-f]+)"', page.text)[:3]
    beside = runs(*(("key", key) for key in marked), path="compare")
    assert beside.status_code == 200
    assert linked_keys(beside) == marked
    rows = re.findall(
        r'<tr( class="differs")?><th scope="row">(.*?)</th>(.*?)</tr>', beside.text, re.DOTALL
    )
    told = {re.sub("<.*", "", name).strip(): (differs, row) for differs, name, row in rows}
    assert ">1<" in told["c"][1]
    assert ">100<" in told["c"][1]
    assert told["c"][0]
    assert not told["note"][0]
    assert list(told).index("seed") < list(told).index("note") < list(told).index("made")
    for number in (0, 1, 6):
        many = marked * 2
        refused = runs(*(("key", key) for key in many[:number]), path="compare")
        assert refused.status_code == 400
        assert "two to five" in refused.text.lower() or "2 to 5" in refused.text


def test_long_texts_are_compared_line_by_line(tmp_path: Path, visit: Callable[..., Any]) -> None:
    with bs.Spot("texts", directory=tmp_path, config=False) as spot:

        @spot.mark(name="write")
        def write(what: str) -> str:
            return "".join(f"line {n} {HOSTILE}\n" for n in range(50)) + what

        for what in ("one end", "another <b>end"):
            write(what)
        database = spot.db_path
    with bs.open_store(database, config=False) as store:
        keys = [row.cache_key for row in store.rows("oldest")]
    page = visit(str(database)).get("/store/texts/compare", params={"key": keys})
    assert '<span class="tok-gd">-one end</span>' in page.text
    assert '<span class="tok-gi">+another &lt;b&gt;end</span>' in page.text
    assert not {"\x1b", "\u202e"} & set(page.text)
    assert "<script" not in page.text


def test_signed_results_have_fields_too(make_spot: Callable[..., Any], visit: Any) -> None:
    spot = make_spot("signed", signing_key="k" * 32)

    @spot.mark(name="score")
    def score(c: int) -> dict[str, int]:
        return {"doubled": 2 * c}

    score(4)
    for store in (str(spot.db_path), bs.open_store(spot)):
        client = visit(store)
        page = client.get("/store/signed/runs", params={"function": "score"})
        assert heads(page)[:3] == ["Run", "c", "doubled"]
        assert "doubled: 8" in client.get("/store/signed/results?view=grid").text


def test_frames_that_went_in_are_told_apart(make_spot: Callable[..., Any], visit: Any) -> None:
    pd = pytest.importorskip("pandas")
    spot = make_spot("frames")

    @spot.mark(name="count")
    def count(frame: Any, name: str) -> Any:
        return frame.iloc[:2]

    for number in (1, 2):
        count(pd.DataFrame({"a": range(10 * number)}), name="<b>")
    client = visit(str(spot.db_path))
    first, second = cells(client.get("/store/frames/runs", params={"function": "count"}))
    assert re.fullmatch(r"<DataFrame \(\d0, 1\) [0-9a-f]{8}>", first[0])
    assert first[0] != second[0]
    assert first[1] == "<b>", "a text that only looks so is one"
    assert re.fullmatch("2 × 1, [0-9a-f]{8}", first[2])
    key = linked_keys(client.get("/store/frames/results"))[0]
    assert html.escape(first[0]) in client.get(f"/store/frames/result/{key}").text


@pytest.mark.parametrize(
    "asked",
    [
        (),
        (("sort", "-score"), ("where", "c > 1"), ("where", "kernel != rbf")),
        (("column", "seed"), ("column", "score"), ("sort", "seed"), ("newer", "1d")),
        (("sort", "dearest"), ("version", "none")),
    ],
)
def test_the_command_line_tells_the_same(runs: Any, asked: tuple[tuple[str, str], ...]) -> None:
    page = runs(SWEEP, *asked)
    assert page.status_code == 200
    assert run(*command_of(page), "--csv").stdout == runs(SWEEP, *asked, path="runs/csv").text


def test_the_command_line_compares_the_same(runs: Any) -> None:
    marked = linked_keys(runs(SWEEP, ("sort", "seed")))[:2]
    page = runs(*(("key", key) for key in marked), path="compare")
    said = run(*command_of(page)).stdout
    for part in ("seed", "kernel", "poly", "rbf", marked[0][:12]):
        assert part in said
