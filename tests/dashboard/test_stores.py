"""Which stores a dashboard shows, what it tells of each, and when it looks again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore
from beautyspot_cli.store_options import Place
from beautyspot_dashboard.access.rules import mounted_rules
from beautyspot_dashboard.app import make_app
from beautyspot_dashboard.masking import masked
from beautyspot_dashboard.places import board_of
from beautyspot_dashboard.shelf import slug_of
from starlette.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
    fill(tmp_path, "one")
    client = visit(tmp_path)
    assert client.get("/", follow_redirects=False).headers["location"] == "/store/one"
    fill(tmp_path, "two")
    assert 'href="/store/two"' in client.get("/stores").text
    assert client.get("/store/two").status_code == 200
    shown = client.get("/store/one").text
    assert f"--store {tmp_path / 'one.db'}" in shown, "the folder alone would not do any more"


def test_a_place_without_a_store_is_looked_at_again(
    visit: Callable[..., Any], tmp_path: Path
) -> None:
    place = tmp_path / "shop"
    place.mkdir()
    client = visit(place)
    text = client.get("/stores").text
    assert '<span class="badge awaited">nothing stored yet</span>' in text
    assert "There is no store in" in text
    assert "does not open" not in text
    assert client.get("/store/shop").status_code == 400
    fill(place, "app")
    assert "nothing stored yet" not in client.get("/stores").text
    assert client.get("/store/shop").status_code == 200, "the URL stays"
    assert len([*client.get("/stores").text.split('class="card"')]) == 2


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


def test_an_empty_store_is_called_so(visit: Callable[..., Any]) -> None:
    text = visit(bs.open_store(MemoryMetadataStore(), config=False)).get("/stores").text
    assert '<span class="badge">empty' in text


class Remote(MemoryMetadataStore):
    """A store of all machines."""

    remote = True


@pytest.mark.parametrize("told", [None, True, False])
def test_what_is_not_on_this_machine_is_read_only(told: bool | None, spot: Any) -> None:
    from beautyspot_dashboard.opening import shelf_of

    for metadata in (Remote(), MemoryMetadataStore()):
        board = shelf_of(bs.open_store(metadata, config=False), (), read_only=told)
        (shelved,) = board.shelf
        assert shelved.read_only == (metadata.remote if told is None else told)
    (own,) = shelf_of((), spot, read_only=None).shelf
    assert not own.read_only
    assert own.words == ("--store", str(spot.db_path))


def test_what_can_t_be_opened_is_read_only_by_its_address(tmp_path: Path) -> None:
    for place, wanted in ((str(tmp_path), False), ("nosuch://host/1", True)):
        (shelved,) = board_of([Place(place)], read_only=None).shelf
        with pytest.raises(bs.BeautyspotError):
            shelved.store()
        assert shelved.read_only == wanted


def test_names_in_urls() -> None:
    taken: list[str] = []
    for place in ("/a/app.db", "/b/app.db", "redis://host:1/0", "/", "é", ".beautyspot/"):
        taken.append(slug_of(place, taken))
    assert taken == ["app", "app-2", "0", "store", "store-2", "beautyspot"]


@pytest.mark.parametrize(
    "place",
    [
        "redis://user:hunter2@127.0.0.1:1",
        "redis://user:hunter2@127.0.0.1:1/0",
        "redis://:hunter2@127.0.0.1:1/0",
        "redis://user:hunter2/more@127.0.0.1:1/0",
        "unix://user:hunter2@/run/none.sock?db=0",
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
        app = make_app(board_of([Place(place)], read_only=None), mounted_rules(()))
        client = TestClient(app, base_url="http://localhost")
    stores = client.get("/stores")
    assert "127.0.0.1" in stores.text or "/run/none.sock" in stores.text
    (slug,) = set(re.findall('/store/([^/"]+)', stores.text))
    pages = [stores, *(client.get(f"/store/{slug}{page}") for page in ("", "/live", "/health"))]
    assert [page.url for page in pages if "hunter2" in page.text + str(page.url)] == []
    assert "***" in pages[2].text


def test_what_is_no_password_is_shown() -> None:
    for word in ("a@b/app.db", "sqlite:////data/me@work/app.db", "redis://host:6379/0?namespace=a"):
        assert masked(word) == word


def test_the_health_of_a_store(visit: Callable[..., Any], tmp_path: Path) -> None:
    fill(tmp_path, "app")
    client = visit(tmp_path)
    text = client.get("/store/app/health").text
    assert "is sound" in text
    assert "beautyspot doctor --store" in text


def test_problems_come_first(
    visit: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [
        bs.Finding("ok", "process", "fine"),
        bs.Finding("warning", "storage s3", "slow <b>"),
        bs.Finding("problem", "metadata", "damaged: copy it"),
    ]
    monkeypatch.setattr("beautyspot_dashboard.opening.examine", lambda *_, **__: iter(findings))
    fill(tmp_path, "app")
    text = visit(tmp_path).get("/store/app/health").text
    assert "1 problem<" in text
    assert "1 warning<" in text
    assert "<b>" not in text
    assert text.index("damaged: copy it") < text.index("slow") < text.index("fine")


def test_a_store_whose_health_only_its_program_can_tell(visit: Callable[..., Any]) -> None:
    client = visit(bs.open_store(MemoryMetadataStore(), config=False))
    base = client.get("/", follow_redirects=False).headers["location"]
    assert "be examined from here" in client.get(f"{base}/health").text


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
    assert "0 of its rows can be read, and 91 can" in client.get("/store/one/health").text
    assert "is damaged" not in client.get("/store/two").text
    (tmp_path / "one.db").write_bytes(whole)
    assert "is damaged" not in client.get("/store/one").text, "it was mended"
