"""Who may ask a dashboard: hosts, tokens, origins, and the headers of every answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import Spot
from beautyspot_dashboard.access import Door, Gate
from beautyspot_dashboard.app import make_app
from beautyspot_dashboard.board import make_board
from starlette.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response
    from starlette.types import ASGIApp, Message

PORT = 8765
HOST = f"127.0.0.1:{PORT}"
OURS = f"http://{HOST}"
LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
SECRET = "a prompt of somebody"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that all tests here look at, in a folder `cache`."""
    found = tmp_path_factory.mktemp("access") / "cache"
    with Spot("app", directory=found, config=False) as spot:
        spot.mark(name="shop:ask")(str.upper)(SECRET)
    return found


class Served:
    """A dashboard of a server of its own."""

    def __init__(self, folder: Path) -> None:
        self.door = Door(PORT)
        self.app = Gate(make_app(make_board(str(folder), read_only=False)), door=self.door)
        self.client = self.browser()

    def browser(self) -> TestClient:
        """Another browser; it knows no cookie, follows no redirect, and adds no header."""
        client = TestClient(self.app, base_url=OURS, follow_redirects=False)
        client.headers.clear()
        return client

    def ask(self, path: str = "/stores", method: str = "GET", **headers: str) -> Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, path, headers={"host": HOST, **given})

    def enter(self) -> None:
        assert self.ask(f"/?token={self.door.token}").status_code == 303


@pytest.fixture
def served(folder: Path) -> Served:
    return Served(folder)


@pytest.fixture(scope="module")
def inside(folder: Path) -> Iterator[Served]:
    found = Served(folder)
    with found.client:
        found.enter()
        yield found


# -------------------------------------------------------------------------- the link and its cookie


def test_the_link_opens_and_is_not_in_the_address_any_more(served: Served) -> None:
    opened = served.ask(f"/store/app/results?function=a%26b&token={served.door.token}")
    assert (opened.status_code, opened.text) == (303, "")
    assert opened.headers["location"] == "/store/app/results?function=a%26b"
    name, *rest = opened.headers["set-cookie"].split("; ")
    assert name.startswith(f"beautyspot-{PORT}=")
    assert {each.lower() for each in rest} == {"path=/", "httponly", "samesite=strict"}
    assert served.door.token not in opened.headers["set-cookie"]
    assert opened.headers["referrer-policy"] == "no-referrer"
    assert SECRET in served.ask("/store/app/results").text


def test_without_it_all_pages_are_the_same(served: Served) -> None:
    first = served.ask("/").text.replace('href="/"', "")
    with served.client:
        for path in ("/", "/stores", "/store/app", "/store/none", "/nothing"):
            for query in ("", "?token=", "?token=wrong", "?token=%C3%A9", "?token=%00"):
                page = served.ask(path + query)
                assert page.status_code == 403
                assert page.text.replace(f'href="{path}"', "") == first


@pytest.mark.parametrize(
    "cookie",
    ["", "beautyspot-8765", "beautyspot-8765=", "beautyspot-8765=é", "=; ;", "beautyspot-8766=x"],
)
def test_another_cookie_opens_nothing(served: Served, cookie: str) -> None:
    asked = served.browser().get(
        "/stores", headers=[(b"host", HOST.encode()), (b"cookie", cookie.encode("latin-1"))]
    )  # type: ignore[arg-type]
    assert asked.status_code == 403


def test_behind_a_link_of_others_a_page_of_ours_asks_again_once(served: Served) -> None:
    """The browser does not show a strict cookie there, nor behind a redirect of it."""
    link = "/store/app/results?arguments=<b>"
    welcome = served.ask(link, sec_fetch_site="cross-site", **LINK)
    assert welcome.status_code == 403
    assert 'content="0; url=/store/app/results?arguments=%3Cb%3E"' in welcome.text
    again = served.ask(link, sec_fetch_site="same-origin", **LINK)
    assert "http-equiv" not in again.text
    assert "in the terminal" in again.text
    served.enter()
    assert served.ask(link, sec_fetch_site="same-origin", **LINK).status_code == 200


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "///evil.example", "/\\evil.example", "/%5C%5Cevil.example"]
)
def test_no_link_leads_to_another_server(served: Served, path: str) -> None:
    page = served.browser().get(f"{OURS}{path}?token={served.door.token}")
    location = page.headers["location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


# ----------------------------------------------------------------------------------------- its name


@pytest.mark.parametrize("host", [HOST, f"localhost:{PORT}", f"[::1]:{PORT}"])
def test_it_answers_by_its_names(inside: Served, host: str) -> None:
    assert inside.ask(host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        f"{HOST}@evil.example",
        f"evil.example@{HOST}",
        "127.0.0.1",
        "127.0.0.1:",
        f"[::ffff:127.0.0.1]:{PORT}",
        f"127.1:{PORT}",
        f"{HOST}, {HOST}",
        "",
    ],
)
def test_it_answers_by_no_other(inside: Served, host: str) -> None:
    page = inside.ask(host=host)
    assert page.status_code == 403
    assert HOST in page.text
    assert SECRET not in page.text


def test_two_names_or_none_are_refused(inside: Served) -> None:
    for hosts in ([], [HOST, HOST], ["evil.example", HOST]):
        assert status(inside, headers=[(b"host", each.encode()) for each in hosts]) == 403


def status(served: Served, **scope: Any) -> int:
    """The answer to a request that no client would make."""

    cookie = "; ".join(f"{name}={value}" for name, value in served.client.cookies.items())
    given: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/stores",
        "query_string": b"",
        **scope,
    }
    given.setdefault("headers", [(b"host", HOST.encode())])
    given["headers"].append((b"cookie", cookie.encode()))
    found: int = sent_to(served.app, given)[0]["status"]
    return found


def sent_to(app: ASGIApp, scope: dict[str, Any]) -> list[Message]:
    """What is answered to a request of which nothing is read but its head."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read of what is refused")

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    return sent


# ---------------------------------------------------------------------------------- which page asks

SEEN = 200
LET_THROUGH = 405
"""Of a method that the page does not have."""


@pytest.mark.parametrize(
    ("method", "headers", "wanted"),
    [
        ("GET", {}, SEEN),
        ("GET", {"sec_fetch_site": "same-origin"}, SEEN),
        ("GET", {"sec_fetch_site": "cross-site", **LINK}, SEEN),
        ("GET", {"sec_fetch_site": "cross-site"}, 403),
        ("GET", {"sec_fetch_site": "same-site"}, 403),
        ("GET", {"sec_fetch_site": "cross-site", **LINK, "sec_fetch_dest": "iframe"}, 403),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_dest": "image"}, 403),
        ("GET", {"origin": "https://evil.example"}, 403),
        ("GET", {"sec_fetch_site": "same-origin", "origin": "http://127.0.0.1:3000"}, 403),
        ("POST", {"sec_fetch_site": "same-origin", "origin": OURS}, LET_THROUGH),
        ("POST", {"origin": OURS}, LET_THROUGH),
        ("POST", {"sec_fetch_site": "same-origin"}, 403),
        ("POST", {"sec_fetch_site": "same-origin", "origin": "null"}, 403),
        ("POST", {}, 403),
        ("POST", {"origin": "null"}, 403),
        ("POST", {"origin": "https://evil.example"}, 403),
        ("POST", {"origin": f"http://localhost:{PORT}"}, 403),
        ("POST", {"sec_fetch_site": "same-site", "origin": OURS}, 403),
        ("POST", {"sec_fetch_site": "same-origin", "origin": "https://evil.example"}, 403),
        ("PURGE", {}, 403),
    ],
)
def test_only_own_pages_change_or_load(
    inside: Served, method: str, headers: dict[str, str], wanted: int
) -> None:
    answer = inside.ask("/stores", method, **headers)
    assert answer.status_code == wanted
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("name", ["origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"])
def test_what_is_said_twice_is_refused(inside: Served, name: str) -> None:
    said = {
        "origin": OURS,
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    if name != "origin":
        del said["origin"]
    headers = [(key.encode(), value.encode()) for key, value in {"host": HOST, **said}.items()]
    twice = [*headers, (name.encode(), said[name].encode())]
    assert status(inside, headers=twice) == 403


# ---------------------------------------------------------------------------- headers, and failures


@pytest.mark.parametrize(
    ("path", "method"),
    [("/stores", "GET"), ("/nothing", "GET"), ("/store/none", "GET"), ("/stores", "POST")],
)
@pytest.mark.parametrize("is_inside", [True, False])
def test_every_answer_has_its_headers(
    served: Served, path: str, method: str, is_inside: bool
) -> None:
    if is_inside:
        served.enter()
    headers = served.ask(path, method, origin=OURS).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "private, no-store"


def test_a_fault_of_ours_shows_nothing_of_it(
    inside: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("beautyspot_dashboard.board.Shelved.store", fail)
    client = TestClient(
        inside.app, base_url=OURS, cookies=inside.client.cookies, raise_server_exceptions=False
    )
    monkeypatch.setattr(inside, "client", client)
    page = inside.ask("/store/app")
    assert page.status_code == 500
    assert SECRET not in page.text
    assert "Traceback" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
