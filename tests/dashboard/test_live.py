"""A page that follows what comes into a store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.spot import Spot

PAGE = "/store/app/live"


def prompts(html: str) -> list[str]:
    return re.findall(r"prompt=&#39;(\w+)&#39;", html)


@pytest.fixture
def ask(spot: Spot) -> Callable[[str], str]:
    @spot.mark(name="shop:ask")
    def ask(prompt: str) -> str:
        return prompt

    marked: Callable[[str], str] = ask
    return marked


def test_the_page_shows_the_newest_and_asks_for_them_anew(
    ask: Callable[[str], str], spot: Spot, visit: Callable[..., Any]
) -> None:
    client = visit(spot.db_path)
    ask("first")
    page = client.get(PAGE).text
    assert prompts(page) == ["first"]
    assert "load the page anew" in page, "where no scripts run"
    assert "ls --rows" in page
    part = re.findall('data-live="([^"]*)"', page)[0]
    ask("second")
    answer = client.get(part)
    assert prompts(answer.text) == ["second", "first"]
    assert "<html" not in answer.text
    assert answer.headers["cache-control"] == "private, no-store"


def test_texts_are_escaped(
    ask: Callable[[str], str], spot: Spot, visit: Callable[..., Any]
) -> None:
    ask("<script>alert(1)</script>\u202e")
    text = visit(spot.db_path).get(f"{PAGE}/part").text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text


def test_a_store_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, make_spot: Callable[..., Spot], visit: Callable[..., Any]
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    client = visit(folder)
    for path in (PAGE, f"{PAGE}/part"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "there is no store in" in answer.text
        assert "It is tried again each second" in answer.text
    make_spot(directory=folder).mark(name="shop:ask")(str.upper)("hello")
    text = client.get(f"{PAGE}/part").text
    assert "hello" in text
    assert "there is no store in" not in text
