"""The page of one result, whatever is the matter with it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from dashboard.shops import change, command_of, linked_keys, run


@pytest.fixture
def client(shop: Path, visit: Callable[..., Any]) -> Any:
    """Asks the dashboard of that store."""
    return visit(str(shop))


def key_of(database: Path, **where: Any) -> str:
    """The key of the newest result that matches."""
    with bs.open_store(database, config=False) as store:
        return next(store.rows("newest", **where)).cache_key


def text_of(page: Any) -> str:
    """What a page says, without its markup."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text)))


def test_a_result_tells_its_call(shop: Path, client: Any) -> None:
    key = key_of(shop, arguments="good evening")
    page = client.get(f"/store/shop/result/{key}")
    text = text_of(page)
    assert page.status_code == 200
    for part in ("prompt good evening", "model large", "Version 2", "paid", "eu", "Price"):
        assert part in text
    for part in (key, "shop:ask", "msgpack", "Signed no", "its row", "Expires never"):
        assert part in text
    assert text.index("Value") < text.index("Arguments") < text.index("About it")
    assert page.text.count("<h1") == 1
    assert key in run(*command_of(page)).stdout


def test_the_beginning_of_a_key_will_do(shop: Path, client: Any) -> None:
    key = key_of(shop)
    assert client.get(f"/store/shop/result/{key[:8]}").status_code == 200
    for unknown, status in (("f" * 8, 404), ("xyz", 400), ("%2e%2e", 400), ("%00", 400)):
        assert client.get(f"/store/shop/result/{unknown}").status_code == status


def test_it_leads_back_to_its_list_and_to_those_beside_it(client: Any) -> None:
    listing = client.get("/store/shop/results?function=shop%3Aask&sort=key&limit=5")
    keys = linked_keys(listing)
    links = dict(re.findall(r'href="([^"]*/result/([0-9a-f]{32})[^"]*)"', listing.text))
    pages = [client.get(html.unescape(link)) for link in links]

    def link(page: Any, rel: str) -> str:
        found = re.search(rf'rel="{rel}" href="[^"]*/result/([0-9a-f]+)', page.text)
        return found[1] if found else ""

    assert [link(page, "next") for page in pages] == [*keys[1:], ""]
    assert [link(page, "prev") for page in pages] == ["", *keys[:-1]]
    back = re.search(r'href="([^"]*)">← Results', pages[2].text)
    assert back is not None
    assert linked_keys(client.get(html.unescape(back[1]))) == keys


def test_why_it_ran_is_shown_side_by_side(shop: Path, client: Any) -> None:
    key = key_of(shop, arguments="good evening")
    page = client.get(f"/store/shop/result/{key}/why")
    text = text_of(page)
    assert "differs in argument prompt, argument model" in text
    assert "prompt differs good evening good morning, number" in text
    assert "model differs large small" in text
    assert "version 2 2" in text
    assert "version differs" not in text
    nearest = linked_keys(page)[-1]
    assert nearest != key
    assert "value differs large: good evening small: good morning" in text
    assert nearest in run(*command_of(page)).stdout
    alone = client.get(f"/store/shop/result/{key_of(shop, function='shop:draw')}/why")
    assert "this was the first" in text_of(alone)


def test_whether_it_is_sound_is_told_when_asked(own_shop: Path, visit: Callable[..., Any]) -> None:
    client = visit(str(own_shop))
    sound = client.get(f"/store/shop/result/{key_of(own_shop, function='shop:draw')}/check")
    assert "Sound." in text_of(sound)
    change(own_shop, "update tasks set result_data = x'00' where func_identifier = 'shop:fail'")
    for blob in own_shop.parent.rglob("*.svg"):
        blob.unlink()
    faults = {"shop:fail": "Size.", "shop:draw": "Missing."}
    for function, said in faults.items():
        key = key_of(own_shop, function=function)
        assert said in text_of(client.get(f"/store/shop/result/{key}/check"))
        page = client.get(f"/store/shop/result/{key}")
        assert page.status_code == 200
        assert "About it" in page.text


def test_what_a_call_finds_no_more_says_so(own_shop: Path, visit: Callable[..., Any]) -> None:
    change(
        own_shop,
        "update tasks set key_scheme = null, serializer = null, digest = null, size = null, "
        "arguments = null, made_at = null where func_identifier = 'shop:stream'",
    )
    client = visit(str(own_shop))
    expired = client.get(f"/store/shop/result/{key_of(own_shop, function='shop:forecast')}")
    assert "has expired: the next call of it runs again" in text_of(expired)
    key = key_of(own_shop, function="shop:stream")
    old = text_of(client.get(f"/store/shop/result/{key}"))
    assert "stored by a release before 3.0" in old
    assert "rows of releases before 3.0 have none" in old
    assert "no digest" in text_of(client.get(f"/store/shop/result/{key}/check"))
    assert "a release before 3.0" in text_of(client.get(f"/store/shop/result/{key}/why"))


def test_results_whose_serializer_may_run_code_and_signed_ones(
    make_spot: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    spot = make_spot("signed", signing_key="k" * 32, serializer="pickle")

    @spot.mark(name="shop:pickled")
    def pickled(what: str) -> set[str]:
        return {what}

    pickled("x")
    client = visit(str(spot.db_path))
    key = key_of(spot.db_path)
    page = client.get(f"/store/signed/result/{key}")
    assert page.status_code == 200
    assert "Signed yes" in text_of(page)
    check = text_of(client.get(f"/store/signed/result/{key}/check"))
    assert "Signed." in check
    assert "no damage" in check


def test_hostile_rows_are_shown(own_shop: Path, visit: Callable[..., Any]) -> None:
    text = "x=" + "'<b>\x1b" * 20_000
    place = "where func_identifier = 'shop:stream'"
    change(own_shop, f"update tasks set arguments = ?, version = ?, size = -5 {place}", text, text)  # noqa: S608
    change(own_shop, f"update tasks set expires_at = 9e99, took = -1, code = '::' {place}")  # noqa: S608
    change(own_shop, f"update tasks set content_type = ?, serializer = ? {place}", "a\r\nb", "\x00")  # noqa: S608
    change(own_shop, f"update tasks set func_identifier = '\u202e<i>', tags = '[1]' {place}")  # noqa: S608
    key = key_of(own_shop, version=text)
    client = visit(str(own_shop))
    for view in ("", "/why", "/check"):
        page = client.get(f"/store/shop/result/{key}{view}")
        assert page.status_code == 200
        assert "\x1b" not in page.text
        assert "<i>" not in page.text
    page = client.get(f"/store/shop/result/{key}")
    assert "more characters</summary>" in page.text
