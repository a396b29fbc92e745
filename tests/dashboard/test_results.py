"""Pages of results: filters, orders, pages, and the command line that gives the same."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import beautyspot as bs
import pytest
from dashboard.shops import change, command_of, linked_keys, run

ORDERS = ("newest", "oldest", "largest", "smallest", "slowest", "dearest", "unused", "key")


@pytest.fixture
def results(shop: Path, visit: Callable[..., Any]) -> Callable[..., Any]:
    """Asks for a page of results; the filters are its query."""
    client = visit(str(shop))
    return lambda **query: client.get("/store/shop/results", params=query)


@pytest.mark.parametrize(
    "query",
    [
        *({"sort": order} for order in ORDERS),
        {"function": "shop:f*", "sort": "largest"},
        {"tag": "paid", "limit": "5"},
        {"older": "2000-01-01"},
        {"newer": "1d", "older": "0s"},
        {"unused": "0s"},
        {"larger": "100B", "smaller": "1kB"},
        {"arguments": "GOOD Evening"},
        {"arguments": "--all"},
        {"code": "0"},
        {"outdated": "1", "expired": "1"},
    ],
)
def test_the_command_line_lists_the_same(results: Any, query: dict[str, str]) -> None:
    page = results(**query)
    assert page.status_code == 200
    listed = [json.loads(line)["key"] for line in _lines(run(*command_of(page), "--json"))]
    assert listed == linked_keys(page)
    assert listed or query.keys() & {"older", "code", "outdated", "key", "arguments", "unused"}


def _lines(done: Any) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("function", "shop:asc", "shop:ask"),
        ("older", "7", 'may be seconds or a date: write "7s"'),
        ("newer", "yesterday", "give how long ago"),
        ("unused", "2026-01-01", "give"),
        ("larger", "much", "give a number of bytes"),
        ("code", "xyz", "give hex digits"),
        ("sort", "best", "give one of newest"),
        ("limit", "1000", "give a number from 1 to 200"),
        ("limit", "000000001" + "0" * 5000, "give a number from 1 to 200"),
        ("functoin", "shop:ask", "there is no filter 'functoin'"),
        ("from", "nowhere", "begin at the first one"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(
    results: Any, name: str, text: str, said: str
) -> None:
    page = results(**{name: text, "arguments": "kept"})
    assert page.status_code == 400
    assert said in html.unescape(page.text)
    assert 'value="kept"' in page.text
    if name in {"function", "older", "newer", "larger", "code"}:
        field = re.search(rf'<input[^>]*name="{name}"[^>]*>', page.text)
        assert field is not None
        assert f'value="{text}"' in field[0]
        assert f'aria-describedby="wrong-{name}"' in field[0]
        assert f'id="wrong-{name}"' in page.text
    assert not linked_keys(page)


@pytest.mark.parametrize("order", ["newest", "key", "dearest"])
def test_pages_follow_each_other_to_the_end(results: Any, order: str) -> None:
    page = results(sort=order, limit="7")
    found = linked_keys(page)
    assert "First page" not in page.text
    while following := re.search(r'rel="next" href="([^"]*)"', page.text):
        page = results(**dict(parse_qsl(html.unescape(following[1])[1:])))
        assert "First page" in page.text
        found += linked_keys(page)
    assert found == linked_keys(results(sort=order, limit="200"))
    assert len(found) == 20


def test_a_gallery_shows_the_same(results: Any) -> None:
    page = results(view="grid", function="draw")
    assert 'class="gallery"' in page.text
    assert "<table" not in page.text
    assert "SVG" in page.text
    assert linked_keys(page) == linked_keys(results(function="draw"))
    assert 'name="view" value="grid"' in page.text


def test_the_kinds_of_values_are_told(results: Any) -> None:
    page = results()
    kinds = set(re.findall(r'class="kind" title="([^"]*)"', page.text))
    assert kinds == {"error that is a result", "items of a generator"}
    (drawn,) = linked_keys(results(function="draw"))
    assert f'<img src="/store/shop/value/{drawn}" alt="SVG" title="drawing"' in page.text
    assert 'scope="col">Type' in page.text
    assert 'scope="col">Type' not in results(function="ask").text, "all are plain values"


def test_nothing_is_there(visit: Callable[..., Any], tmp_path: Path) -> None:
    with bs.Spot("bare", directory=tmp_path / "c", config=False) as spot:
        database = spot.db_path
    client = visit(str(database))
    assert "Nothing is stored here yet" in client.get("/store/bare/results").text
    page = client.get("/store/bare/results", params={"arguments": "x"})
    assert "No result matches all of these filters" in page.text
    assert "cut at 1 kB" in page.text


def test_hostile_rows_are_listed(own_shop: Path, visit: Callable[..., Any]) -> None:
    database = own_shop
    names = {"cache_key": "a/../b", "func_identifier": "\x1b<b>", "version": "v" * 5000}
    for number, (column, value) in enumerate(names.items()):
        place = f"rowid = (select rowid from tasks limit 1 offset {number})"
        change(database, f"update tasks set {column} = ? where {place}", value)  # noqa: S608
    change(
        database,
        "update tasks set arguments = ?, size = -1, made_at = 1e300",
        "\x1b\u202e<i>" * 30_000,
    )
    client = visit(str(database))
    for view in ("", "?view=grid", "?sort=largest", "?sort=key&limit=200"):
        page = client.get(f"/store/shop/results{view}")
        assert page.status_code == 200
        assert not {"\x1b", "\u202e"} & set(page.text)
        assert "<i>" not in page.text
        assert len(page.text) < 120_000
    assert "<b>" not in page.text.replace("<b>shop", "")
    assert "a/../b" in page.text
    assert not re.search(r"/result/a(/|%2F)", page.text)
