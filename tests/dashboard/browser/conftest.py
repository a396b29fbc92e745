"""One browser and one dashboard a test process; every page is watched.

A test that asks for `tabs` has the marker `browser`, and runs in the browser's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.spot import Spot
from browsing import kinds
from browsing.canary import Canary, listening
from browsing.chromium import Chromium, missing
from browsing.served import Served, serving
from browsing.tabs import Tabs, logged_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Each test that asks for a browser has the marker `browser`."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Run the test in the browser's thread; then no page may have done what none must do."""
    given = pyfuncitem.funcargs
    if "chromium" not in given:
        return None
    arguments = {name: given[name] for name in pyfuncitem._fixtureinfo.argnames}
    chromium: Chromium = given["chromium"]
    chromium.run(pyfuncitem.obj, **arguments)
    if "tabs" in given:
        assert given["tabs"].unexpected() == []
    return True


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser."""
    if reason := missing():
        pytest.skip(reason)
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A database with a value of every kind, and the keys of these by the names of their kinds."""
    spot = Spot("kinds", directory=tmp_path_factory.mktemp("dashboard"), config=False, strict=True)
    keys = kinds.fill(spot)
    spot.shutdown()
    return spot.db_path, keys


@pytest.fixture(scope="session")
def served(stored: tuple[Path, dict[str, str]]) -> Iterator[Served]:
    """A dashboard of that database, by a process of its own; no test changes what it shows."""
    with serving(stored[0]) as dashboard:
        yield dashboard


@pytest.fixture(scope="session")
def state(chromium: Chromium, served: Served) -> Any:
    """The cookies of somebody who has opened the URL that it printed."""
    return chromium.run(logged_in, chromium.browser, served.url)


@pytest.fixture
def tabs(chromium: Chromium, served: Served, state: Any) -> Iterator[Tabs]:
    """Opens pages of that dashboard."""
    tabs = Tabs(chromium.browser, served.origin, state)
    yield tabs
    chromium.run(tabs.close)


@pytest.fixture
def canary() -> Iterator[Canary]:
    """A server of somebody else."""
    with listening() as canary:
        yield canary
