"""`beautyspot ui`: which stores it shows, where it listens, how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
from beautyspot import Spot
from beautyspot_cli.options import Place
from beautyspot_dashboard import main
from beautyspot_dashboard.program import board_at, listening


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


# ----------------------------------------------------------------------- in this process


class Desktop:
    """A desktop whose browser opens a file, and whose user then presses Ctrl-C."""

    def __init__(self, end: signal.Signals = signal.SIGINT) -> None:
        self.end = end
        self.page = ""
        self.file = Path()
        self.mode = 0

    def open(self, uri: str) -> None:
        try:
            self.file = Path(uri.removeprefix("file://"))
            self.mode = self.file.stat().st_mode & 0o777
            (link,) = re.findall('href="([^"]*)"', self.file.read_text())
            self.page = Browser(link).first
        finally:
            os.kill(os.getpid(), self.end)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_browser_is_led_there_by_a_file_of_this_user(
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
    assert "shop:ask" in desktop.page
    assert desktop.mode == 0o600
    assert not desktop.file.exists()
    said = capsys.readouterr()
    assert said.out.count("http://127.0.0.1:") == 1
    assert said.err == ""


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
    monkeypatch.setattr("beautyspot_dashboard.program.USUAL_PORT", taken)
    with listening(None) as found:
        assert found.getsockname()[0] == "127.0.0.1"
        assert taken < found.getsockname()[1] <= taken + 20


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["nowhere"], "there is no file and no folder nowhere"),
        (["--port", "70000"], "70000"),
        (["--sport", "1"], "No such option"),
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
    board = board_at([Place(str(two), storage="file:///blobs")], None)
    assert [each.slug for each in board.shelf.values()] == ["ours", "theirs"]
    (ours, _) = board.shelf.values()
    path = str(two / ".beautyspot" / "ours.db")
    assert ours.words == ("--store", path, "--storage", "file:///blobs")


def test_without_words_it_is_the_store_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "below").mkdir(exist_ok=True)
    for place in (folder, folder / "below"):  # as the other commands look for it
        monkeypatch.chdir(place)
        (found,) = board_at([Place()], None).shelf.values()
        assert found.slug == "app"
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
    (found,) = board_at([Place(given)], read_only).shelf.values()
    assert found.read_only is wanted
