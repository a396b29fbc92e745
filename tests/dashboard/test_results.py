"""Pages of results: filters, orders, pages, and the command line that gives the same."""

from __future__ import annotations

import html
import json
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import beautyspot as bs
import pytest
from beautyspot_dashboard.rendering.texts import cut
from dashboard.shops import HOSTILE, ODD, change, command_of, linked_keys, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
        {"function": "ask"},
        {"function": "shop:f*", "sort": "largest"},
        {"version": "none", "sort": "key"},
        {"tag": "paid", "limit": "5"},
        {"key": "a"},
        {"older": "2000-01-01"},
        {"newer": "1d", "older": "0s"},
        {"unused": "0s"},
        {"larger": "100B", "smaller": "1kB"},
        {"arguments": "GOOD Evening"},
        {"arguments": HOSTILE[-8:], "function": "shop:ask"},
        {"arguments": "--all"},
        {"tag": ODD},
        {"code": "0"},
        {"expired": "1"},
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
        ("older", "7", "7 of what? give 7d, 7h or 7s"),
        ("newer", "yesterday", "give how long ago"),
        ("unused", "2026-01-01", "give"),
        ("larger", "much", "give a number of bytes"),
        ("code", "xyz", "give hex digits"),
        ("expired", "maybe", "give 1"),
        ("sort", "best", "give one of newest"),
        ("limit", "1000", "give a number from 1 to 200"),
        ("limit", "²", "give a number from 1 to 200"),
        ("limit", "000000050000", "give a number from 1 to 200"),
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


def test_a_page_by_key_begins_at_any_key(results: Any) -> None:
    keys = linked_keys(results(sort="key", limit="200"))
    page = results(sort="key", **{"from": keys[4]})
    assert linked_keys(page) == keys[5:]
    assert "--limit 0" in html.unescape(page.text)
    assert "The whole list in a shell" in page.text


def test_each_filter_can_be_taken_out(results: Any) -> None:
    page = results(function="shop:ask", expired="1", sort="oldest")
    chips = re.search(r'<ul class="chips".*?</ul>', page.text, re.DOTALL)
    assert chips is not None
    links = [html.unescape(link) for link in re.findall('href="([^"]*)"', chips[0])]
    assert links == [
        "?expired=1&sort=oldest",
        "?function=shop%3Aask&sort=oldest",
        "/store/shop/results",
    ]


def test_heads_of_columns_sort(results: Any) -> None:
    def head(page: Any, label: str) -> str:
        found = re.search(rf"<th scope=\"col\"[^>]*>(?:<a [^>]*>)?{label}\b.*?</th>", page.text)
        assert found is not None
        return html.unescape(found[0])

    page = results(tag="paid")
    assert 'aria-sort="descending"' in head(page, "Made")
    assert "sort=oldest" in head(page, "Made")
    assert "sort=largest" in head(page, "Size")
    page = results(tag="paid", sort="largest")
    assert 'aria-sort="descending"' in head(page, "Size")
    assert "sort=smallest" in head(page, "Size")
    assert "tag=paid" in head(page, "Size")
    assert "aria-sort" not in head(page, "Made")
    assert 'aria-sort="ascending"' in head(results(sort="key"), "Key")


def test_columns_of_which_nothing_is_there_are_left_out(results: Any) -> None:
    assert ">Expires" not in results(function="shop:ask").text
    assert ">Expires" in results(function="forecast").text
    assert ">Used" in results(function="shop:ask", sort="unused").text


def test_empty_fields_of_a_form_do_not_stay_in_the_address(results: Any) -> None:
    page = results(function="shop:ask", version="", sort="", older="")
    assert page.url.query == b"function=shop%3Aask"
    assert results(function="").url.query == b""


def test_a_gallery_shows_the_same(results: Any) -> None:
    page = results(view="grid", function="draw")
    assert 'class="gallery"' in page.text
    assert "<table" not in page.text
    assert "SVG" in page.text
    assert linked_keys(page) == linked_keys(results(function="draw"))
    assert 'name="view" value="grid"' in page.text


def held_pages(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have the store's pages take long, and the dashboard not wait; what is given ends both."""
    monkeypatch.setattr("beautyspot_dashboard.kept.LONG", 0)
    ends, page_of = threading.Event(), bs.Store.page

    def slow(self: bs.Store, *given: Any, **where: Any) -> Any:
        ends.wait(20)
        return page_of(self, *given, **where)

    def go_on() -> None:
        ends.set()
        monkeypatch.setattr("beautyspot_dashboard.kept.LONG", 20)

    monkeypatch.setattr(bs.Store, "page", slow)
    return go_on


def test_an_order_that_takes_long_says_so_and_is_there_later(
    results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = held_pages(monkeypatch)
    page = results(sort="largest")
    assert page.headers["refresh"] == "2"
    assert "Sorting …" in page.text
    go_on()
    page = results(sort="largest")
    assert "refresh" not in page.headers
    assert len(linked_keys(page)) == 20


def test_what_takes_long_to_count_is_not_waited_for(
    results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "20 match, 1.2 kB" in results().text
    ends = threading.Event()
    monkeypatch.setattr(bs.Store, "total", lambda *_, **__: ends.wait(20) and bs.Totals(20, 1))
    monkeypatch.setattr(bs.Store, "functions", lambda _: ends.wait(20) and [])
    monkeypatch.setattr("beautyspot_dashboard.kept.SOON", 0)
    page = results(sort="key")
    assert "being counted" in page.text
    assert len(linked_keys(page)) == 20
    ends.set()


@pytest.mark.parametrize("order", ["newest", "largest"])
def test_no_page_waits_for_the_names_of_all_functions(
    results: Any, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    ends, functions_of = threading.Event(), bs.Store.functions
    asked: list[bs.Store] = []

    def slow(self: bs.Store) -> Any:
        asked.append(self)
        ends.wait(20)
        return functions_of(self)

    monkeypatch.setattr(bs.Store, "functions", slow)
    monkeypatch.setattr("beautyspot_dashboard.kept.SOON", 0)
    for name in ("shop:draw", "shop:dr*"):  # calls of it were counted
        assert len(linked_keys(results(function=name, sort=order))) == 1
    for name in ("draw", "nope"):
        page = results(function=name, sort=order)
        assert page.headers["refresh"] == "2"
        assert "Looking for the function" in page.text
        assert linked_keys(page) == []
    assert len(asked) == 1
    ends.set()
    monkeypatch.setattr("beautyspot_dashboard.kept.SOON", 20)
    page = results(function="draw", sort=order)
    assert "refresh" not in page.headers
    assert len(linked_keys(page)) == 1
    assert len(asked) <= 2
    assert "holds nothing of a function nope" in results(function="nope", sort=order).text


def test_what_is_outdated_is_looked_for_behind_the_page(
    results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = held_pages(monkeypatch)
    page = results(outdated="1")
    assert page.headers["refresh"] == "2"
    assert "Looking for them …" in page.text
    go_on()
    page = results(outdated="1")
    assert "refresh" not in page.headers
    assert "No result matches" in page.text


def test_what_cannot_be_counted_keeps_no_list_away(
    results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise bs.MetadataError("too much")

    monkeypatch.setattr(bs.Store, "total", failing)
    monkeypatch.setattr(bs.Store, "functions", failing)
    page = results(tag="paid")
    assert page.status_code == 200
    assert len(linked_keys(page)) == 14


def test_what_is_stored_is_no_markup_and_turns_no_text(results: Any) -> None:
    page = results()
    assert "<script" not in page.text
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text
    assert "alert(1)" in page.text


def test_the_kinds_of_values_are_told(results: Any) -> None:
    page = results()
    kinds = set(re.findall(r'class="kind" title="([^"]*)"', page.text))
    assert kinds == {"value", "error that is a result", "items of a generator"}
    (drawn,) = linked_keys(results(function="draw"))
    assert f'<img src="/store/shop/thumbnail/{drawn}" alt="SVG" title="drawing"' in page.text


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
    assert "/result/a" not in page.text


def test_links_stay_below_the_path_where_it_is_mounted(shop: Path) -> None:
    from beautyspot_dashboard import dashboard
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.testclient import TestClient

    app = Starlette(routes=[Mount("/cache", dashboard(str(shop)))])
    client = TestClient(app, base_url="http://localhost", headers={"sec-fetch-site": "same-origin"})
    page = client.get("/cache/store/shop/results?function=&limit=5")
    assert page.url.path == "/cache/store/shop/results"
    links = re.findall(r'(?:href|action|src)="(/[^"]*)"', page.text)
    assert links
    assert all(link.startswith("/cache/") for link in links)


def test_a_text_is_cut_in_its_middle() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("path='/a/very/long/way/one.py'", 12) == "path='…e.py'"
