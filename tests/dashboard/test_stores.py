"""Which stores a dashboard shows, what it tells of each, and when it looks again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore
from beautyspot_cli.options import Place
from beautyspot_dashboard.access import LOOPBACK, Gate
from beautyspot_dashboard.app import make_app
from beautyspot_dashboard.board import make_board
from beautyspot_dashboard.program import board_at
from starlette.testclient import TestClient


def fill(folder: Path, *names: str) -> None:
    for name in names:
        with bs.Spot(name, directory=folder, config=False) as spot:
            spot.mark(name="app:upper")(str.upper)("x")


def test_a_folder_with_several_stores_shows_all(visit: Callable[..., Any], tmp_path: Path) -> None:
    fill(tmp_path, "one", "two")
    client = visit(tmp_path)
    text = client.get("/").text
    assert "<h1>Stores" in text
    assert str(tmp_path / "one.db") in text
    assert str(tmp_path / "two.db") in text
    assert text.count('<span class="badge ok">opens') == 2
    assert f"--store {tmp_path / 'two.db'}" in client.get("/store/two").text


def test_a_store_that_comes_later_is_shown(visit: Callable[..., Any], tmp_path: Path) -> None:
    client = visit(tmp_path)
    assert "nothing stored yet" in client.get("/stores").text
    (slug,) = set(re.findall('/store/([^/"]+)', client.get("/stores").text))
    assert client.get(f"/store/{slug}").status_code == 400
    fill(tmp_path, "one")
    assert "app:upper" in client.get(f"/store/{slug}").text


def test_a_store_that_is_gone_says_so(visit: Callable[..., Any], tmp_path: Path) -> None:
    fill(tmp_path, "app")
    client = visit(tmp_path)
    assert client.get("/store/app").status_code == 200
    for file in tmp_path.glob("app.db*"):
        if file.is_file():
            file.unlink()
    assert "does not open" in client.get("/stores").text
    answer = client.get("/store/app")
    assert answer.status_code == 503
    assert "nothing is there" in answer.text


def test_what_is_not_there_leads_to_what_is(visit: Callable[..., Any], tmp_path: Path) -> None:
    fill(tmp_path, "app")
    client = visit(tmp_path)
    text = client.get("/store/app/nowhere").text
    assert "there is no such page" in text
    assert '<a href="/store/app">the functions of app</a>' in text
    assert '<a href="/stores">all stores</a>' in client.get("/store/other/results").text


@pytest.mark.parametrize(
    "place",
    [
        "redis://user:hunter2@127.0.0.1:1",
        "redis://:hunter2@127.0.0.1:1/0",
        "redis://user:hunter2/more@127.0.0.1:1/0",
        "nosuch://127.0.0.1:1/0?x=1&password=hunter2",
    ],
)
@pytest.mark.parametrize("is_mounted", [True, False])
def test_a_password_in_a_url_is_not_shown(
    place: str, visit: Callable[..., Any], *, is_mounted: bool
) -> None:
    if is_mounted:
        client = visit(place)
    else:
        app = Gate(make_app(board_at([Place(place)], None)), frozenset(LOOPBACK))
        client = TestClient(app, base_url="http://localhost")
    stores = client.get("/stores")
    assert "127.0.0.1" in stores.text or "/run/none.sock" in stores.text
    (slug,) = set(re.findall('/store/([^/"]+)', stores.text))
    pages = [stores, *(client.get(f"/store/{slug}{page}") for page in ("", "/live", "/health"))]
    assert [page.url for page in pages if "hunter2" in page.text + str(page.url)] == []
    assert "***" in pages[2].text


def test_the_health_of_a_store(visit: Callable[..., Any], tmp_path: Path) -> None:
    fill(tmp_path, "app")
    client = visit(tmp_path)
    text = client.get("/store/app/health").text
    assert "is sound" in text
    assert "beautyspot --store" in text
    assert " doctor</code>" in text


def test_a_database_that_was_cut_short_is_called_damaged(
    visit: Callable[..., Any], tmp_path: Path
) -> None:
    fill(tmp_path, "one", "two")
    with bs.Spot("one", directory=tmp_path, config=False) as spot:
        list(spot.map(spot.mark(name="app:long")(str.upper), [f"{n:01000}" for n in range(90)]))
    whole = (tmp_path / "one.db").read_bytes()
    (tmp_path / "one.db").write_bytes(whole[:24_576])
    client = visit(tmp_path)
    stores = client.get("/stores").text
    assert stores.count('<span class="badge problem">damaged') == 1
    assert stores.count('<span class="badge ok">opens') == 1
    for page in ("/store/one", "/store/one/results", "/store/one/live", "/store/one/remove"):
        text = client.get(page).text
        assert "The database is damaged" in text, page
        assert f"beautyspot copy {tmp_path / 'one.db'} FRESH.db" in text
        assert "Nothing is stored" not in text
    assert "copy what can be read" in client.get("/store/one/health").text
    assert "is damaged" not in client.get("/store/two").text
    (tmp_path / "one.db").write_bytes(whole)
    assert "is damaged" not in client.get("/store/one").text, "it was mended"


class Remote(MemoryMetadataStore):
    """A store of all machines."""

    remote = True


@pytest.mark.parametrize("told", [None, True, False])
def test_what_is_not_on_this_machine_is_read_only(told: bool | None, spot: Any) -> None:
    for metadata in (Remote(), MemoryMetadataStore()):
        board = make_board(bs.open_store(metadata, config=False), read_only=told)
        (shelved,) = board.shelf.values()
        assert shelved.read_only == (metadata.remote if told is None else told)
    (own,) = make_board((), spot, read_only=None).shelf.values()
    assert not own.read_only
    assert own.words == ("--store", str(spot.db_path))
