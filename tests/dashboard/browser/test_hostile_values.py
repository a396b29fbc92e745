"""Values, names and texts of somebody hostile: no script runs, and no request leaves."""

from __future__ import annotations

import re
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from browsing import attacks

if TYPE_CHECKING:
    from browsing.canary import Canary
    from browsing.served import Served
    from browsing.stored import Stored
    from browsing.tabs import Tabs
    from playwright.sync_api import Page

OPEN_AT_ONCE = 6
"""So many pages stay open while the next ones load: what a page does, it does in that time."""


HIDDEN = frozenset("\x00\x07\x1b\u200b\u2028\u202e\u2066")
"""What changes how a text looks, or what it seems to say."""


@pytest.fixture
def keys(stored: Stored, trap: Canary) -> dict[str, str]:
    """The keys of the hostile values by their names; nobody has asked for anything yet."""
    trap.asked.clear()
    return stored.keys["hostile"]


class Walk:
    """Opens URL after URL, in pages that take turns."""

    def __init__(self, tabs: Tabs) -> None:
        self._pages = [tabs.page() for _ in range(OPEN_AT_ONCE)]
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


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_no_script_of_a_value_runs_and_no_request_leaves(
    step: int, served: Served, tabs: Tabs, keys: dict[str, str], trap: Canary
) -> None:
    tabs.expect("")
    walk, before = Walk(tabs), tabs.profile.context.cookies()
    harmed = []
    for each in attacks.ALL[::step]:
        key = keys[each.name]
        shown = walk.open(f"{served.at('hostile')}/result/{key}")
        title, url = shown.title(), shown.url
        if each.click:
            click(shown, each.click)
        raw = walk.open(f"{served.at('hostile')}/value/{key}")
        if each.click and each.name != "above":
            click(raw, each.click)
        assert each not in attacks.PAGES or raw.title() in ("hello", "", each.name), raw.title()
        if (shown.title(), shown.url) != (title, url) or "owned" in title + raw.title():
            harmed.append(each.name)
    walk.end()
    assert (harmed, trap.asked) == ([], [])
    seen = ("a dialog", "a script failed", "the server failed")
    assert [fault for fault in tabs.faults if fault.startswith(seen)] == []
    assert tabs.profile.context.cookies() == before


@pytest.mark.slow
def test_without_defences_the_attacks_do_what_they_try(tabs: Tabs, trap: Canary) -> None:
    """Else that nothing happens would show nothing."""
    tabs.expect("")
    walk = Walk(tabs)
    for each in attacks.ALL:
        trap.pages[f"/page/{each.name}"] = (each.content_type, each.armed(trap.origin))
        page = walk.open(f"{trap.origin}/page/{each.name}")
        if each.click:
            click(page, each.click)
    walk.end()
    told = {re.split(r"[/? ]|-\d", path)[1] for path in trap.asked}
    tame = [each.name for each in attacks.ALL if each.bites and each.name not in told]
    assert tame == []


def test_texts_are_shown_as_they_are(
    served: Served, tabs: Tabs, keys: dict[str, str], trap: Canary
) -> None:
    """In names, versions, tags, arguments, content types, and in a value itself."""
    walk, before = Walk(tabs), tabs.profile.context.cookies()
    for name, text in [
        ("texts", ""),
        *((f"text-{n}", text) for n, text in enumerate(attacks.TEXTS)),
    ]:
        page = walk.open(f"{served.at('hostile')}/result/{keys[name]}")
        assert page.locator("h1").count() == 1, (name, text)
        assert set(page.content()).isdisjoint(HIDDEN), (name, text)
        assert "7*7" not in text or "7*7" in page.locator("h1").inner_text()
        walk.open(f"{served.at('hostile')}/value/{keys[name]}")
    walk.end()
    assert trap.asked == []
    assert tabs.profile.context.cookies() == before


def test_views_of_hostile_names_hold(
    served: Served, tabs: Tabs, keys: dict[str, str], trap: Canary
) -> None:
    tabs.expect("/value/")  # of what is no picture, there is none
    walk = Walk(tabs)
    listed = tabs.open(f"{served.at('hostile')}/runs?function=runs")
    marked = listed.locator("[name=key]").evaluate_all("all => all.map(each => each.value)")
    assert len(marked) == 2
    compared = [f"/compare?key={marked[0]}&key={marked[1]}"]
    for path in (
        "",
        "/results",
        "/results?limit=200",
        "/results?view=grid",
        "/runs?function=runs",
        "/runs?function=runs&view=points",
        "/runs?function=runs&view=lines",
        *compared,
        "/remove?function=*&show=1",
        "/live",
    ):
        page = walk.open(f"{served.at('hostile')}{path}")
        assert page.locator("h1").count() == 1
        assert set(page.content()).isdisjoint(HIDDEN), path
    walk.end()
    assert trap.asked == []


@pytest.mark.parametrize("name", ["script-file", "html-as-json", "gif-script", "html-as-anything"])
def test_a_value_is_no_script_of_our_pages(
    name: str, served: Served, tabs: Tabs, keys: dict[str, str], trap: Canary
) -> None:
    """Even if somebody could bring a page of ours to load it."""
    tabs.expect("Refused to execute", "net::ERR", "MIME type", "unsupported", "/value/")
    page = tabs.open(f"{served.at('hostile')}/results")
    url = f"{served.at('hostile')}/value/{keys[name]}"
    loaded = page.evaluate(
        """url => new Promise(done => {
            const script = document.createElement('script')
            Object.assign(script, {src: url, onload: () => done(true), onerror: () => done(false)})
            document.body.append(script)
        })""",
        url,
    )
    worker = "url => navigator.serviceWorker.register(url).then(() => true, () => false)"
    assert (loaded, page.evaluate(worker, url)) == (False, False)
    assert trap.asked == []
