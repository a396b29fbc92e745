"""Values, names and texts of somebody hostile: no script runs, and no request leaves."""

from __future__ import annotations

import re
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.spot import Spot
from browsing import attacks, hostile
from browsing.canary import Canary, listening
from browsing.served import Served, serving
from browsing.tabs import Tabs, logged_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browsing.chromium import Chromium
    from playwright.sync_api import Page

OPEN_AT_ONCE = 6
"""So many pages stay open while the next ones load: what a page does, it does in that time."""


@pytest.fixture(scope="module")
def trap() -> Iterator[Canary]:
    """The server that all attacks ask."""
    with listening() as canary:
        yield canary


@pytest.fixture(scope="module")
def keys(trap: Canary, tmp_path_factory: pytest.TempPathFactory) -> tuple[Spot, dict[str, str]]:
    """A store of attacks, and their keys by their names."""
    spot = Spot("hostile", directory=tmp_path_factory.mktemp("hostile"), config=False, strict=True)
    return spot, hostile.fill(spot, trap.origin)


@pytest.fixture(scope="module")
def attacked(chromium: Chromium, keys: tuple[Spot, dict[str, str]]) -> Iterator[tuple[Served, Any]]:
    """A dashboard of that store, and the cookies of somebody who may see it."""
    with serving(keys[0].db_path) as served:
        yield served, chromium.run(logged_in, chromium.browser, served.url)


@pytest.fixture
def victim(
    chromium: Chromium, attacked: tuple[Served, Any], trap: Canary
) -> Iterator[tuple[Served, Tabs]]:
    """That dashboard, and a browser that shows it."""
    trap.asked.clear()
    served, state = attacked
    tabs = Tabs(chromium.browser, served.origin, state)
    yield served, tabs
    chromium.run(tabs.close)


class Walk:
    """Opens URL after URL in one profile, in pages that take turns."""

    def __init__(self, tabs: Tabs, **options: Any) -> None:
        self.context = tabs.context(**options)
        self.before = self.context.cookies()
        self._pages = [self.context.new_page() for _ in range(OPEN_AT_ONCE)]
        self._turn = cycle(self._pages)

    def open(self, url: str) -> Page:
        """The page of a URL."""
        page = next(self._turn)
        go(page, url)
        return page

    def end(self) -> None:
        """Leave all pages, one after the other."""
        for _ in self._pages:
            go(next(self._turn), "about:blank")


def go(page: Page, url: str) -> None:
    """Open a URL, which may also begin a download."""
    from playwright.sync_api import Error

    try:
        page.goto(url)
    except Error as error:
        if "Download is starting" not in error.message:
            raise


def click(page: Page, selector: str) -> None:
    """Click on what a value offers, if it is there, wherever it is framed."""
    for frame in page.frames:
        if (found := frame.query_selector(selector)) and found.is_visible():
            found.dispatch_event("click")


@pytest.mark.parametrize("family", ["PAGES", "DRAWINGS", "DISGUISED", "WRITTEN"])
def test_no_script_of_a_value_runs_and_no_request_leaves(
    family: str,
    victim: tuple[Served, Tabs],
    keys: tuple[Spot, dict[str, str]],
    trap: Canary,
    chromium: Chromium,
) -> None:
    served, tabs = victim
    walk = Walk(tabs)
    harmed = []
    for each in getattr(attacks, family):
        key = keys[1][each.name]
        shown = walk.open(f"{served.path}/result/{key}")
        title, url = shown.title(), shown.url
        if each.click:
            click(shown, each.click)
        raw = walk.open(f"{served.path}/value/{key}")
        if each.click and each.name != "above":
            click(raw, each.click)
        if (shown.title(), shown.url) != (title, url) or "owned" in title + raw.title():
            harmed.append(each.name)
    walk.end()
    assert (harmed, trap.asked) == ([], [])
    assert not [fault for fault in tabs.faults if "dialog" in fault or "failed:" in fault]
    assert walk.context.cookies() == walk.before


@pytest.mark.slow
def test_without_defences_the_attacks_do_what_they_try(
    chromium: Chromium, victim: tuple[Served, Tabs], trap: Canary
) -> None:
    """Else that nothing happens would show nothing."""
    walk = Walk(victim[1], base_url=trap.origin)
    for each in attacks.ALL:
        trap.pages[f"/page/{each.name}"] = (each.content_type, each.armed(trap.origin))
        page = walk.open(f"{trap.origin}/page/{each.name}")
        if each.click:
            click(page, each.click)
    walk.end()
    told = {re.split(r"[/? ]|-\d", path)[1] for path in trap.asked}
    tame = [each.name for each in attacks.ALL if each.bites and each.name not in told]
    assert tame == []


@pytest.mark.parametrize("number", range(len(attacks.TEXTS)))
def test_texts_are_shown_as_they_are(
    number: int,
    chromium: Chromium,
    victim: tuple[Served, Tabs],
    keys: tuple[Spot, dict[str, str]],
    trap: Canary,
) -> None:
    """In names, versions, tags, arguments, content types, and in a value itself."""
    served, tabs = victim
    walk = Walk(tabs)
    for name in (f"text-{number}", f"type-{number}"):
        page = walk.open(f"{served.path}/result/{keys[1][name]}")
        assert page.locator("h1").count() == 1
        go(page, f"{served.path}/value/{keys[1][name]}")
    walk.end()
    assert trap.asked == []
    assert walk.context.cookies() == walk.before


def test_views_of_hostile_names_hold(
    chromium: Chromium, victim: tuple[Served, Tabs], trap: Canary
) -> None:
    served, tabs = victim
    walk = Walk(tabs)
    for path in ("", "/results"):
        page = walk.open(f"{served.path}{path}")
        assert page.locator("h1").count() == 1
    walk.end()
    assert trap.asked == []
    assert tabs.unexpected() == []
