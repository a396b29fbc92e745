"""The functions of a store, as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


def test_each_function_is_a_line(spot: Spot, visit: Callable[..., Any]) -> None:
    @spot.mark(name="shop:ask")
    def ask(prompt: str) -> str:
        return prompt

    ask("hello")
    page = visit(str(spot.db_path)).get("/")
    assert page.status_code == 200
    assert "shop:ask" in page.text
