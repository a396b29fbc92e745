"""Values that have parts, as trees; and those that have none, as what they are."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dashboard.gallery import Gallery, opened
from dashboard.reading import links, words


@dataclass
class Receipt:
    total: int
    lines: tuple[str, ...]


class Colour(Enum):
    RED = 1


LEAVES = {
    "none": (None, "None"),
    "truth": (True, "True"),
    "answer": (42, "42"),
    "real": (0.1, "0.1"),
    "not a number": (math.nan, "nan"),
    "decimal": (Decimal("1.10"), "1.10 Decimal"),
    "moment": (
        dt.datetime(2026, 11, 19, 14, tzinfo=ZoneInfo("Europe/Oslo")),
        "2026-11-19 14:00:00+01:00 Europe/Oslo datetime",
    ),
    "bytes": (b"\x00\x01" * 50, "00 01 … bytes, 100 bytes all of it"),
    "huge": (1 << 20000, "… int of 20,001 bits"),
    "long": ("word " * 100, "… all of it"),
    "lines": ("line\n" * 30, "line line line line line line… all of it"),
    "turned": ("a\u202eb\x1b", r"a\u202eb\x1b"),
    "<b>": ("<script>", "<script>"),
}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: Any) -> Iterator[Gallery]:
    with opened(tmp_path_factory.mktemp("trees")) as found:
        found.spot.register(Receipt)
        found.spot.register(Colour)
        found.put("leaves", {name: value for name, (value, _) in LEAVES.items()})
        found.put("kinds", [(1, 2), {3}, frozenset(), {}, {4: "four", (5, "x"): "pair"}])
        found.put("classes", {"receipt": Receipt(7, ("tea",)), "colour": Colour.RED})
        found.put("long", list(range(2500)))
        found.put("wide", [[number] * 60 for number in range(300)])
        found.put("records", [{"city": f"c{n}", "temp": n / 2, "in": [n]} for n in range(250)])
        found.put("odd", {"a b": {"c\ud800": 1}, "k" * 100: 2, 7: {"deep": 3}, "set": {9, 8}})
        found.put("words", {"b", "a", "c"})
        found.put("mixed", {"a", 1, None})
        for name, text in JSON.items():
            found.put(name, text, "application/json")
        yield found


JSON = {
    "json": '{"a": [1, 2.50, 1e999, NaN, 12345678901234567890123], "b": {"c": "d"}}',
    "surrogate": r'{"s": "\ud800", "\udfff": 1}',
    "broken": '{"a": ',
    "deep": "[" * 100_000,
    "nested": "[" * 400 + "7" + "]" * 400,
    "empty": "",
    "digits": "9" * 6000,
    "just text": '"hello"',
}


@pytest.mark.parametrize("name", LEAVES)
def test_a_plain_value_is_told_with_its_type(gallery: Gallery, name: str) -> None:
    page = words(gallery.page("leaves"))
    first, _, last = LEAVES[name][1].partition("…")
    assert f"{name} {first}".strip() in page
    assert last in page


def test_lists_tuples_sets_and_dicts_are_told_apart(gallery: Gallery) -> None:
    page = words(gallery.page("kinds"))
    assert "list · 5 items" in page
    assert "0 tuple · 2 items" in page
    assert "1 set · 1 item" in page
    assert "2 frozenset · 0 items" in page
    assert "3 dict · 0 entries" in page
    assert "4 dict · 2 entries" in page
    assert "(5, x) pair" in page


def test_instances_have_the_names_of_their_classes_and_fields(gallery: Gallery) -> None:
    page = words(gallery.page("classes"))
    assert "receipt Receipt" in page
    assert "total 7" in page
    assert "colour Colour" in page
    assert "name RED value 1" in page
    assert "$ [receipt] [total] 7" in words(gallery.page("classes", "?at=0.0"))


def test_an_error_that_is_a_result_is_a_tree(gallery: Gallery) -> None:
    @gallery.spot.mark(name="wrong", cache_errors=ValueError)
    def wrong() -> None:
        raise ValueError("no such city", 7)

    with pytest.raises(ValueError, match="city"):
        wrong()
    gallery.keys["wrong"] = gallery.row("wrong").cache_key
    page = words(gallery.page("wrong"))
    assert "error ValueError" in page
    assert "0 no such city 1 7" in page


def test_the_items_of_a_generator_are_a_list(gallery: Gallery) -> None:
    @gallery.spot.mark(name="counting")
    def counting() -> Any:
        yield from ({"n": 1}, {"n": 2})
        return "done"

    list(counting())
    gallery.keys["counting"] = gallery.row("counting").cache_key
    page = words(gallery.page("counting"))
    assert "generator items list · 2 items" in page
    assert "returned done" in page
    assert "text $ [returned] done" in words(gallery.page("counting", "?at=1"))
    assert "2 records" in words(gallery.page("counting", "?at=0&as=table"))


def test_a_long_list_comes_in_parts(gallery: Gallery) -> None:
    first = gallery.page("long")
    assert words(first).count(" 499 499") == 1
    assert " 500 500" not in words(first)
    second = gallery.page("long", links(first, "Next")[0])
    assert "500 500" in words(second)
    assert "Parts 500 to 999 of 2,500" in words(second)
    last = gallery.page("long", links(second, "Last")[0])
    assert "2499 2499" in words(last)
    assert not links(last, "Next")
    assert links(last, "Previous")


def test_a_page_holds_so_many_values_and_links_to_the_others(gallery: Gallery) -> None:
    page = gallery.page("wide")
    assert 2000 < page.count("<li>") < 4500
    inner = gallery.page("wide", links(page, "51 more")[0])
    assert "59 " in words(inner)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("0", r"$ [a b] c\ud800 1"),
        ("0.0", r"$ [a b] [c\ud800] 1"),
        ("1", "…] 2"),
        ("2.0", "$ [7] [deep] 3"),
        ("3.0", "$ [set] [0] 8"),
        ("0.1", "no such part"),
        ("3.0.0", "no such part"),
        ("$", "no such part"),
        ("0..0", "no such part"),
        (".".join("0" * 3000), "no such part"),
    ],
    ids=lambda each: each[:20],
)
def test_a_path_leads_to_a_part(gallery: Gallery, path: str, shown: str) -> None:
    answer = gallery.client.get(gallery.url("odd", "result"), params={"at": path})
    assert shown in words(answer.text)


def test_json_is_shown_as_it_is_written(gallery: Gallery) -> None:
    page = words(gallery.page("json"))
    assert "0 1 1 2.50 2 1e999 3 NaN 4 12345678901234567890123" in page
    assert "9" * 300 + "… " in words(gallery.page("digits")) + " "
    assert "text hello" in words(gallery.page("just text"))
    assert "2.50 , 1e999" in words(gallery.page("json", links(gallery.page("json"), "As text")[0]))


def test_lone_surrogates_are_written_out(gallery: Gallery) -> None:
    assert r"s \ud800" in words(gallery.page("surrogate"))
    assert r"\udfff 1" in words(gallery.page("surrogate"))


@pytest.mark.parametrize("name", ["broken", "deep", "empty"])
def test_what_is_no_json_is_shown_as_text(gallery: Gallery, name: str) -> None:
    page = words(gallery.page(name))
    assert "This is not what it is said to be" in page
    assert JSON[name][:50].replace(" ", "") in page.replace(" ", "")


def test_deep_values_go_on_by_links(gallery: Gallery) -> None:
    query, pages = "", 0
    while "0 7" not in words(page := gallery.page("nested", query)):
        assert page.count("<ul>") < 40
        query, pages = links(page, "list · 1 item")[-1], pages + 1
    assert pages > 5
