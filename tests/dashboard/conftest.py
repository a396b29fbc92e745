"""A dashboard that is asked as a browser asks it, without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot_dashboard import dashboard
from beautyspot_dashboard.values import child, running
from starlette.testclient import TestClient

BROWSER = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}
"""What a browser says of a link on a page that was followed."""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a store that nothing may change."""
    from dashboard.shops import filled

    return filled(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def own_shop(shop: Path, tmp_path: Path) -> Path:
    """The database of a copy of it."""
    from dashboard.shops import copied

    return copied(shop, tmp_path)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine counts slowly: pages wait for it, and keep nothing that may be old."""
    monkeypatch.setattr("beautyspot_dashboard.kept.SOON", 20.0)
    monkeypatch.setattr("beautyspot_dashboard.kept.LONG", 20.0)


@pytest.fixture
def processes() -> None:
    """For a test of what runs in a process of its own, as it does."""


@pytest.fixture(autouse=True)
def within(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """To start a process takes a while: what it would do is done in this one."""
    if "processes" in request.fixturenames:
        return
    start = running.run

    def run(job: str, words: Any, source: bytes = b"") -> running.Ran:
        if job not in ("coloured", "markdown", "table"):
            return start(job, words, source)
        try:
            return running.Ran(child.JOBS[job](source, *words), "")
        except Exception as error:
            return running.Ran(b"", str(error))

    monkeypatch.setattr(running, "run", run)
    monkeypatch.setattr(running, "decoding", lambda longest=400: nullcontext(fields_here(longest)))


def fields_here(longest: int) -> Callable[[Any], Any]:
    """What the child tells of rows, told by this process."""

    def fields(records: Any) -> Any:
        with bs.open_store("memory://", config=False) as store:
            return store.fields(records, longest)

    return fields


@pytest.fixture
def visit() -> Iterator[Callable[..., TestClient]]:
    """Makes a client of `dashboard(...)`; what is given goes there."""
    clients: list[TestClient] = []

    def make(*stores: Any, **options: Any) -> TestClient:
        app = dashboard(stores, **options)
        client = TestClient(app, base_url="http://localhost", headers=BROWSER)
        clients.append(client.__enter__())
        return client

    yield make
    for client in clients:
        client.__exit__(None, None, None)
