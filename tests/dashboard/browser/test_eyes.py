"""For eyes, hands and screen readers: light and dark, wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from browsing.served import Served
    from browsing.stored import Stored
    from browsing.tabs import Tabs
    from playwright.sync_api import Page

SIZES = {"wide": {"width": 1280, "height": 800}, "narrow": {"width": 360, "height": 740}}

VIEWS = (
    "",
    "/results?limit=20",
    "/results?view=grid&limit=20",
    "/results?newer=7d&sort=largest&version=2&older=soon",
    "/remove",
    "/remove?key=f&show=1",
    "/remove?what=prune",
    "/limits",
    "/live",
    "/nowhere",
)
KINDS = ("picture", "tree", "frame", "mermaid", "code", "html", "matrix")
REST = (
    *("ask", "svg", "sound", "film", "pdf", "markdown", "json", "graphviz", "text", "csv"),
    *("other", "vector", "number", "sentence", "bytes"),
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


@pytest.mark.parametrize(
    "ways",
    [
        [("wide", "light"), ("narrow", "dark")],
        pytest.param([("wide", "dark"), ("narrow", "light")], marks=pytest.mark.slow),
    ],
)
def test_nobody_is_shut_out(
    ways: list[tuple[str, str]], served: Served, stored: Stored, tabs: Tabs
) -> None:
    tabs.expect("404", "400", "Blocked script execution")
    page = tabs.context(reduced_motion="reduce").new_page()
    keys = stored.keys["kinds"]
    paths = [*VIEWS, *(f"/result/{keys[kind]}" for kind in KINDS), f"/result/{keys['ask']}/why"]
    wrong = {}
    for path in ("/stores", *(served.path + path for path in paths)):
        page.goto(path)
        if found := examine(page, ways):
            wrong[path] = found
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.parametrize("kind", REST)
def test_nobody_is_shut_out_from_a_value(
    kind: str, served: Served, stored: Stored, tabs: Tabs
) -> None:
    path = f"{served.path}/result/{stored.keys['kinds'][kind]}"
    page = tabs.open(path, reduced_motion="reduce")
    ways = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
    assert examine(page, ways) == []


def test_light_and_dark_are_the_systems(served: Served, tabs: Tabs) -> None:
    page = tabs.open(served.path, color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(f"Math.max(...{ground}.match(/[0-9]+/g))") < 40
