"""The page that follows what comes in, without being loaded anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.spot import Spot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from browsing.served import Served
    from browsing.stored import Stored
    from browsing.tabs import Tabs
    from playwright.sync_api import Page


@pytest.fixture
def ask(stored: Stored) -> Iterator[Callable[..., Any]]:
    """Stores a result in `changing`, from another process than the dashboard's."""
    database = stored.databases["changing"]
    spot = Spot("changing", directory=database.parent, config=False, strict=True)

    def call(name: str, prompt: str) -> None:
        spot.mark(lambda prompt: prompt, name=name)(prompt)

    yield call
    spot.shutdown()


def following(tabs: Tabs, served: Served) -> Page:
    page = tabs.open(f"{served.at('changing')}/live")
    page.get_by_text("Following.").wait_for()
    page.evaluate("window.same = 'page'")
    return page


def test_what_is_stored_appears_by_itself_and_is_text(
    served: Served, tabs: Tabs, ask: Callable[..., Any]
) -> None:
    page = following(tabs, served)
    name = "live:<script>alert(1)</script><b onclick=a>"
    ask(name, "</td></tr><iframe src=/>")
    page.locator("tbody tr", has_text="<iframe").wait_for()
    assert page.locator("tbody iframe, tbody script, tbody [onerror]").count() == 0
    assert name.partition(":")[2] in page.locator("tbody tr").first.inner_text()
    ask("live:fresh", "quite fresh")
    row = page.locator("tbody tr", has_text="quite fresh")
    row.wait_for()
    assert page.locator("tbody tr").first.inner_text() == row.inner_text()
    assert page.evaluate("window.same") == "page"
    row.get_by_role("link").first.click()
    assert "quite fresh" in page.locator("section.value").inner_text()


def test_a_pause_holds_what_comes_back(served: Served, tabs: Tabs, ask: Callable[..., Any]) -> None:
    page = following(tabs, served)
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_text("Paused.").is_visible()
    ask("live:later", "while it paused")
    page.get_by_role("button", name="Go on").click()
    page.locator("tbody tr", has_text="while it paused").wait_for()
