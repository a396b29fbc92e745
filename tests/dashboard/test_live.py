"""A page that follows what comes into a store."""

from __future__ import annotations

import asyncio
import re
import signal
from typing import TYPE_CHECKING, Any, NamedTuple

import beautyspot as bs
import pytest
from beautyspot_dashboard import dashboard
from beautyspot_dashboard.news import Feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beautyspot.spot import Spot
    from starlette.types import ASGIApp, Message

EVENTS = "/store/app/live/events"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look as often as possible."""
    monkeypatch.setattr("beautyspot_dashboard.streaming.PERIOD", 0)
    monkeypatch.setattr("beautyspot_dashboard.news.PERIOD", 0)


class Told(NamedTuple):
    """An event as a browser reads it."""

    id: str
    how: str
    element: str
    html: str


def told_by(text: str) -> Iterator[Told]:
    for block in text.split("\n\n"):
        fields = [line.partition(": ")[::2] for line in block.split("\n")]
        data = "\n".join(value for name, value in fields if name == "data")
        if data:
            head, _, html = data.partition("\n")
            yield Told(dict(fields)["id"], *head.split(" "), html)


class Browser:
    """Follows a stream until `enough` says so of all that was told."""

    def __init__(self, app: ASGIApp, path: str = EVENTS, method: str = "GET") -> None:
        self.app, self.path, self.method = app, path, method
        self.text, self.headers = "", {}

    def follow(self, enough: Callable[[list[Told]], object], last: str | None = None) -> list[Told]:
        asyncio.run(asyncio.wait_for(self._follow(enough, last), 60))
        return self.told

    @property
    def told(self) -> list[Told]:
        return list(told_by(self.text))

    async def _follow(self, enough: Callable[[list[Told]], object], last: str | None) -> None:
        gone = asyncio.Event()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self.text += message.get("body", b"").decode()
            if enough(self.told):
                gone.set()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        headers = [(b"host", b"localhost"), (b"sec-fetch-site", b"same-origin")]
        if last is not None:
            headers.append((b"last-event-id", last.encode()))
        scope: dict[str, Any] = {
            "type": "http",
            "method": self.method,
            "path": self.path,
            "query_string": b"",
            "headers": headers,
        }
        await self.app(scope, receive, send)


def rows(told: list[Told]) -> list[Told]:
    return [each for each in told if each.element == "rows"]


def prompts(html: str) -> list[str]:
    return re.findall(r"prompt=&#39;(\w+)&#39;", html)


@pytest.fixture
def ask(spot: Spot) -> Callable[[str], str]:
    @spot.mark(name="shop:ask")
    def ask(prompt: str) -> str:
        return prompt

    marked: Callable[[str], str] = ask
    return marked


# ----------------------------------------------------------------------------------------- the page


def test_the_page_shows_the_newest_without_scripts(
    ask: Callable[[str], str], spot: Spot, visit: Callable[..., Any]
) -> None:
    ask("first")
    ask("second")
    page = visit(spot.db_path).get("/store/app/live")
    assert prompts(page.text) == ["second", "first"]
    assert f'data-stream="{EVENTS}"' in page.text
    assert "load the page anew" in page.text
    assert "ls --rows" in page.text


def test_what_comes_while_it_is_open_is_put_on_top(ask: Callable[[str], str], spot: Spot) -> None:
    ask("first")
    waiting = iter(["second", "third"])
    seen: list[int] = []

    def enough(told: list[Told]) -> bool:
        if len(rows(told)) > len(seen):
            seen.append(1)
            if following := next(waiting, None):
                ask(following)
        return len(seen) == 3

    browser = Browser(dashboard(spot.db_path))
    told = browser.follow(enough)
    assert [(each.how, prompts(each.html)) for each in rows(told)] == [
        ("replace", ["first"]),
        ("prepend", ["second"]),
        ("prepend", ["third"]),
    ]
    assert browser.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert browser.headers["cache-control"] == "private, no-store"
    assert any(each.element == "came" and "1 new result at" in each.html for each in told)


def test_who_connects_again_gets_what_is_missing(ask: Callable[[str], str], spot: Spot) -> None:
    app = dashboard(spot.db_path)
    ask("first")
    (before,) = rows(Browser(app).follow(rows))
    ask("second")
    (after,) = rows(Browser(app).follow(rows, last=before.id))
    assert (after.how, prompts(after.html)) == ("prepend", ["second"])


def test_a_result_that_is_made_anew_within_a_second_is_new(
    ask: Callable[[str], str], spot: Spot
) -> None:
    ask("first")
    with bs.open_store(spot.db_path, config=False) as store:
        (record,) = store.rows()
    again = record._replace(made_at=(record.made_at or 0.0) + 1e-3)
    shown = iter([[record], [again], [again]])
    feed = Feed(lambda: next(shown))
    before = feed.news(None)
    assert before is not None
    after = feed.news(before.id)
    assert after is not None
    assert (after.records, after.whole) == ((again,), False)
    assert feed.news(after.id) is None


@pytest.mark.parametrize("last", ["", "x", "x-1", "-", "0-99999999999999999999", "²-²"])
def test_who_has_another_state_gets_all(ask: Callable[[str], str], spot: Spot, last: str) -> None:
    ask("first")
    (told,) = rows(Browser(dashboard(spot.db_path)).follow(rows, last=last))
    assert (told.how, prompts(told.html)) == ("replace", ["first"])


def test_texts_are_escaped_on_their_way(ask: Callable[[str], str], spot: Spot) -> None:
    ask("<script>alert(1)</script>\r\ndata: x\n\nid: 7\u2028\u202e")
    browser = Browser(dashboard(spot.db_path))
    (told,) = rows(browser.follow(rows))
    assert "<script" not in told.html
    assert "&lt;script&gt;" in told.html
    assert "\u202e" not in told.html
    assert len({each.id for each in browser.told}) == 1


def test_a_store_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, make_spot: Callable[..., Spot], visit: Callable[..., Any]
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    page = visit(folder).get("/store/app/live")
    assert page.status_code == 200
    assert "there is no store in" in page.text
    filled: list[Spot] = []

    def enough(told: list[Told]) -> bool:
        if told and not filled:
            filled.append(make_spot(directory=folder))
            filled[0].mark(name="shop:ask")(str.upper)("hello")
        return any("hello" in each.html for each in rows(told))

    told = Browser(dashboard(folder)).follow(enough)
    problems = [each.html for each in told if each.element == "problem"]
    assert "there is no store in" in problems[0]
    assert problems[-1].strip() == ""


def test_it_ends_with_the_server_around_it(ask: Callable[[str], str], spot: Spot) -> None:
    """Uvicorn ends its streams only after they have ended."""
    ask("first")

    class Server:
        should_exit = False

        def handle_exit(self, *_: object) -> None: ...

    server = Server()

    def enough(told: list[Told]) -> bool:
        server.should_exit = bool(told)
        return False

    before = signal.signal(signal.SIGINT, server.handle_exit)
    try:
        assert Browser(dashboard(spot.db_path)).follow(enough)
    finally:
        signal.signal(signal.SIGINT, before)
