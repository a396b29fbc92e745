"""Each view by clicking."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from browsing.served import Served
    from browsing.tabs import Tabs


def test_from_the_first_page_to_a_result(served: Served, tabs: Tabs) -> None:
    page = tabs.open("/")
    page.get_by_role("link", name="kinds:ask").click()
    page.get_by_role("link", name="Alice").click()
    assert "an answer to good morning, Alice" in page.locator("main").inner_text()
