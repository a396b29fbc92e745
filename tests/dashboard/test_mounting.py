"""A dashboard within the application of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import ConfigError, Spot
from beautyspot_dashboard import dashboard
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request


def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"the application at {request.url.path}")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that all tests here look at."""
    with Spot("app", directory=tmp_path_factory.mktemp("mounting"), config=False) as spot:
        spot.mark(name="shop:ask")(str.upper)("hello")
    return spot.db_path


@pytest.fixture
def within(store: Path) -> Callable[..., TestClient]:
    """A client of an application that has a dashboard at `/team/cache`."""

    def make(base_url: str = "http://localhost:8000", **options: Any) -> TestClient:
        inner = dashboard(store, **options)
        routes = [Route("/", home), Mount("/team", routes=[Mount("/cache", inner)])]
        return TestClient(Starlette(routes=routes), base_url=base_url, follow_redirects=False)

    return make


def test_its_pages_are_below_the_path(within: Callable[..., TestClient]) -> None:
    """No lifespan was run: the client is not entered."""
    client = within()
    assert client.get("/").text == "the application at /"
    there = client.get("/team/cache/").headers["location"]
    assert there == "/team/cache/store/app"
    page = client.get(there)
    assert "shop:ask" in page.text
    assert 'href="/team/cache/store/app/results?function=shop%3Aask"' in page.text
    assert 'href="/store' not in page.text
    assert client.get("/team/cache/static/style.css").status_code == 200


def test_it_asks_for_no_link_and_gives_no_cookie(within: Callable[..., TestClient]) -> None:
    page = within().get("/team/cache/stores?token=x")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers


def test_its_failures_are_pages_of_ours(within: Callable[..., TestClient]) -> None:
    page = within().get("/team/cache/store/none")
    assert page.status_code == 404
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert 'href="/team/cache/static/style.css"' in page.text


@pytest.mark.parametrize(
    ("hosts", "host", "wanted"),
    [
        ((), "localhost", 200),
        ((), "localhost:8000", 200),
        ((), "[::1]:8000", 200),
        ((), "team.example.com", 403),
        ((), "localhost:80@evil.example", 403),
        ((), "", 403),
        ("team.example.com", "team.example.com", 200),
        ("Team.example.com", "team.example.com:8443", 200),
        (["a.example", "b.example"], "b.example", 200),
        (["a.example"], "x.a.example", 403),
        (["a.example"], "a.example.", 403),
    ],
)
def test_the_names_that_it_has(
    within: Callable[..., TestClient], hosts: Any, host: str, wanted: int
) -> None:
    asked = within(hosts=hosts).get("/team/cache/stores", headers={"host": host})
    assert asked.status_code == wanted


@pytest.mark.parametrize(
    "hosts", ["team:8000", "https://team", "*", "", ["a", "b/c"], "*.example.com", "täm", "team."]
)
def test_a_wrong_name_is_said(hosts: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no name of a host"):
        dashboard(tmp_path, hosts=hosts)


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [("http://localhost:8000", 405), ("http://localhost:3000", 403), ("https://evil.example", 403)],
)
def test_who_changes_something_comes_from_here(
    within: Callable[..., TestClient], origin: str, wanted: int
) -> None:
    answer = within().post(
        "/team/cache/stores", headers={"origin": origin, "host": "localhost:8000"}
    )
    assert answer.status_code == wanted


def test_nothing_to_show_is_said() -> None:
    with pytest.raises(ConfigError, match="nothing to show"):
        dashboard()
