"""Mounted in an application, and behind a proxy: below a path of another server."""

from __future__ import annotations

import socket
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import uvicorn
from beautyspot.spot import Spot
from beautyspot_dashboard import dashboard
from browsing.served import serving
from servers.ports import free_port
from starlette.applications import Starlette
from starlette.routing import Mount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from browsing.stored import Stored
    from browsing.tabs import Tabs

BELOW = "/team/cache"


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[str]:
    """The address of a dashboard within an application that runs here."""
    spot = Spot("mounted", directory=tmp_path, config=False)
    spot.mark(lambda prompt: f"an answer to {prompt}", name="app:ask")("hello")
    inner = dashboard(spots=spot, read_only=False)
    app = Starlette(routes=[Mount(BELOW, inner)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
    spot.shutdown()


def walk(tabs: Tabs, origin: str) -> None:
    """From the first page to a result, by links; all that pages need comes along."""
    tabs.origins = {origin}
    page = tabs.context(base_url=origin).new_page()
    page.goto(f"{BELOW}/")
    page.locator("main").get_by_role("link", name="ask").first.click()
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


@pytest.mark.slow
def test_behind_a_proxy(stored: Stored, tabs: Tabs) -> None:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    options = ("--port", str(port), "--behind-proxy", f"{origin}{BELOW}")
    with serving(stored.databases["changing"], options=options):
        walk(tabs, origin)
