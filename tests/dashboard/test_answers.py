"""Responses of language models: what was asked beside what was answered."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from dashboard.reading import words
from dashboard.shops import HOSTILE

CALL = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"q": "sun"}'}}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with responses of a model."""
    with bs.Spot("llm", directory=tmp_path_factory.mktemp("llm"), config=False) as spot:

        @spot.mark(name="ask", price=lambda response: 0.25)
        def ask(model: str, messages: list[dict[str, str]]) -> dict[str, Any]:
            text = messages[-1]["content"]
            message = {"role": "assistant", "content": f"The answer to\n{text}"}
            if text == "search":
                message |= {"content": None, "tool_calls": [CALL]}
            usage = {"prompt_tokens": 1200, "completion_tokens": 34}
            choice = {"index": 0, "message": message}
            return {"model": model, "choices": [choice], "usage": usage}

        for text in ("good morning", "search", HOSTILE, "long" * 1000):
            brief = {"role": "system", "content": "Be brief.\nBe kind."}
            ask("small", [brief, {"role": "user", "content": text}])
        return spot.db_path


@pytest.fixture
def page(database: Path, visit: Callable[..., Any]) -> Callable[..., str]:
    """The text of the page of a response, by what was asked for."""
    client = visit(str(database))
    with bs.open_store(database, config=False) as store:
        keys = [row.cache_key for row in store.rows("oldest")]
    return lambda number, query="": client.get(f"/store/llm/result/{keys[number]}{query}").text


def test_prompt_and_answer_stand_beside_each_other(page: Callable[..., str]) -> None:
    told = words(page(0))
    assert "answer of small" in told
    assert "1,200 tokens in · 34 tokens out · 0.25 · " in told
    assert "messages · system Be brief. Be kind. messages · user good morning" in told
    assert told.endswith("Answered The answer to good morning")
    tree = words(page(0, "?as=tree"))
    assert "choices" in tree
    assert "Answered" not in tree
    assert "role" in words(page(0, "?at=1.0.1")), "a part is a tree"


def test_tool_calls_are_told(page: Callable[..., str]) -> None:
    assert words(page(1)).endswith('Answered calls find {"q": "sun"}')


def test_what_is_hostile_or_cut_is_a_text(page: Callable[..., str]) -> None:
    text = page(2)
    assert "<script" not in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert "alert(1)" in words(text)
    cut = words(page(3))
    assert "longlong" in cut
    assert "messages" in cut
    assert html.unescape("long" * 1000) in cut, "the answer is whole"


def test_the_gallery_shows_answers_texts_and_fields(
    database: Path, shop: Path, tmp_path: Path, visit: Callable[..., Any]
) -> None:
    grid = visit(str(database)).get("/store/llm/results?view=grid").text
    assert '<span class="gist" dir="auto">The answer to\ngood morning</span>' in grid
    assert "tool_calls: find(" in html.unescape(grid)
    assert "<script" not in grid
    assert not {"\x1b", "\u202e"} & set(grid)
    with bs.Spot("sums", directory=tmp_path, config=False) as spot:
        spot.mark(lambda number: {"mean": number / 3, "count": number}, name="sums")(1)
    grid = visit(str(spot.db_path)).get("/store/sums/results?view=grid").text
    assert ">mean: 0.333333\ncount: 1</span>" in grid
    grid = visit(str(shop)).get("/store/shop/results?view=grid&limit=200").text
    assert ">small: good morning, number 3</span>" in grid
    assert ">value<" not in grid
