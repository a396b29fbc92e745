"""The functions of a store, and one of them, as pages."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore
from beautyspot_local import SqliteMetadataStore
from dashboard.shops import HOSTILE
from rows import put_rows

HOUR = int(time.time() // 3600)


def row(number: int, name: str, **fields: Any) -> bs.TaskRecord:
    given = {"func_identifier": name, "made_at": 1e9 + number, "size": 10, "code": "aa:1", **fields}
    return bs.TaskRecord(f"{number:032x}", name.rpartition(":")[2], f"{number}", **given)


@pytest.fixture
def metadata(tmp_path: Path) -> SqliteMetadataStore:
    """Three functions, one of which has only counts; the code of one has changed."""
    store = SqliteMetadataStore(tmp_path / "app.db")
    put_rows(
        store,
        *[
            row(4, "shop:ask", version="1", code="aa:1", made_at=1e9),
            row(1, "shop:ask", version="2", arguments=f"prompt={HOSTILE}"),
            row(2, "shop:ask", version="2", code="bb:1"),
            row(3, "shop:draw", size=5000),
        ],
    )
    counts = {"hits": 30, "runs": 10, "seconds_saved": 90.0, "seconds_spent": 30.0}
    store.add_counts(
        [
            bs.Counts("shop:ask", HOUR, money_saved=1.5, failures=2, **counts),
            bs.Counts("shop:ask", HOUR - 30, hits=7),
            bs.Counts(HOSTILE, HOUR - 2, hits=1234, runs=1),
            bs.Counts("limited:only", HOUR, grants=5),
        ]
    )
    return store


@pytest.fixture
def page(metadata: SqliteMetadataStore, visit: Callable[..., Any]) -> Callable[[str], Any]:
    """Gives the page at a path below the store's."""
    client = visit(bs.open_store(metadata, config=False))
    base = client.get("/", follow_redirects=False).headers["location"]
    return lambda rest: client.get(base + rest)


def test_each_function_is_a_line(page: Callable[[str], Any]) -> None:
    found = page("")
    assert found.status_code == 200
    text = found.text
    assert "shop:ask" in text
    assert "shop:draw" in text
    assert "limited:only" not in text
    assert text.count("code changed") == 1
    assert "In 24 hours: 30 hits, 10 runs" in text, "what the picture shows, in words"
    assert "1,271" in text, "all hits"
    assert "1 min 30 s" in text, "the time that was saved"
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "In 7 days: 37 hits, 10 runs" in page("?since=7d").text


def test_a_long_name_takes_one_line(tmp_path: Path, visit: Callable[..., Any]) -> None:
    name = "a_name_that_says_" * 9
    store = SqliteMetadataStore(tmp_path / "app.db")
    put_rows(store, row(1, f"some.package:{name}", took=2.0))
    client = visit(bs.open_store(store, config=False))
    text = client.get("/", follow_redirects=True).text
    (cell,) = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', text, re.DOTALL)
    told = re.sub("<[^>]*>", " ", cell).split()
    assert told[-1] == "some.package"
    assert len(told) == 2
    assert len(told[0]) == 48
    assert f'title="some.package:{name}"' in cell
    (link,) = re.findall(r'href="([^"]*)"', cell)
    one = client.get(html.unescape(link)).text
    assert "<h1>a_name" in one
    assert "95 % at most 2 s" in one


def test_the_page_of_a_function(page: Callable[[str], Any]) -> None:
    text = page("/function?name=shop:ask").text
    assert "<h1>ask" in text
    assert 'badge warning">code changed' in text
    shown = re.sub("<[^>]*>", "", text)
    assert "1 of its results (10 B) of version 2 was made by other code" in shown
    assert "results?function=shop%3Aask&amp;version=2&amp;outdated=" in text
    assert "1 result is of other versions than the newest one, which has version 2" in shown
    assert "remove?function=shop%3Aask&amp;version=1" in text
    assert "also those that ran at the same time" in text
    assert "In 24 hours: 30 hits, 10 runs" in text
    assert text.index(f"{2:032x}") < text.index(f"{1:032x}"), "the newest result first"
    assert "results?function=shop%3Aask" in text
    assert "remove?function=shop%3Aask" in text
    assert "<script>" not in text
    assert "\x1b" not in text
    for span, label in (("7d", "7 days"), ("90d", "90 days")):
        assert f"In {label}: 37 hits, 10 runs" in page(f"/function?name=shop:ask&since={span}").text


def test_results_of_an_earlier_version_are_not_called_given(visit: Callable[..., Any]) -> None:
    metadata = MemoryMetadataStore()
    put_rows(
        metadata,
        *[
            row(1, "shop:ask", version="1", code="aa:1"),
            row(2, "shop:ask", version=None, code="aa:1"),
            row(3, "shop:ask", version="2", code="bb:1"),
        ],
    )
    client = visit(bs.open_store(metadata, config=False))
    base = client.get("/", follow_redirects=False).headers["location"]
    text = client.get(f"{base}/function?name=shop:ask").text
    assert "code changed" not in text
    assert "They are still given" not in text
    assert "2 results are of other versions" in text


@pytest.mark.parametrize("name", ["", "shop:none", "*"])
def test_a_function_that_is_not_there(page: Callable[[str], Any], name: str) -> None:
    assert page(f"/function?name={name}").status_code == 404


def test_a_hostile_unit_is_text(visit: Callable[..., Any]) -> None:
    metadata = MemoryMetadataStore()
    metadata.add_counts([bs.Counts("shop:ask", HOUR, 2, 1, money_saved=0.25)])
    metadata.remark({"price_unit": "<b>\x1b"})
    text = visit(bs.open_store(metadata, config=False)).get("/").text
    assert r"0.25 &lt;b&gt;\x1b" in text


def test_why_nothing_is_stored_of_a_function(visit: Callable[..., Any]) -> None:
    metadata = MemoryMetadataStore()
    why = f"beautyspot could not make a key: {HOSTILE}"
    metadata.remark({"unstored shop:ask": why, "unstored shop:draw": why})
    put_rows(metadata, row(1, "shop:draw"))
    client = visit(bs.open_store(metadata, config=False))
    base = client.get("/", follow_redirects=False).headers["location"]
    found = client.get(base).text
    assert found.count("not stored</span>") == 1
    text = client.get(f"{base}/function?name=shop:ask").text
    assert "Its results are not stored, because beautyspot could not make a key" in text
    assert "Its results are not stored" not in client.get(f"{base}/function?name=shop:draw").text
    for each in (found, text):
        assert "<script>" not in each
        assert "\x1b" not in each
