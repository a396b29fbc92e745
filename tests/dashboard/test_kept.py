"""What takes long: pages that go on without it, load themselves again, and then have it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot_dashboard.kept import Kept
from dashboard.shops import linked_keys


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait for nothing, and what took no time at all is kept, too."""
    monkeypatch.setattr("beautyspot_dashboard.kept.SOON", 0.0)
    monkeypatch.setattr("beautyspot_dashboard.kept.LONG", 0.0)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Whatever reads all rows of a store waits for this."""
    goes_on = threading.Event()

    def waiting(method: Any) -> Any:
        def wait(*args: Any, **options: Any) -> Any:
            assert goes_on.wait(20)
            return method(*args, **options)

        return wait

    for name in ("functions", "page", "removal", "total"):
        monkeypatch.setattr(bs.Store, name, waiting(getattr(bs.Store, name)))
    yield goes_on
    goes_on.set()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/store/shop/results?sort=largest", "Sorting …"),
        ("/store/shop/remove?function=*", "Looking for what would go …"),
        ("/store/shop", "counting …"),
    ],
)
def test_a_page_loads_itself_again_until_it_is_known(
    shop: Path, visit: Callable[..., Any], slow: threading.Event, path: str, says: str
) -> None:
    client = visit(str(shop))
    page = client.get(path)
    assert page.status_code == 200
    assert says in page.text
    assert "refresh" in page.headers or 'http-equiv="refresh"' in page.text
    slow.set()
    while says in (page := client.get(path)).text:
        pass
    assert "refresh" not in page.headers
    assert 'http-equiv="refresh"' not in page.text
    assert linked_keys(page) or "14" in page.text


def test_one_question_is_worked_on_once_and_its_answer_serves_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("beautyspot_dashboard.kept.time.monotonic", lambda: now[0])
    asked: list[int] = []
    goes_on, kept = threading.Event(), Kept()

    def work() -> int:
        asked.append(1)
        assert goes_on.wait(20)
        return len(asked)

    assert [kept.get("x", work, 0.0) for _ in range(3)] == [None] * 3
    now[0] = 2.0  # it took two seconds
    goes_on.set()
    assert kept.get("x", work, 20.0) == 1
    now[0] = 21.0
    assert kept.get("x", work, 20.0) == 1
    now[0] = 23.0
    assert kept.get("x", work, 20.0) == 2
    kept.forget()
    assert kept.get("x", work, 20.0) == 3


def test_the_last_answer_serves_while_it_is_found_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("beautyspot_dashboard.kept.time.monotonic", lambda: now[0])
    goes_on, kept = threading.Event(), Kept()
    goes_on.set()

    def work() -> float:
        assert goes_on.wait(20)
        return now[0]

    assert kept.get("x", work, 20.0) == 0.0
    goes_on.clear()
    now[0] = 100.0
    assert kept.get("x", work, 0.0) == 0.0
    goes_on.set()
    assert kept.get("x", work, 20.0) == 100.0
    goes_on.clear()
    now[0] = 500.0
    assert kept.get("x", work, 0.0) is None, "it is too old"
    goes_on.set()
    assert kept.get("x", work, 20.0) == 500.0
    goes_on.clear()
    kept.forget()
    assert kept.get("x", work, 0.0) is None, "something was changed"
    goes_on.set()


def test_a_list_that_is_whole_is_counted_by_itself(
    shop: Path, visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr(bs.Store, "total", lambda *_, **__: goes_on.wait(20))
    client = visit(str(shop))
    assert "20 match" in client.get("/store/shop/results").text
    assert "is being counted" in client.get("/store/shop/results?limit=5").text
    page = client.get("/store/shop/results?tag=nothing").text
    goes_on.set()
    assert "No result matches" in page
    assert "counted" not in page


def test_a_failure_is_raised_where_somebody_comes_for_the_answer() -> None:
    def fail() -> None:
        raise bs.MetadataError("the disk is full")

    kept = Kept()
    for _ in range(2):
        with pytest.raises(bs.MetadataError, match="the disk is full"):
            kept.get("x", fail, 20.0)
