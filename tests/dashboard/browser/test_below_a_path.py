"""Mounted in an application: below a path of another server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
import uvicorn
from beautyspot.spot import Spot
from beautyspot_dashboard import dashboard
from browsing.tabs import Tabs
from starlette.applications import Starlette
from starlette.routing import Mount

BELOW = "/team/cache"


@pytest.fixture
def spot(make_spot: Callable[..., Spot]) -> Spot:
    """A Spot of this process, with one result."""
    spot = make_spot("mounted", limiter="600/min")
    spot.mark(lambda prompt: f"an answer to {prompt}", name="app:ask")("hello")
    return spot


@pytest.fixture
def mounted(spot: Spot) -> Iterator[str]:
    """The address of an application that runs here, with the dashboard in it."""
    app = Starlette(routes=[Mount(BELOW, dashboard(spots=spot, read_only=False))])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def walk(tabs: Tabs, origin: str) -> None:
    """From the first page to a result, by links; all that pages need comes along."""
    tabs.origins = {origin}
    page = tabs.context(base_url=origin).new_page()
    page.goto(f"{BELOW}/")
    page.locator("main").get_by_role("link", name="ask").first.click()
    page.get_by_role("link", name="All results").click()
    page.locator("tbody th").get_by_role("link").first.click()
    assert "an answer to" in page.locator("section.value").inner_text()
    page.get_by_role("link", name="Why did it run?").click()
    page.get_by_role("link", name="beautyspot").click()
    assert page.locator("h1").inner_text() == "Functions"
    page.wait_for_load_state()
    assert page.evaluate("getComputedStyle(document.querySelector('.top')).display") == "flex"
    page.locator("header").get_by_role("link", name="Live").click()
    page.get_by_text("Following.").wait_for()
    page.locator("header").get_by_role("link", name="Clean up").click()
    page.get_by_label("Search in arguments").fill("no such text")
    page.get_by_role("button", name="Show what would go").click()
    assert "No result matches" in page.locator("main").inner_text()
    assert page.url.startswith(f"{origin}{BELOW}/store/")


def test_mounted_in_an_application(mounted: str, tabs: Tabs) -> None:
    walk(tabs, mounted)
