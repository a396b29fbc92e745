"""One browser and one dashboard a test process; every page is watched.

A test that asks for `tabs` has the marker `browser`, and runs in the browser's thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from beautyspot.spot import Spot
from browsing.canary import Canary, listening
from browsing.chromium import Chromium, missing
from browsing.served import Served, serving
from browsing.stored import Stored
from browsing.tabs import Profile, Tabs


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
def trap() -> Iterator[Canary]:
    """The server that all hostile values ask; none may reach it."""
    with listening() as canary:
        yield canary


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory, trap: Canary) -> Stored:
    """Three databases: `kinds` and `hostile`, which no test changes, and `changing`."""
    from browsing import hostile, kinds  # with pandas, which takes long to import

    folder = tmp_path_factory.mktemp("dashboard")
    fill = {"kinds": kinds.fill, "hostile": partial(hostile.fill, origin=trap.origin)}
    keys, databases = {}, {}
    for name in ("kinds", "hostile", "changing"):
        spot = Spot(name, directory=folder / name, config=False, strict=True, limiter="600/min")
        keys[name] = fill.get(name, kinds.ask_often)(spot)
        databases[name] = spot.db_path
        spot.shutdown()
    return Stored(databases, keys)


@pytest.fixture(scope="session")
def served(stored: Stored) -> Iterator[Served]:
    """A dashboard of all three, by a process of its own."""
    with serving(*stored.databases.values()) as dashboard:
        yield dashboard


@pytest.fixture(scope="session")
def profile(chromium: Chromium, served: Served) -> Profile:
    """The browser of somebody who has opened the URL that the dashboard printed."""
    return chromium.run(Profile, chromium.browser, served.origin, served.url)


@pytest.fixture
def tabs(chromium: Chromium, profile: Profile) -> Iterator[Tabs]:
    """Opens pages of that dashboard."""
    tabs = Tabs(profile)
    yield tabs
    chromium.run(tabs.close)


@pytest.fixture
def canary() -> Iterator[Canary]:
    """A server of somebody else."""
    with listening() as canary:
        yield canary
