"""`previous`: what is stored for a call, also where it has expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from beautyspot.spot import Spot


def test_an_expired_result_is_found_by_previous_alone(spot: Spot) -> None:
    marked = spot.mark(ttl=0)(str.upper)
    assert spot.previous(marked, "a") is None
    marked("a")
    assert spot.peek(marked, "a") is None
    found = spot.previous(marked, "a")
    assert found is not None
    assert (found.value, found.key) == ("A", spot.key(marked, "a"))


def test_a_function_renews_its_own_result(spot: Spot) -> None:
    @spot.mark(ttl=0)
    def pages(url: str) -> list[str]:
        before = spot.previous(pages, url)
        return [*(before.value if before else []), url]

    assert pages("a") == ["a"]
    assert pages("a") == ["a", "a"]
    assert spot.refresh(pages, "a") == ["a", "a", "a"]


def test_an_error_is_found_until_it_expires(spot: Spot) -> None:
    def fails(name: str) -> str:
        raise KeyError(name)

    lasting = spot.mark(cache_errors=(KeyError,), name="lasting")(fails)
    expired = spot.mark(cache_errors=(KeyError,), error_ttl=0, name="expired")(fails)
    for marked in (lasting, expired):
        with pytest.raises(KeyError):
            marked("a")
    found = spot.previous(lasting, "a")
    assert found is not None
    assert isinstance(found.error, KeyError)
    assert spot.previous(expired, "a") is None


def test_stale_bounds_it(spot: Spot) -> None:
    short = spot.mark(ttl=0, stale=0.001, name="short")(str.upper)
    long = spot.mark(ttl=0, stale="1h", name="long")(str.upper)
    with spot.using(mode="refresh"):
        assert short("a") == long("a") == "A"
    while spot.previous(short, "a") is not None:  # a thousandth of a second
        pass
    assert spot.previous(long, "a") is not None
