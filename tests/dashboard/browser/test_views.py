"""Each view by clicking, with the keyboard, without JavaScript, and below a path of a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browsing.served import Served
    from browsing.stored import Stored
    from browsing.tabs import Tabs
    from playwright.sync_api import Locator, Page


def go(link: Locator, page: Page) -> None:
    """Click what leads to another page, and wait for that."""
    with page.expect_navigation():
        link.click()


def rows(page: Page) -> list[str]:
    """The head of each row."""
    return page.locator("main tbody th").all_inner_texts()


@pytest.mark.parametrize("scripts", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_from_the_first_page_to_a_removal(
    scripts: bool, served: Served, stored: Stored, tabs: Tabs
) -> None:
    page = tabs.open("/", java_script_enabled=scripts)
    go(page.get_by_role("link", name="changing").first, page)
    assert page.locator("h1").inner_text() == "Functions"
    go(page.locator("main").get_by_role("link", name="ask").first, page)
    assert page.locator("h1").inner_text() == "ask"
    assert page.locator(".figure", has_text="Hits").locator("dd").first.inner_text() == "2"
    go(page.get_by_role("link", name="All results"), page)

    page.get_by_label("Search in arguments").fill("question 01")
    go(page.get_by_role("button", name="Search"), page)
    assert len(rows(page)) == 10
    go(page.locator("main").get_by_text("Without all"), page)

    go(page.get_by_role("link", name="Took"), page)
    assert page.locator("th[aria-sort]").inner_text().startswith("Took")
    go(page.get_by_role("link", name="Made"), page)
    first = rows(page)[0]
    go(page.get_by_role("link", name="Next page"), page)
    assert rows(page)[0] != first
    go(page.get_by_role("link", name="First page"), page)
    assert rows(page)[0] == first

    number = "111" if scripts else "112"
    page.get_by_label("Search in arguments").fill(f"question {number}")
    go(page.get_by_role("button", name="Search"), page)
    go(page.locator("tbody").get_by_role("link", name=f"question {number}"), page)
    shown = page.url
    assert f"an answer to question {number}" in page.locator("section.value").inner_text()
    go(page.get_by_role("link", name="Why did it run?"), page)
    assert "differs" in page.locator("main").inner_text()
    go(page.get_by_role("link", name="← The result"), page)
    go(page.get_by_role("link", name="Is it sound?"), page)
    assert "Sound." in page.locator("main").inner_text()
    go(page.get_by_role("link", name="Remove…"), page)
    go(page.get_by_role("button", name="Show what would go"), page)
    assert "What would go" in page.locator("main").inner_text()
    go(page.get_by_role("button", name="Remove 1 result"), page)
    page.get_by_role("heading", name="Removed").wait_for()
    tabs.expect("404")
    gone = page.goto(shown)
    assert gone is not None
    assert gone.status == 404


def test_by_the_keyboard_alone(served: Served, tabs: Tabs) -> None:
    page = tabs.open(served.path)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.locator(":focus").bounding_box()["x"] >= 0  # it is seen, then
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(40):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("document.activeElement.textContent").strip().endswith("ask"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/function?**")
    assert page.locator("h1").inner_text() == "ask"


def test_a_sweep_is_sorted_narrowed_and_compared(served: Served, tabs: Tabs) -> None:
    page = tabs.open(f"{served.path}/function?name=kinds:ask")
    go(page.get_by_role("link", name="Runs", exact=True), page)
    page.get_by_label("Condition").fill("temperature = 0.7")
    go(page.get_by_role("button", name="Show"), page)
    assert len(rows(page)) == 1
    page.goto(f"{served.path}/runs?function={'a_sweep_' * 8}")
    for expected in ("descending", "ascending"):
        go(page.get_by_role("link", name="score", exact=True), page)
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == expected
    for number in range(2):
        page.get_by_role("checkbox", name="Compare").nth(number).check()
    go(page.get_by_role("button", name="Compare those marked"), page)
    assert "differs" in page.locator("tbody tr").first.inner_text()
    assert page.locator(".diff .tok-gd").count()


def test_a_point_is_reached_by_the_keyboard_and_leads_to_its_result(
    served: Served, tabs: Tabs
) -> None:
    page = tabs.open(f"{served.path}/runs?function={'a_sweep_' * 8}")
    go(page.get_by_role("link", name="Points"), page)
    page.get_by_label("Colour").select_option("kind")
    go(page.get_by_role("button", name="Draw"), page)
    assert page.locator("figure circle").count() == 24 + 3, "and a legend of three"
    page.get_by_role("link", name="Skip the picture").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("rate = ")
    thick = "getComputedStyle(document.activeElement.querySelector('circle')).strokeWidth"
    assert page.evaluate(thick) == "3px", "it is seen where the focus is"
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("h1").inner_text().startswith("a_sweep_")
