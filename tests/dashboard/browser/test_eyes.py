"""For eyes, hands and screen readers: light and dark, wide and narrow."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from browsing.served import Served
    from browsing.stored import Stored
    from browsing.tabs import Tabs
    from playwright.sync_api import Page

SIZES = {"wide": {"width": 1280, "height": 800}, "narrow": {"width": 360, "height": 740}}

SWEEP = f"/runs?function={'a_sweep_' * 8}"

VIEWS = (
    "",
    f"{SWEEP}&where=seed+>+3",
    f"{SWEEP}&view=points&by=kind",
    "/results?newer=7d&sort=largest&version=2&older=soon",
    "/remove?key=f&show=1",
    "/live",
)
REST_OF_VIEWS = (
    *(
        SWEEP,
        f"{SWEEP}&view=lines",
        f"{SWEEP}&view=lines&column=score",
        f"{SWEEP}&where=x",
        "/runs",
    ),
    *("/results?limit=20", "/results?view=grid&limit=20", "/limits", "/remove", "/nowhere"),
    *("/remove?what=prune", "/remove?what=collect&show=1"),
)
KINDS = ("tree", "code")
REST_OF_KINDS = (
    *(
        "answer",
        "picture",
        "frame",
        "ask",
        "svg",
        "sound",
        "film",
        "pdf",
        "html",
        "markdown",
        "json",
        "mermaid",
        "graphviz",
    ),
    *("text", "csv", "other", "matrix", "vector", "number", "sentence", "bytes"),
)


def violations(page: Page) -> list[str]:
    """What axe finds on a page."""
    from axe_playwright_python.sync_playwright import Axe

    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(
        "() => axe.run(document, {resultTypes: ['violations'], iframes: false, elementRef: false})"
    )
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def settled(page: Page, path: str) -> None:
    """Open a page, and again while the store is being counted: it then loads itself anew."""
    page.goto(path)
    while page.locator('meta[http-equiv="refresh"]').count():
        page.goto(path)


def examine(page: Page, ways: Sequence[tuple[str, str]]) -> list[str]:
    """What is wrong with a page, for who sees it in these sizes and colour schemes."""
    wrong = []
    for size, scheme in ways:
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=scheme)
        wrong += [f"{size}, {scheme}: {text}" for text in violations(page)]
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            wrong.append(f"{size}: the body scrolls to its side, by {over} pixels")
    return wrong


WAYS = tuple((size, scheme) for scheme in ("light", "dark") for size in SIZES)


def paths(served: Served, stored: Stored, views: Sequence[str], kinds: Sequence[str]) -> list[str]:
    keys = stored.keys["kinds"]
    return [
        *(served.path + view for view in views),
        *(f"{served.path}/result/{keys[kind]}" for kind in kinds),
    ]


def test_nobody_is_shut_out(served: Served, stored: Stored, tabs: Tabs) -> None:
    """Each page in one of four ways, in turn."""
    tabs.expect("404", "400")
    page = tabs.context(reduced_motion="reduce").new_page()
    wrong, turns = {}, cycle(WAYS)
    for path in ["/stores", *paths(served, stored, VIEWS, KINDS)]:
        settled(page, path)
        if found := examine(page, [next(turns)]):
            wrong[path] = found
    assert wrong == {}


@pytest.mark.slow
def test_nobody_is_shut_out_from_any_page(served: Served, stored: Stored, tabs: Tabs) -> None:
    tabs.expect("404", "400", "Blocked script execution")
    page = tabs.context(reduced_motion="reduce").new_page()
    views, kinds = (*VIEWS, *REST_OF_VIEWS), (*KINDS, *REST_OF_KINDS)
    why = f"{served.path}/result/{stored.keys['kinds']['ask']}"
    wrong = {}
    marked = "&".join(f"key={key}" for key in list(stored.keys["kinds"].values())[:3])
    compare = f"{served.path}/compare?{marked}"
    for path in [
        "/stores",
        compare,
        f"{why}/why",
        f"{why}/check",
        *paths(served, stored, views, kinds),
    ]:
        settled(page, path)
        if found := examine(page, WAYS):
            wrong[path] = found
    assert wrong == {}


def test_light_and_dark_are_the_systems(served: Served, tabs: Tabs) -> None:
    page = tabs.open(served.path, color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(f"Math.max(...{ground}.match(/[0-9]+/g))") < 40
