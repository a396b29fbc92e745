"""Removals: what would go is shown first, and that goes and nothing else."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot_cli.formats import size
from dashboard.shops import command_of, linked_keys, run

REMOVE = "/store/shop/remove"


@pytest.fixture
def client(own_shop: Path, visit: Callable[..., Any]) -> Any:
    """Asks a dashboard that may remove, as its own forms do."""
    client = visit(str(own_shop), read_only=False)
    client.headers["origin"] = "http://localhost"
    return client


def text_of(page: Any) -> str:
    """What a page says, without its markup."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text)))


def keys_in(database: Path, **where: Any) -> set[str]:
    """The keys of the results that match."""
    with bs.open_store(database, config=False) as store:
        return {row.cache_key for row in store.rows(**where)}


def press(client: Any, page: Any) -> Any:
    """Press the button that removes what a page shows."""
    (action,) = re.findall(r'<form method="post" action="([^"]*)"', page.text)
    return client.post(REMOVE + html.unescape(action))


@pytest.mark.parametrize(
    "query",
    [
        {"function": "ask", "arguments": "evening"},
        {"function": "*", "show": "1"},
        {"what": "prune", "show": "1", "max-entries": "3", "keep-expired": "1"},
        {"what": "prune", "show": "1", "unused": "0s", "max-size": "100B", "tag": "paid"},
    ],
)
def test_what_is_shown_goes_and_nothing_else(
    own_shop: Path, client: Any, query: dict[str, str]
) -> None:
    page = client.get(REMOVE, params=query)
    assert page.status_code == 200
    before = keys_in(own_shop)
    said = json.loads(run(*command_of(page), "--dry-run", "--json").stdout)
    foreseen = f"Results {said['entries']} Their size {size(said['size'])} Functions"
    assert foreseen in text_of(page)
    assert set(linked_keys(page)) == set(said["keys"][:10])
    assert keys_in(own_shop) == before

    done = press(client, page)
    assert done.status_code == 200
    assert f"Results removed {said['entries']} " in text_of(done)
    assert before - keys_in(own_shop) == set(said["keys"])


@pytest.mark.parametrize(
    "query",
    [
        {"function": "shop:ask"},
        {"function": "shop:ask", "older": "0s"},
        {"what": "prune", "show": "1", "function": "shop:ask", "older": "0s"},
    ],
)
def test_what_is_stored_after_it_was_shown_stays(
    own_shop: Path, client: Any, query: dict[str, str]
) -> None:
    page = client.get(REMOVE, params=query)
    assert "Results 14" in text_of(page)
    with bs.Spot("shop", directory=own_shop.parent, config=False) as spot:

        @spot.mark(name="shop:ask", version="2")
        def ask(prompt: str, model: str = "small") -> str:
            return prompt + model

        spot.invalidate(ask, "good evening", "large")
        ask("good evening", "large")  # anew
        ask("something else")
    assert "Results removed 13" in text_of(press(client, page))
    left = keys_in(own_shop, function="shop:ask")
    assert len(left) == 2


def test_what_new_results_push_over_a_limit_stays(own_shop: Path, client: Any) -> None:
    page = client.get(
        REMOVE, params={"what": "prune", "show": "1", "max-entries": "19", "keep-expired": "1"}
    )
    (goes,) = linked_keys(page)
    before = keys_in(own_shop)
    with bs.Spot("shop", directory=own_shop.parent, config=False) as spot:
        list(spot.map(spot.mark(name="shop:late")(str.upper), list("abc")))
    press(client, page)
    assert before - keys_in(own_shop) == {goes}


def test_one_result_goes_from_its_page(own_shop: Path, client: Any) -> None:
    (key,) = keys_in(own_shop, arguments="evening")
    page = client.get(f"/store/shop/result/{key}")
    (link,) = re.findall(r'href="([^"]*)">Remove…', page.text)
    page = client.get(html.unescape(link))
    assert linked_keys(page) == [key]
    assert "Remove 1 result," in text_of(page)
    assert "Results removed 1 " in text_of(press(client, page))
    assert keys_in(own_shop, key=key) == set()
    assert client.get(f"/store/shop/result/{key}").status_code == 404
    again = press(client, page)
    assert "Results removed 0 " in text_of(again)


def test_blobs_without_a_result_go(own_shop: Path, client: Any) -> None:
    with bs.open_store(own_shop, config=False) as store:
        assert store.storage is not None
        location = f"{store.metadata.store_id}/{'0' * 32}-00000000.bin"
        store.storage.save(location, b"of a killed process")
    page = client.get(REMOVE, params={"what": "collect"})
    assert "What would go" not in page.text
    page = client.get(REMOVE, params={"what": "collect", "show": "1"})
    assert "There is nothing to remove" in page.text
    page = client.get(REMOVE, params={"what": "collect", "show": "1", "grace": "0"})
    assert "Blobs 1 Their size 19 B" in text_of(page)
    said = json.loads(run(*command_of(page), "--dry-run", "--json").stdout)
    assert said["blobs"] == 1
    assert "Blobs removed 1" in text_of(press(client, page))
    page = client.get(REMOVE, params={"what": "collect", "show": "1", "grace": "0"})
    assert "There is nothing to remove" in page.text


def test_a_read_only_dashboard_removes_nothing(own_shop: Path, visit: Callable[..., Any]) -> None:
    client, before = visit(str(own_shop)), keys_in(own_shop)
    client.headers["origin"] = "http://localhost"
    page = client.get(REMOVE, params={"function": "ask"})
    assert 'method="post"' not in page.text
    assert "--no-read-only" in page.text
    assert "Results 14" in text_of(page)
    key = next(iter(before))
    for query in ({"key": key, "at": "9e9"}, {"what": "collect", "show": "1", "at": "9e9"}, {}):
        refused = client.post(REMOVE, params=query)
        assert refused.status_code == 403
        assert "nothing was removed" in refused.text
    assert keys_in(own_shop) == before


def test_a_get_changes_nothing(own_shop: Path, client: Any) -> None:
    before = keys_in(own_shop)
    page = client.get(REMOVE, params={"function": "*"})
    (action,) = re.findall(r'<form method="post" action="([^"]*)"', page.text)
    client.get(REMOVE + html.unescape(action))
    client.head(REMOVE + html.unescape(action))
    assert keys_in(own_shop) == before


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"functoin": "ask", "older": "0s"}, "there is no filter 'functoin'"),
        ({"older": "7", "function": "ask"}, "may be seconds or a date"),
        ({"show": "1"}, "the function * is everything"),
        ({"what": "prune", "show": "1", "max-size": "much"}, "give a number of bytes"),
        ({"what": "prune", "show": "1", "max-entries": "-1"}, "give a whole number"),
        ({"what": "prune", "show": "1", "arguments": "x"}, "there is no filter 'arguments'"),
        ({"what": "collect", "show": "1", "grace": "soon"}, "give"),
        ({"what": "collect", "show": "1", "function": "ask"}, "there is no filter 'function'"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_offered(
    client: Any, query: dict[str, str], said: str
) -> None:
    page = client.get(REMOVE, params=query)
    assert page.status_code == 400
    assert said.lower() in text_of(page).lower()
    assert 'method="post"' not in page.text


@pytest.mark.parametrize("at", ["", "x", "nan", "inf", "-1", "0"])
def test_what_was_not_shown_at_a_moment_does_not_go(own_shop: Path, client: Any, at: str) -> None:
    before = keys_in(own_shop)
    for query in ({"function": "*"}, {"what": "prune", "show": "1", "max-entries": "0"}):
        assert client.post(REMOVE, params={**query, "at": at}).status_code == 400
    assert client.post(REMOVE, params={"at": "9e9"}).status_code == 400
    assert client.post(REMOVE, params={"older": "7", "at": "9e9"}).status_code == 400
    assert keys_in(own_shop) == before


def test_a_removal_that_fails_says_what_was_reached(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def carry_out(self: object, progress: Any) -> None:
        progress(bs.Removed(2, 10))
        raise bs.MetadataError("the disk is full")

    page = client.get(REMOVE, params={"function": "*"})
    monkeypatch.setattr(bs.Removal, "carry_out", carry_out)
    text = text_of(press(client, page))
    assert "Not all was removed" in text
    assert "The disk is full" in text
    assert "Results removed 2 " in text
    assert "to remove again is safe" in text
