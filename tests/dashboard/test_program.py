"""`beautyspot ui`: which stores it shows, where it listens, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
from beautyspot import Spot
from beautyspot_cli.store_options import Place
from beautyspot_dashboard import main
from beautyspot_dashboard.places import board_of
from beautyspot_dashboard.serving import listening


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, which all tests here look at."""
    found = tmp_path_factory.mktemp("program")
    with Spot("app", directory=found / ".beautyspot", config=False) as spot:
        spot.mark(name="shop:ask")(str.upper)("hello")
    return found


class Browser:
    """What a person's browser is to a link: it keeps cookies, and reads pages."""

    def __init__(self, link: str) -> None:
        self.base = link.partition("?")[0]
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.first = self.open(link).read().decode()

    def open(self, link: str) -> Any:
        return self._opener.open(link, timeout=20)

    def status(self, link: str) -> int:
        try:
            return int(self.open(link).status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


# ----------------------------------------------------------------------- in this process


class Desktop:
    """A desktop whose browser visits a page, and whose user then presses Ctrl-C."""

    def __init__(self, end: signal.Signals = signal.SIGINT) -> None:
        self.end = end
        self.pages: list[str] = []
        self.browser: Browser | None = None

    def open(self, link: str) -> None:
        try:
            self.browser = Browser(link)
            self.pages.append(self.browser.first)
            self.look_further(link)
        finally:
            os.kill(os.getpid(), self.end)

    def look_further(self, link: str) -> None:
        """Before the end."""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_opens_a_browser_and_says_the_next_link(
    end: signal.Signals,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    desktop = Desktop(end)
    monkeypatch.setattr(webbrowser, "get", lambda: desktop)
    before = signal.getsignal(end)
    assert main([str(folder), "--port", "0"]) == 0
    assert signal.getsignal(end) is before
    (page,) = desktop.pages
    assert "shop:ask" in page
    said = capsys.readouterr()
    links = [word for word in said.out.split() if word.startswith("http://127.0.0.1:")]
    assert len(set(links)) == 2
    assert said.err == ""


def test_it_lets_nobody_in_by_an_old_link(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Following(Desktop):
        def look_further(self, link: str) -> None:
            assert self.browser is not None
            self.pages.append(str(self.browser.status(link)))
            with pytest.raises(urllib.error.HTTPError, match="403"):
                Browser(link)

    desktop = Following()
    monkeypatch.setattr(webbrowser, "get", lambda: desktop)
    assert main([str(folder), "--port", "0"]) == 0
    assert desktop.pages[1:] == ["200"]
    assert capsys.readouterr().err == ""


def _ends_at_once(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    served: list[object] = []
    monkeypatch.setattr(
        "beautyspot_dashboard.starting.serve", lambda app, listener: served.append(app)
    )
    return served


def test_behind_a_proxy_it_says_who_asks_for_passwords(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    served = _ends_at_once(monkeypatch)
    proxy = "https://team.example.com/cache"
    assert main([str(folder), "--port", "0", "--behind-proxy", proxy]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"The dashboard is at {proxy}")
    assert "It asks nobody who they are" in said
    assert "token" not in said
    assert served


# ----------------------------------------------------------------------- what is wrong


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_said(folder: Path, taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--port", str(taken)]) == 2
    assert f"the port {taken} of 127.0.0.1 can't be had" in capsys.readouterr().err


def test_where_the_usual_port_is_taken_it_takes_the_next(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beautyspot_dashboard.serving.USUAL_PORT", taken)
    with listening(None) as found:
        assert found.getsockname()[0] == "127.0.0.1"
        assert taken < found.getsockname()[1] <= taken + 20


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["nowhere"], "there is no file and no folder nowhere"),
        (["a", "--store", "b"], "two stores are given"),
        (["--port", "70000"], "70000"),
        (["--sport", "1"], "No such option"),
        (["--behind-proxy", "team.example.com"], "such as https://team.example.com"),
    ],
)
def test_bad_input_is_said(
    words: list[str],
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr()
    assert wanted in said.err
    assert said.out == ""


# ----------------------------------------------------------------------- which stores


@pytest.fixture
def two(tmp_path: Path, make_spot: Callable[..., Spot]) -> Path:
    for name in ("ours", "theirs"):
        make_spot(name, directory=tmp_path / ".beautyspot").mark(name="f")(str.upper)("x")
    return tmp_path


def test_a_folder_shows_all_its_stores(two: Path) -> None:
    board = board_of([Place(str(two), storage="file:///blobs")], read_only=None)
    assert [each.slug for each in board.shelf] == ["ours", "theirs"]
    (ours, _) = board.shelf
    path = str(two / ".beautyspot" / "ours.db")
    assert ours.words == ("--store", path, "--storage", "file:///blobs")


def test_without_words_it_is_the_store_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "below").mkdir(exist_ok=True)
    for place in (folder, folder / "below"):  # as the other commands look for it
        monkeypatch.chdir(place)
        (found,) = board_of([Place()], read_only=None).shelf
        assert found.slug == folder.name
        with found.store() as store:
            assert store.total(function="shop:ask").entries == 1


@pytest.mark.parametrize(
    ("store", "read_only", "wanted"),
    [
        ("here", None, False),
        ("here", True, True),
        ("sqlite", None, False),
        ("redis://127.0.0.1:1/0", None, True),
        ("redis://127.0.0.1:1/0", False, False),
    ],
)
def test_what_is_not_on_this_machine_is_only_looked_at(
    folder: Path, store: str, read_only: bool | None, wanted: bool
) -> None:
    database = folder / ".beautyspot" / "app.db"
    given = {"here": str(folder), "sqlite": f"sqlite:///{database}"}.get(store, store)
    (found,) = board_of([Place(given)], read_only=read_only).shelf
    assert found.read_only is wanted
